// One replica of three stops, or answers late: reads on another node hardly notice, ask the third
// one little more than before, and come back to the replica when it is well.

import { ok } from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '../src/node/node.ts';
import { LATEST, SimCluster } from './cluster.ts';
import { SimWorld } from './sim-host.ts';

const READS = 400;
/** Two round trips of the quiet network, with its tail, and the wait of a hedge. */
const QUICK_MS = 10;
/** What a read takes at most that was under way, or began before anybody could know. */
const FIRST_MS = 80;
/** How long it takes to leave the replica out. */
const DETECTION_MS = 120;

interface Trouble {
  readonly what: string;
  begin(world: SimWorld): void;
  end(world: SimWorld): void;
}

const TROUBLES: readonly Trouble[] = [
  {
    what: 'stops',
    begin: (world) => world.node('n3').pause(),
    end: (world) => world.node('n3').resume(),
  },
  {
    what: 'answers 100 ms late',
    begin: (world) => world.network.setLink('n3', 'n1', { delayMsMin: 100 }),
    end: (world) => world.network.setLink('n3', 'n1', {}),
  },
];

/** How long each read took, when it began, and whether n3 was one of those who answered. */
async function readMany(world: SimWorld, node: Node) {
  const third = node.status().members.find(({ name }) => name === 'n3')?.id;
  const reads = [];
  for (let i = 0; i < READS; i++) {
    const fromMs = world.nowMs;
    const key = Buffer.from(`k${i}`);
    const outcome = await world.settle(node.get({ keyspace: LATEST, key }) as Promise<unknown>);
    const { kind, receipt } = outcome as { kind: string; receipt: { nodes: string[] } };
    ok(kind === 'missing', `${kind} at ${i}`);
    const byThird = receipt.nodes.includes(third as string);
    reads.push({ fromMs, tookMs: world.nowMs - fromMs, byThird });
    await world.runFor(1);
  }
  return reads;
}

for (const { what, begin, end } of TROUBLES) {
  test(`a replica ${what}: reads leave it out, and come back to it`, async () => {
    const world = new SimWorld(7);
    const cluster = new SimCluster(world, 3);
    await world.settle(Promise.all(cluster.names.map((name) => cluster.start(name))));
    await world.runUntil(() => cluster.running().every((node) => node.isReady()));
    const node = cluster.node('n1') as Node;
    const before = await readMany(world, node);
    ok(before.filter(({ byThird }) => byThird).length > READS / 4, 'they take turns');
    const hedgesBefore = node.metrics().hedges.hedges;
    const troubleMs = world.nowMs;
    begin(world);
    const during = await readMany(world, node);
    for (const { fromMs, tookMs } of during) {
      const isKnown = fromMs - troubleMs > DETECTION_MS;
      ok(tookMs <= (isKnown ? QUICK_MS : FIRST_MS), `${tookMs} ms, ${fromMs - troubleMs} ms later`);
    }
    const hedges = node.metrics().hedges.hedges - hedgesBefore;
    ok(hedges > 0 && hedges <= 20 + READS / 20, `${hedges} hedges`);
    end(world);
    await readMany(world, node);
    await world.runFor(3_000);
    await readMany(world, node);
    const after = await readMany(world, node);
    ok(after.filter(({ byThird }) => byThird).length > READS / 4, 'it is asked again');
    await world.settle(cluster.closeAll());
  });
}
