// Contexts that no answer of ours held. Their holder may overwrite what it claims to have seen, as
// any writer may; writes of others that are acknowledged afterwards must not suffer for it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../src/base/errors.ts';
import { actorOf, incarnationOf, nodeNumberOf } from '../src/causality/dot.ts';
import { CUT, type VersionVector } from '../src/causality/version-vector.ts';
import type { Node } from '../src/node/node.ts';
import { SIBLINGS, SimCluster } from './cluster.ts';
import { SimWorld } from './sim-host.ts';

const key = Buffer.from('k');

/** What a forger makes of the context that three nodes have written to. */
const FORGERIES: readonly (readonly [what: string, forge: (v: VersionVector) => VersionVector])[] =
  [
    [
      'writes that are still to come',
      (v) => v.map(({ actor, counter }) => ({ actor, counter: counter + 9 })),
    ],
    [
      'later incarnations',
      (v) => v.map(({ actor, counter }) => ({ actor: later(actor), counter })),
    ],
    [
      'all incarnations up to later ones',
      (v) => v.map(({ actor, counter }) => ({ actor: later(actor), counter, isClosed: true })),
    ],
    ['that much was cut', (v) => [{ actor: CUT, counter: 1_000_000 }, ...v]],
    ['nodes that there are not', () => [{ actor: actorOf(77, 7), counter: 7 }]],
  ];

function later(actor: VersionVector[0]['actor']) {
  return actorOf(nodeNumberOf(actor), incarnationOf(actor) + 1_000);
}

function put(node: Node, value: string, context?: VersionVector) {
  const change = { kind: 'put', value: Buffer.from(value), expiresAt: 0 } as const;
  return node.write({ keyspace: SIBLINGS, key, change, context });
}

async function valuesAt(world: SimWorld, node: Node): Promise<string[]> {
  const read = await world.settle(node.get({ keyspace: SIBLINGS, key, r: 3 }), 5_000);
  return read.kind === 'found' ? read.values.map(({ value }) => `${value}`) : [];
}

for (const [what, forge] of FORGERIES) {
  test(`a context that claims ${what} takes no acknowledged write away`, async () => {
    const world = new SimWorld(1);
    const cluster = new SimCluster(world, 3);
    await world.settle(Promise.all(cluster.names.map((name) => cluster.start(name))));
    await world.runUntil(() =>
      cluster.running().every((node) => node.metrics().membersAlive === 3),
    );
    const nodes = cluster.running() as [Node, Node, Node];
    let context: VersionVector = [];
    for (const node of nodes) {
      const outcome = await world.settle(put(node, 'before'), 5_000);
      if (outcome.kind === 'ok') context = outcome.context;
    }
    assert.equal(context.length, 3);
    await world.settle(put(nodes[0], 'forged', forge(context)), 5_000);
    let acknowledged = 0;
    for (let i = 0; i < 12; i++) {
      // Half of them without a context: each by the node that is asked, over what that node has.
      const seen = i % 2 === 0 ? undefined : [];
      const outcome = await world.settle(put(nodes[i % 3] as Node, `v${i}`, seen), 5_000);
      if (outcome.kind !== 'ok') continue;
      acknowledged += 1;
      for (const node of nodes) assert.ok((await valuesAt(world, node)).includes(`v${i}`), `v${i}`);
    }
    assert.ok(acknowledged >= 9, `${acknowledged} of 12`);
  });
}

test('a context of a node in the far future is refused', async () => {
  const world = new SimWorld(1);
  const cluster = new SimCluster(world, 1);
  await world.settle(cluster.start('n1'));
  const [node] = cluster.running() as [Node];
  await assert.rejects(
    async () => put(node, 'x', [{ actor: actorOf(5, 2 ** 32 - 1), counter: 1 }]),
    (error) => hasCode(error, 'BAD_CONTEXT'),
  );
});
