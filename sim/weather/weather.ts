// The weather of one run: which kinds of faults it has. Swarm testing: runs that lack most faults
// find more than runs that have all of them, because one kind of fault hides what another would
// bring to light (Groce et al.: "Swarm Testing", ISSTA 2012).

import type { SimRandom } from '../sim-random.ts';

export interface Weather {
  readonly hasLossyNetwork: boolean;
  readonly hasSlowNetwork: boolean;
  /** Single links, or all of one node, that take seconds for a while. */
  readonly hasClogs: boolean;
  readonly hasCrashes: boolean;
  readonly hasPowerCuts: boolean;
  readonly hasPartitions: boolean;
  readonly hasPauses: boolean;
  readonly hasSyncFailures: boolean;
  readonly hasFullDisks: boolean;
  readonly hasSkewedClocks: boolean;
  readonly hasClockJumps: boolean;
  readonly hasCleanRestarts: boolean;
  readonly hasStalledDisks: boolean;
  /** A disk is replaced by an empty one. */
  readonly hasLostDisks: boolean;
  /** A disk goes back to a copy that was taken while its node was down. */
  readonly hasOldDisks: boolean;
  /** Single bits of single files flip, and nobody is told. */
  readonly hasRot: boolean;
  /** Single reads of single files fail. */
  readonly hasReadErrors: boolean;
  /** One node or two, always the same, are cut off from the others again and again. */
  readonly hasIslands: boolean;
  /** Mean times, in milliseconds: between two power cuts, and until a node that crashed is back. */
  readonly powerCutMs: number;
  readonly downMs: number;
}

export type WeatherKind = (typeof WEATHER_KINDS)[number];

const USUAL = { powerCutMs: 4_000, downMs: 800 };

const WEATHER_KINDS = [
  'hasLossyNetwork',
  'hasSlowNetwork',
  'hasClogs',
  'hasCrashes',
  'hasPowerCuts',
  'hasPartitions',
  'hasPauses',
  'hasSyncFailures',
  'hasFullDisks',
  'hasSkewedClocks',
  'hasClockJumps',
  'hasCleanRestarts',
  'hasStalledDisks',
  'hasLostDisks',
  'hasOldDisks',
  'hasRot',
  'hasReadErrors',
  'hasIslands',
] as const;

/** Came later, and have dice of their own: the seeds from before have the weather that they had. */
const LATE_KINDS: readonly string[] = ['hasRot', 'hasReadErrors', 'hasIslands'];

/** Each kind of fault is there with probability 0.4. */
export function drawWeather(random: SimRandom): Weather {
  return weatherOf((kind) => {
    return (LATE_KINDS.includes(kind) ? random.fork(kind) : random).chance(0.4);
  });
}

function weatherOf(has: (kind: WeatherKind) => boolean): Weather {
  const kinds = WEATHER_KINDS.map((kind) => [kind, has(kind)] as const);
  return { ...(Object.fromEntries(kinds) as Record<WeatherKind, boolean>), ...USUAL };
}

/** These kinds of faults and no others. */
export function onlyWeather(...kinds: readonly WeatherKind[]): Weather {
  return weatherOf((kind) => kinds.includes(kind));
}

export function describeWeather(weather: Weather): string {
  const kinds = WEATHER_KINDS.filter((kind) => weather[kind]).map((kind) => kind.slice(3));
  return kinds.length === 0 ? 'calm' : kinds.join(' ');
}
