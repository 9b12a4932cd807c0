// The second act: a quorum of nodes is healed, and the last one stays broken for good, in a way
// that no operator would notice at once. What a fault that always ends would hide must happen all
// the same: the others find each other, level what differs among them, and serve every request.
//
// One node of the cluster at most: with one more, some preference list would have less than R.

import { SimClient } from '../clients.ts';
import type { SimCluster } from '../cluster.ts';
import type { History } from '../history.ts';
import type { SimWorld } from '../sim-host.ts';
import type { SimRandom } from '../sim-random.ts';
import { compareAll, deliverHints, heal } from './healing.ts';

export interface LivenessParts {
  readonly world: SimWorld;
  readonly cluster: SimCluster;
  readonly history: History;
  readonly dice: SimRandom;
}

const SERVE_MS_MAX = 60_000;
const NOTICE_MS_MAX = 30_000;
const NOTICE_STEP_MS = 500;

interface Break {
  readonly begin: (world: SimWorld, broken: string, others: readonly string[]) => void;
  /** It answers nothing that one of the others asks, instead of nothing at all. */
  readonly isForOne?: true;
}

/** In the words of its neighbours: how a node can be of no use. */
const BREAKS: readonly Break[] = [
  { begin: (world, broken) => world.node(broken).pause() },
  { begin: (world, broken) => world.network.isolate(broken) },
  // It hears all, and nobody hears it.
  { begin: (world, broken, others) => world.network.cutAll([broken], others) },
  // One of the others cannot reach it, and hears of it through the rest.
  {
    begin: (world, broken, others) => world.network.cut(others[0] as string, broken),
    isForOne: true,
  },
  // It talks, and hears nobody.
  { begin: (world, broken, others) => world.network.cutAll(others, [broken]) },
];

export async function liveOnWithoutOne(parts: LivenessParts): Promise<void> {
  const { world, cluster, history, dice } = parts;
  const [broken, ...names] = dice.shuffle(cluster.names) as [string, ...string[]];
  if (dice.chance(0.3)) cluster.crash(broken);
  const { begin, isForOne } = dice.pick(BREAKS);
  begin(world, broken, names);
  const core = { world, cluster, history, names };
  await heal(core);
  await serve(parts, names);
  await giveUp(parts, broken, isForOne ? names.slice(0, 1) : names);
  await deliverHints(core);
  await compareAll(core);
  world.network.healAll();
  world.node(broken).resume();
}

/** Whoever is answered nothing by the broken node takes it for down, whatever others hear of it. */
async function giveUp(parts: LivenessParts, broken: string, asking: readonly string[]) {
  const { world, cluster, history } = parts;
  const hopeful = () => asking.filter((name) => cluster.believesIn(name, broken));
  for (let waitedMs = 0; waitedMs < NOTICE_MS_MAX; waitedMs += NOTICE_STEP_MS) {
    if (hopeful().length === 0) return;
    await world.runFor(NOTICE_STEP_MS);
  }
  const what = `[${hopeful()}] still ask ${broken}, which answers them nothing`;
  history.broken.push(`not noticed: ${what}`);
}

/**
 * A client of the healthy nodes is told the outcome of everything that it asks for: soon, for a
 * sync that began on a stalled disk may still hold things up for a while.
 */
async function serve(parts: LivenessParts, asks: readonly string[]): Promise<void> {
  const { world, history } = parts;
  const fromMs = world.nowMs;
  let unserved = await unservedOf(parts, asks);
  while (unserved > 0 && world.nowMs - fromMs < SERVE_MS_MAX) {
    unserved = await unservedOf(parts, asks);
  }
  if (unserved === 0) return;
  const what = `${unserved} requests had no outcome though all of [${asks}] were well`;
  history.broken.push(`not served: ${what}`);
}

/** How many requests of a client had no outcome. */
async function unservedOf(parts: LivenessParts, asks: readonly string[]): Promise<number> {
  const { world, cluster, history, dice } = parts;
  const [writes, failed] = [history.writes.length, history.readsFailed];
  const pace = { operations: dice.between(5, 15), thinkMsMean: 20 };
  const client = new SimClient(world, cluster, history, { name: 'healthy', ...pace, asks });
  await world.settle(client.run());
  const unknown = history.writes.slice(writes).filter(({ outcome }) => outcome === 'unknown');
  return unknown.length + history.readsFailed - failed;
}
