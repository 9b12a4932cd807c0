// What is waited for when the sky is clear: that nodes find each other, and what must then happen
// by itself. Each takes as long as it takes, within a limit that is a promise too.

import type { Node } from '../../src/node/node.ts';
import type { GetRequest } from '../../src/node/store.ts';
import { LATEST, SIBLINGS, type SimCluster } from '../cluster.ts';
import type { History } from '../history.ts';
import type { SimWorld } from '../sim-host.ts';

/** What is healed: these nodes of the cluster. */
export interface Patient {
  readonly world: SimWorld;
  readonly cluster: SimCluster;
  readonly history: History;
  readonly names: readonly string[];
}

const CALM_MS = 4_000;
const HEAL_STEP_MS = 500;
const HEAL_MS_MAX = 60_000;
const REAP_MS_MAX = 120_000;

/** All of them up and in touch. */
export async function heal({ world, cluster, names }: Patient): Promise<void> {
  const isWhole = () =>
    names.every((name) => isWell(cluster.node(name), names) && !cluster.isPoisoned(name));
  for (let waitedMs = 0; !isWhole(); waitedMs += HEAL_STEP_MS) {
    if (waitedMs > HEAL_MS_MAX) throw new Error(`[${names}] did not find themselves together`);
    for (const name of names) {
      if (cluster.isPoisoned(name)) cluster.crash(name);
      if (!world.node(name).isUp) await world.settle(cluster.start(name));
    }
    await world.runFor(HEAL_STEP_MS);
  }
  await world.runFor(CALM_MS);
}

/** Whether it sees all of them. */
function isWell(node: Node | undefined, names: readonly string[]): boolean {
  const health = node?.metrics().health;
  return names.every((name) => health?.get(name)?.state === 'alive');
}

/** Every key is read from all replicas: read repair does the rest. */
export async function readAll({ world, cluster, history }: Patient): Promise<void> {
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
export async function compareAll({ world, cluster, history, names }: Patient): Promise<void> {
  const nodes = names.map((name) => [name, cluster.node(name) as Node] as const);
  const since = nodes.map(([, node]) => node.wallMs());
  const isInSync = ([own, node]: readonly [string, Node], place: number) => {
    const { sync } = node.metrics();
    const others = names.filter((name) => name !== own && cluster.shareSlots(own, name));
    return others.every((name) => (sync.get(name)?.inSyncMs ?? 0) >= (since[place] as number));
  };
  for (let waitedMs = 0; waitedMs < HEAL_MS_MAX; waitedMs += HEAL_STEP_MS) {
    if (nodes.every(isInSync)) return;
    await world.runFor(HEAL_STEP_MS);
  }
  const states = nodes.map(([, node]) => [...node.metrics().sync]);
  history.broken.push(`never in sync: ${JSON.stringify(states)}`);
}

/** What nodes keep for others reaches them without anybody asking. */
export async function deliverHints({ world, cluster, history, names }: Patient): Promise<void> {
  const pendingAt = (node: string) =>
    [...(cluster.node(node) as Node).metrics().hintsPending].filter(([to]) => names.includes(to));
  for (let waitedMs = 0; waitedMs < HEAL_MS_MAX; waitedMs += HEAL_STEP_MS) {
    if (names.every((node) => pendingAt(node).length === 0)) return;
    await world.runFor(HEAL_STEP_MS);
  }
  const pending = names.map(pendingAt);
  history.broken.push(`undelivered: hints ${JSON.stringify(pending)} wait although all are back`);
}

/** What is deleted is forgotten when everybody is there. */
export async function forgetDead({ world, cluster, history }: Patient): Promise<void> {
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
