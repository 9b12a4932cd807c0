// One seed, one run, in three acts. Safety: a cluster, some clients, some weather. Liveness: one
// node stays broken for good, in one way or another, and the others must go on. Then the sky
// clears: every key is read once from all replicas, or the replicas find by themselves what
// differs; the nodes are stopped, and their disks compared with what the clients were told.
// Everything follows from the seed.

import type { Node } from '../src/node/node.ts';
import { HINT_LIMITS } from '../src/replication/hints/hint-book.ts';
import type { EngineOptions } from '../src/storage/open-engine.ts';
import { type ClientOptions, SimClient } from './clients.ts';
import { type Saboteur, SimCluster } from './cluster.ts';
import { History } from './history.ts';
import { AckWitness } from './oracles/ack-witness.ts';
import { DiskLooks } from './oracles/disk-looks.ts';
import { HintLedger } from './oracles/hint-ledger.ts';
import { judge } from './oracles/oracles.ts';
import { ReadWitness } from './oracles/read-witness.ts';
import { RefillWatch } from './oracles/refill-watch.ts';
import { compareAll, deliverHints, forgetDead, heal, readAll } from './phases/healing.ts';
import { liveOnWithoutOne } from './phases/liveness.ts';
import { ProbeBook, type ProbeCounts } from './probes/probes.ts';
import { SessionClient, type SessionOptions } from './sessions/session-client.ts';
import type { SharedKeys } from './shared-keys.ts';
import { SimWorld } from './sim-host.ts';
import type { SimRandom } from './sim-random.ts';
import { DiskAtlas, isSound } from './weather/disk-atlas.ts';
import { type FaultCounts, Faults } from './weather/faults.ts';
import { drawPlaces, type Places } from './weather/places.ts';
import { describeWeather, drawWeather, type Weather } from './weather/weather.ts';

/** What the clients of a run do. */
export interface Load {
  readonly clients: number;
  readonly sessions: number;
  /** Of each client: the fewest and the most. */
  readonly operations: readonly [number, number];
  /** Mean time between two of them: the least and the most. */
  readonly thinkMs: readonly [number, number];
  readonly keys?: SharedKeys;
  readonly flushChance?: number;
  /** The chance that an acknowledgement is held against the disks. */
  readonly lookChance: number;
}

export interface ScenarioOptions {
  readonly saboteur?: Saboteur;
  /** Instead of one that flushes and compacts all the time. */
  readonly storage?: EngineOptions;
  readonly sends?: ClientOptions['sends'];
  readonly after?: SessionOptions['after'];
  /** Otherwise than they usually do. */
  readonly load?: Partial<Load> | undefined;
  /** Instead of as many as the seed would draw. */
  readonly nodes?: number | undefined;
  /** Instead of what the seed would draw. */
  readonly weather?: Partial<Weather> | undefined;
}

export interface Report {
  readonly seed: number;
  readonly hash: string;
  readonly weather: string;
  readonly nodes: number;
  readonly findings: readonly string[];
  readonly acknowledged: number;
  readonly writes: number;
  readonly reads: number;
  readonly readsFailed: number;
  readonly sessionReads: number;
  /** Acknowledgements that were held against the disks in their instant. */
  readonly looks: number;
  readonly faults: Readonly<FaultCounts>;
  /** By name of the probe: how often it was hit. */
  readonly probes: Readonly<ProbeCounts>;
  readonly events: number;
  readonly virtualMs: number;
  /** The last events and log lines, for whoever must find out why. */
  readonly tail: readonly string[];
}

const USUAL_LOAD: Load = {
  clients: 4,
  sessions: 2,
  operations: [20, 60],
  thinkMs: [5, 200],
  lookChance: 0.03,
};

/**
 * Until it is durable that all slots are full: a node that a power cut makes refill them again
 * needs all others once more, also the one that stays broken for good.
 */
const NOTED_MS = 50;
/** Of a few dozen keys. */
const REFILL_MS_MAX = 60_000;
/** Of five keys; the clients of a run write a dozen. */
const HINTS_FEW_BYTES = 100;
/** Longer than a run: what is refused is refused for want of room. */
const HINTS_MS = HINT_LIMITS.windowMs;

export async function runScenario(seed: number, options: ScenarioOptions = {}): Promise<Report> {
  const probes = new ProbeBook();
  const world = new SimWorld(seed, { hear: (line) => probes.hearLine(line) });
  const dice = world.random.fork('scenario');
  const weather = { ...drawWeather(dice), ...options.weather };
  const onEnd = (node: Node, name: string) => {
    const metrics = node.metrics();
    probes.addMetrics(metrics);
    if (metrics.slotsRefilling > 0) atlas.noteHollow(name);
  };
  const hintLimits = {
    bytesMax: dice.pick([HINTS_FEW_BYTES, HINT_LIMITS.bytesMax]),
    windowMs: HINTS_MS,
  };
  const drawn = dice.pick([3, 3, 4, 5]);
  const size = options.nodes ?? drawn;
  const places = drawPlaces(world.random.fork('places'), size);
  const cluster = new SimCluster(world, size, { ...options, hintLimits, onEnd, ...places });
  const history = new History();
  const looks = new DiskLooks(cluster, history);
  const atlas = new DiskAtlas({ world, cluster, history, looks });
  const faults = new Faults({ world, cluster, atlas, looks }, weather);
  const { levels } = places;
  const isTimeTrue = !weather.hasSkewedClocks && !weather.hasClockJumps;
  const run = { world, cluster, history, looks, faults, dice, options, levels, isTimeTrue };
  const findings: string[] = [];
  try {
    await surviveWeather(run);
    await refillAll(run);
    await liveOnWithoutOne({ world, cluster, history, dice });
    await clearUp(run);
    const holders = (name: string) => cluster.holders(name);
    const disks = await disksOf(run);
    const isAllKept = !faults.hasDestroyed;
    findings.push(...judge({ history, disks, holders, isTimeTrue, isAllKept }));
    probes.addSeen({ history, faults: faults.counts, disks, wiped: faults.wiped });
  } catch (error) {
    findings.push(...history.broken);
    findings.push(`the run itself failed: ${error instanceof Error ? error.stack : error}`);
  }
  return {
    seed,
    hash: world.traceHash(),
    weather: describeWeather(weather),
    nodes: cluster.names.length,
    findings,
    acknowledged: history.acknowledged(),
    writes: history.writes.length,
    reads: history.reads,
    readsFailed: history.readsFailed,
    sessionReads: history.sessionReads.length,
    looks: history.looks,
    faults: faults.counts,
    probes: probes.counts,
    events: world.eventCount(),
    virtualMs: world.nowMs,
    tail: findings.length === 0 ? [] : world.traceLines(),
  };
}

interface Run {
  readonly world: SimWorld;
  readonly cluster: SimCluster;
  readonly history: History;
  readonly looks: DiskLooks;
  readonly faults: Faults;
  readonly dice: SimRandom;
  readonly options: ScenarioOptions;
  readonly levels: Places['levels'];
  readonly isTimeTrue: boolean;
}

/** Clients work while everything goes wrong that can. */
async function surviveWeather(run: Run): Promise<void> {
  const { world, cluster, history, looks, faults, dice, options, levels } = run;
  await world.settle(Promise.all(cluster.names.map((name) => cluster.start(name))));
  await world.runUntil(() => cluster.running().every((node) => node.isReady()));
  await world.runUntil(() => isFull(cluster));
  await world.runFor(NOTED_MS);
  faults.start();
  const isAllKept = () => !faults.hasDestroyed;
  const watch = new RefillWatch({ world, cluster, history, isAllKept });
  watch.start();
  const { sends, after } = options;
  const load: Load = { ...USUAL_LOAD, ...options.load };
  const { keys, flushChance } = load;
  const ledger = new HintLedger(history, isAllKept);
  const seeing = { ...run, random: dice.fork('witness') };
  const acks = new AckWitness({ ...seeing, ledger }, load.lookChance);
  const answers = new ReadWitness({ ...seeing, random: dice.fork('read witness') });
  const pace = () => ({
    operations: dice.between(...load.operations),
    thinkMsMean: dice.between(...load.thinkMs),
  });
  const clients = Array.from({ length: load.clients }, (_, n) => {
    const does = { name: `${n}`, ...pace(), keys, flushChance, levels, sends, acks, answers };
    return new SimClient(world, cluster, history, does);
  });
  const sessions = Array.from({ length: load.sessions }, (_, n) => {
    const does = { name: `s${n}`, ...pace(), after, acks, answers };
    return new SessionClient(world, cluster, history, does);
  });
  await world.settle(Promise.all([...clients, ...sessions].map((client) => client.run())));
  faults.stop();
  watch.stop();
  await world.settle(Promise.all([acks, answers, looks].map((each) => each.finish())));
}

/** A node that lost its disk, or some of it, needs all others once before it can do without one. */
async function refillAll({ world, cluster, history, faults }: Run): Promise<void> {
  if (!faults.hasDestroyed) return;
  const { names } = cluster;
  for (const name of names.filter((each) => faults.isRefusing(each))) {
    cluster.crash(name);
    await heal({ world, cluster, history, names: names.filter((each) => each !== name) });
    const isReplaced = await world.settle(faults.replaceRotten(name));
    if (!isReplaced) history.broken.push(`lost: ${name} had the last copy of something`);
  }
  await heal({ world, cluster, history, names });
  await world.runUntil(() => names.every((name) => isSound(cluster, world, name)), REFILL_MS_MAX);
}

function isFull(cluster: SimCluster): boolean {
  return cluster.names.every((name) => !cluster.slotsRefilling(name));
}

async function clearUp({ world, cluster, history, dice }: Run): Promise<void> {
  const patient = { world, cluster, history, names: cluster.names };
  await heal(patient);
  await deliverHints(patient);
  if (dice.chance(0.5)) await readAll(patient);
  else await compareAll(patient);
  await forgetDead(patient);
  await world.settle(cluster.closeAll());
}

async function disksOf({ world, cluster, looks }: Run) {
  const reading = cluster.names.map(async (name) => {
    return [name, await looks.lookAtLast(name)] as const;
  });
  return new Map(await world.settle(Promise.all(reading)));
}
