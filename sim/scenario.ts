// One seed, one run: a cluster, some clients, some weather; then the sky clears. Every key is read
// once from all replicas, or the replicas find by themselves what differs; the nodes are stopped,
// and their disks compared with what the clients were told. Everything follows from the seed.

import type { Node } from '../src/node/node.ts';
import type { GetRequest } from '../src/node/store.ts';
import type { EngineOptions } from '../src/storage/open-engine.ts';
import { type ClientOptions, SimClient } from './clients.ts';
import { LATEST, type Saboteur, SIBLINGS, SimCluster } from './cluster.ts';
import { describeWeather, drawWeather, Faults, type Weather } from './faults.ts';
import { History } from './history.ts';
import { type Absent, type Contents, type Counts, judge } from './oracles.ts';
import { SessionClient, type SessionOptions } from './sessions/session-client.ts';
import { SimWorld } from './sim-host.ts';

export interface ScenarioOptions {
  readonly saboteur?: Saboteur;
  /** Instead of one that flushes and compacts all the time. */
  readonly storage?: EngineOptions;
  readonly sends?: ClientOptions['sends'];
  readonly after?: SessionOptions['after'];
  /** Instead of what the seed would draw. */
  readonly weather?: Partial<Weather>;
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
  readonly events: number;
  readonly virtualMs: number;
  /** The last events and log lines, for whoever must find out why. */
  readonly tail: readonly string[];
}

const CALM_MS = 4_000;
const HEAL_STEP_MS = 500;
const HEAL_MS_MAX = 60_000;
const REAP_MS_MAX = 120_000;

export async function runScenario(seed: number, options: ScenarioOptions = {}): Promise<Report> {
  const world = new SimWorld(seed);
  const dice = world.random.fork('scenario');
  const weather = { ...drawWeather(dice), ...options.weather };
  const cluster = new SimCluster(world, dice.pick([3, 3, 4, 5]), options);
  const history = new History();
  const faults = new Faults(world, cluster, weather);
  const findings: string[] = [];
  try {
    await world.settle(Promise.all(cluster.names.map((name) => cluster.start(name))));
    await world.runUntil(() => cluster.running().every((node) => node.isReady()));
    faults.start();
    const clients = ['1', '2', '3', '4'].map((name) => {
      const pace = { operations: dice.between(20, 60), thinkMsMean: dice.between(5, 200) };
      return new SimClient(world, cluster, history, { name, ...pace, sends: options.sends });
    });
    const sessions = ['5', '6'].map((name) => {
      const pace = { operations: dice.between(20, 60), thinkMsMean: dice.between(5, 200) };
      return new SessionClient(world, cluster, history, { name, ...pace, after: options.after });
    });
    await world.settle(Promise.all([...clients, ...sessions].map((client) => client.run())));
    faults.stop();
    await heal(world, cluster);
    await deliverHints(world, cluster, history);
    if (dice.chance(0.5)) await readAll(world, cluster, history);
    else await compareAll(world, cluster, history);
    await forgetDead(world, cluster, history);
    await world.settle(cluster.closeAll());
    const disks = await world.settle(
      Promise.all(cluster.names.map(async (name) => [name, await cluster.contents(name)] as const)),
    );
    const contents: Contents = new Map(disks.map(([name, { objects }]) => [name, objects]));
    const absent: Absent = new Map(disks.map(([name, { absent }]) => [name, absent]));
    const counts: Counts = new Map(disks.map(([name, { counts }]) => [name, counts]));
    const holders = (name: string) => cluster.holders(name);
    const isTimeTrue = !weather.hasSkewedClocks;
    findings.push(...judge({ history, contents, absent, counts, holders, isTimeTrue }));
  } catch (error) {
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
    events: world.eventCount(),
    virtualMs: world.nowMs,
    tail: findings.length === 0 ? [] : world.traceLines(),
  };
}

/** Every node up and in touch. */
async function heal(world: SimWorld, cluster: SimCluster): Promise<void> {
  const isWhole = () =>
    cluster.running().length === cluster.names.length &&
    !cluster.names.some((name) => cluster.isPoisoned(name)) &&
    cluster.running().every((node) => node.metrics().membersAlive === cluster.names.length);
  for (let waitedMs = 0; !isWhole(); waitedMs += HEAL_STEP_MS) {
    if (waitedMs > HEAL_MS_MAX) throw new Error('the cluster did not find itself together');
    for (const name of cluster.names) {
      if (cluster.isPoisoned(name)) cluster.crash(name);
      if (!world.node(name).isUp) await world.settle(cluster.start(name));
    }
    await world.runFor(HEAL_STEP_MS);
  }
  await world.runFor(CALM_MS);
}

/** Every key is read from all replicas: read repair does the rest. */
async function readAll(world: SimWorld, cluster: SimCluster, history: History): Promise<void> {
  const keys = new Set(history.writes.map((write) => `${write.keyspace}/${write.key}`));
  for (const name of keys) {
    const keyspace = name.startsWith(`${SIBLINGS}/`) ? SIBLINGS : LATEST;
    const key = Buffer.from(name.slice(2));
    for (const node of cluster.running().slice(0, 2)) {
      const isAnswered = await readFromAll(world, node, { keyspace, key, r: 3 });
      if (!isAnswered) history.broken.push(`${name} has no answer after healing`);
    }
  }
  await world.runFor(CALM_MS);
}

/** Nobody reads: the replicas find by themselves what differs, and say when nothing does. */
async function compareAll(world: SimWorld, cluster: SimCluster, history: History): Promise<void> {
  const since = cluster.running().map((node) => node.wallMs());
  const isInSync = (node: Node, place: number) => {
    const states = [...node.metrics().sync.values()];
    const isEqual = states.every(({ inSyncMs }) => inSyncMs >= (since[place] as number));
    return isEqual && states.length === cluster.names.length - 1;
  };
  for (let waitedMs = 0; waitedMs < HEAL_MS_MAX; waitedMs += HEAL_STEP_MS) {
    if (cluster.running().every(isInSync)) return;
    await world.runFor(HEAL_STEP_MS);
  }
  const states = cluster.running().map((node) => [...node.metrics().sync]);
  history.broken.push(`never in sync: ${JSON.stringify(states)}`);
}

/** What nodes keep for others reaches them without anybody asking. */
async function deliverHints(world: SimWorld, cluster: SimCluster, history: History): Promise<void> {
  const keeping = () => cluster.running().filter((node) => node.metrics().hintsPending.size > 0);
  for (let waitedMs = 0; waitedMs < HEAL_MS_MAX; waitedMs += HEAL_STEP_MS) {
    if (keeping().length === 0) return;
    await world.runFor(HEAL_STEP_MS);
  }
  const pending = keeping().map((node) => [...node.metrics().hintsPending]);
  history.broken.push(`undelivered: hints ${JSON.stringify(pending)} wait although all are back`);
}

/** What is deleted is forgotten when everybody is there. */
async function forgetDead(world: SimWorld, cluster: SimCluster, history: History): Promise<void> {
  const dead = () => cluster.running().map((node) => node.metrics().reaping.slots);
  for (let waitedMs = 0; waitedMs < REAP_MS_MAX; waitedMs += HEAL_STEP_MS) {
    if (dead().every((slots) => slots === 0)) return;
    await world.runFor(HEAL_STEP_MS);
  }
  history.broken.push(`not forgotten: ${dead()} slots still have something dead in them`);
}

/** A sync that a stalled disk has not finished yet may still hold an answer back for a while. */
async function readFromAll(world: SimWorld, node: Node, request: GetRequest): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < HEAL_MS_MAX; waitedMs += HEAL_STEP_MS) {
    const outcome = await world.settle(node.get(request));
    if (outcome.kind !== 'no-answer') return true;
    await world.runFor(HEAL_STEP_MS);
  }
  return false;
}
