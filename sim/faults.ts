// The weather of one run: which kinds of faults it has (swarm testing: Groce et al., ISSTA 2012 —
// runs that lack most faults find more than runs that have all of them), how strong, and when.
// Only what must be survivable is destroyed: bytes that no sync has confirmed.

import type { SimCluster } from './cluster.ts';
import type { SimWorld } from './sim-host.ts';
import type { SimRandom } from './sim-random.ts';

export interface Weather {
  readonly hasLossyNetwork: boolean;
  readonly hasSlowNetwork: boolean;
  readonly hasCrashes: boolean;
  readonly hasPowerCuts: boolean;
  readonly hasPartitions: boolean;
  readonly hasPauses: boolean;
  readonly hasSyncFailures: boolean;
  readonly hasFullDisks: boolean;
  readonly hasSkewedClocks: boolean;
  readonly hasCleanRestarts: boolean;
  readonly hasStalledDisks: boolean;
}

const WEATHER_KINDS = [
  'hasLossyNetwork',
  'hasSlowNetwork',
  'hasCrashes',
  'hasPowerCuts',
  'hasPartitions',
  'hasPauses',
  'hasSyncFailures',
  'hasFullDisks',
  'hasSkewedClocks',
  'hasCleanRestarts',
  'hasStalledDisks',
] as const satisfies readonly (keyof Weather)[];

/** Each kind of fault is there with probability 0.4. */
export function drawWeather(random: SimRandom): Weather {
  const drawn = WEATHER_KINDS.map((kind) => [kind, random.chance(0.4)] as const);
  return Object.fromEntries(drawn) as unknown as Weather;
}

/** One kind of fault and no other. */
export function onlyWeather(kind: keyof Weather): Weather {
  return Object.fromEntries(
    WEATHER_KINDS.map((each) => [each, each === kind]),
  ) as unknown as Weather;
}

export function describeWeather(weather: Weather): string {
  const kinds = WEATHER_KINDS.filter((kind) => weather[kind]).map((kind) => kind.slice(3));
  return kinds.length === 0 ? 'calm' : kinds.join(' ');
}

export class Faults {
  readonly #world: SimWorld;
  readonly #cluster: SimCluster;
  readonly #weather: Weather;
  readonly #random: SimRandom;
  #isOver = false;

  constructor(world: SimWorld, cluster: SimCluster, weather: Weather) {
    this.#world = world;
    this.#cluster = cluster;
    this.#weather = weather;
    this.#random = world.random.fork('faults');
  }

  /** Sets the climate and schedules events until `stop()`. */
  start(): void {
    const random = this.#random;
    this.#world.network.setQuality({
      delayMsMean: this.#weather.hasSlowNetwork ? random.between(1, 20) : 0.1,
      tailChance: this.#weather.hasSlowNetwork ? 0.02 : 0,
      tailMs: 300,
      lossChance: this.#weather.hasLossyNetwork ? random.between(1, 15) / 100 : 0,
      duplicateChance: this.#weather.hasLossyNetwork ? random.between(0, 20) / 100 : 0,
      reorderChance: this.#weather.hasLossyNetwork ? random.between(0, 50) / 100 : 0,
      lossNoticeChance: random.chance(0.5) ? 1 : 0.3,
    });
    for (const name of this.#cluster.names) {
      if (!this.#weather.hasSkewedClocks) break;
      this.#world.node(name).quartz.setSkew(random.between(-30_000, 30_000));
    }
    const kinds: [boolean, meanMs: number, strike: () => void][] = [
      [this.#weather.hasCrashes, 1_500, () => this.#crash([random.pick(this.#cluster.names)])],
      [this.#weather.hasPowerCuts, 4_000, () => this.#crash(this.#cluster.names)],
      [this.#weather.hasPartitions, 1_500, () => this.#partition()],
      [this.#weather.hasPauses, 2_000, () => this.#pause()],
      [this.#weather.hasSyncFailures, 2_500, () => this.#failSync()],
      [this.#weather.hasFullDisks, 3_000, () => this.#fillDisk()],
      [this.#weather.hasCleanRestarts, 2_000, () => this.#restart()],
      [this.#weather.hasStalledDisks, 2_500, () => this.#stallDisk()],
    ];
    for (const [isOn, meanMs, strike] of kinds) if (isOn) this.#repeat(meanMs, strike);
  }

  /** Ends all faults, present and future; machines that are down stay so. */
  stop(): void {
    this.#isOver = true;
    this.#world.network.healAll();
    this.#world.network.setQuality({});
    for (const machine of this.#world.nodes()) {
      machine.resume();
      machine.directory.clearFaults();
      machine.directory.setPace({ syncMs: 0.3 });
      machine.quartz.setSkew(0);
    }
  }

  #repeat(meanMs: number, strike: () => void): void {
    this.#later(this.#random.exponential(meanMs), 'fault', () => {
      strike();
      this.#repeat(meanMs, strike);
    });
  }

  #crash(names: readonly string[]): void {
    for (const name of names) {
      if (!this.#world.node(name).isUp) continue;
      this.#cluster.crash(name);
      this.#restartLater(name);
    }
  }

  #restartLater(name: string): void {
    this.#later(this.#random.exponential(800), `restart ${name}`, async () => {
      if (this.#world.node(name).isUp) return;
      if (!(await this.#cluster.start(name))) this.#restartLater(name);
    });
  }

  #partition(): void {
    const { network } = this.#world;
    const names = this.#random.shuffle([...this.#cluster.names]);
    const [first, second] = names as [string, string];
    const undo = this.#random.pick([
      () => network.cut(first, second),
      () => network.isolate(first),
      () => network.partition([first], names.slice(1)),
      () => network.partition(names.slice(0, 2), names.slice(2)),
    ]);
    undo();
    this.#later(this.#random.exponential(1_500), 'heal', () => network.healAll());
  }

  #pause(): void {
    const machine = this.#world.node(this.#random.pick(this.#cluster.names));
    machine.pause();
    this.#later(this.#random.exponential(1_500), 'resume', () => machine.resume());
  }

  #failSync(): void {
    const name = this.#random.pick(this.#cluster.names);
    if (this.#world.node(name).isUp) this.#world.node(name).directory.failNextSync();
    this.#later(500, 'operator looks', () => {
      if (this.#cluster.isPoisoned(name)) this.#crash([name]);
    });
  }

  #fillDisk(): void {
    const { directory } = this.#world.node(this.#random.pick(this.#cluster.names));
    directory.setCapacity(directory.usedBytes() + this.#random.between(0, 200));
    this.#later(this.#random.exponential(1_500), 'space', () => directory.setCapacity(undefined));
  }

  async #restart(): Promise<void> {
    const name = this.#random.pick(this.#cluster.names);
    if (this.#cluster.node(name) === undefined) return;
    await this.#cluster.stop(name);
    this.#restartLater(name);
  }

  /** Syncs that take seconds, as those of a dying or throttled disk do. */
  #stallDisk(): void {
    const { directory } = this.#world.node(this.#random.pick(this.#cluster.names));
    directory.setPace({ syncMs: this.#random.between(500, 5_000) });
    this.#later(this.#random.exponential(1_500), 'pace', () => directory.setPace({ syncMs: 0.3 }));
  }

  #later(ms: number, label: string, run: () => void): void {
    this.#world.after(ms, label, () => {
      if (!this.#isOver) run();
    });
  }
}
