import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KeyspaceNumber } from '../src/base/ids.ts';
import type { Node } from '../src/node/node.ts';
import { DEFAULT_KEYSPACE } from '../src/replication/keyspace.ts';
import { LATEST, SimCluster } from './cluster.ts';
import { SimWorld } from './sim-host.ts';

const HASTY = 2 as KeyspaceNumber;
const hasty = {
  ...DEFAULT_KEYSPACE,
  number: HASTY,
  name: 'hasty',
  durability: 'interval',
} as const;
const key = Buffer.from('k');

async function startedCluster(): Promise<[SimWorld, SimCluster]> {
  const world = new SimWorld(1);
  const cluster = new SimCluster(world, 3, { keyspaces: [DEFAULT_KEYSPACE, hasty] });
  await startAll(world, cluster);
  return [world, cluster];
}

async function startAll(world: SimWorld, cluster: SimCluster): Promise<void> {
  await world.settle(Promise.all(cluster.names.map((name) => cluster.start(name))));
  await world.runUntil(() => cluster.running().every((node) => node.isReady()));
  await world.runUntil(() =>
    cluster.running().every((node) => node.metrics().slotsRefilling === 0),
  );
}

function put(node: Node, keyspace: KeyspaceNumber, value: string) {
  const change = { kind: 'put', value: Buffer.from(value), expiresAt: 'default' } as const;
  return node.write({ keyspace, key, change });
}

async function readFrom(world: SimWorld, node: Node, keyspace: KeyspaceNumber) {
  const outcome = await world.settle(node.get({ keyspace, key }), 5_000);
  assert.notEqual(outcome.kind, 'no-answer');
  if (outcome.kind === 'no-answer') return undefined;
  assert.equal(outcome.receipt.nodes.length, 2);
  const value = outcome.kind === 'found' ? String(outcome.values[0]?.value) : undefined;
  return { value, durability: outcome.receipt.durability };
}

test('disks that hang: "interval" is acknowledged and read all the same, and says so', async () => {
  const [world, cluster] = await startedCluster();
  for (const machine of world.nodes()) machine.directory.setPace({ syncMs: 1e9 });
  const [first, , third] = cluster.running() as [Node, Node, Node];
  const outcome = await world.settle(put(first, HASTY, 'v'), 5_000);
  assert.equal(outcome.kind, 'ok');
  if (outcome.kind === 'ok') assert.equal(outcome.receipt.durability, 'interval');
  const read = await readFrom(world, third, HASTY);
  assert.deepEqual(read, { value: 'v', durability: 'interval' });
  assert.equal((await world.settle(put(first, LATEST, 'v'), 5_000)).kind, 'indeterminate');
});

test('"interval": a moment later no power cut takes it back', async () => {
  const [world, cluster] = await startedCluster();
  const [first] = cluster.running() as [Node];
  assert.equal((await world.settle(put(first, HASTY, 'v'))).kind, 'ok');
  await world.runFor(100);
  for (const name of cluster.names) cluster.crash(name);
  await startAll(world, cluster);
  const read = await readFrom(world, cluster.running()[0] as Node, HASTY);
  assert.equal(read?.value, 'v');
});
