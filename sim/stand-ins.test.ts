// All primaries of a key are away at once: whoever stands in for them takes plain puts and reads of
// what it keeps, and gives everything back when they return.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '../src/node/node.ts';
import { DEFAULT_KEYSPACE, SIBLINGS_KEYSPACE } from '../src/replication/keyspace.ts';
import type { Change } from '../src/replication/request.ts';
import { SIBLINGS, SimCluster } from './cluster.ts';
import { SimWorld } from './sim-host.ts';

const KEY = Buffer.from('k');

class Outage {
  readonly world = new SimWorld(7);
  readonly cluster: SimCluster;
  readonly primaries: readonly string[];
  readonly others: readonly string[];

  constructor(isSloppy = true) {
    const keyspaces = [DEFAULT_KEYSPACE, { ...SIBLINGS_KEYSPACE, isSloppy }];
    this.cluster = new SimCluster(this.world, 5, { keyspaces });
    this.primaries = this.cluster.holders(`${SIBLINGS}/${KEY}`);
    this.others = this.cluster.names.filter((name) => !this.primaries.includes(name));
  }

  async start(names: readonly string[]): Promise<void> {
    await this.world.settle(Promise.all(names.map((name) => this.cluster.start(name))));
    await this.#agreed();
  }

  async crashPrimaries(): Promise<void> {
    for (const name of this.primaries) this.cluster.crash(name);
    await this.#agreed();
  }

  async #agreed(): Promise<void> {
    const running = this.cluster.running();
    await this.world.runUntil(() =>
      running.every((node) => node.metrics().membersAlive === running.length),
    );
  }

  node(name: string | undefined): Node {
    return this.cluster.node(name as string) as Node;
  }

  change(name: string | undefined, change: Change) {
    const request = { keyspace: SIBLINGS, key: KEY, change };
    return this.world.settle(this.node(name).write(request), 5_000);
  }

  async put(name: string | undefined, value: string): Promise<readonly string[]> {
    const outcome = await this.change(name, {
      kind: 'put',
      value: Buffer.from(value),
      expiresAt: 0,
    });
    assert.ok(outcome.kind === 'ok', outcome.kind);
    const names = new Map(
      this.node(name)
        .status()
        .members.map((each) => [each.id, each.name]),
    );
    return outcome.receipt.fallbacks.map((id) => names.get(id) as string).toSorted();
  }

  async values(name: string | undefined, r = 2): Promise<string[]> {
    const read = await this.world.settle(this.node(name).get({ keyspace: SIBLINGS, key: KEY, r }));
    assert.notEqual(read.kind, 'no-answer');
    return read.kind === 'found' ? read.values.map(({ value }) => `${value}`).toSorted() : [];
  }

  async delivered(): Promise<void> {
    await this.world.runUntil(
      () => this.cluster.running().every((node) => node.metrics().hintsPending.size === 0),
      60_000,
    );
  }

  /** How many objects stand on the disk of each node. */
  async objects(): Promise<number[]> {
    await this.world.settle(this.cluster.closeAll());
    const counts: number[] = [];
    for (const name of this.cluster.names) {
      counts.push((await this.world.settle(this.cluster.contents(name))).objects.size);
    }
    return counts;
  }
}

test('puts and reads go on, and the primaries get what they missed', async () => {
  const outage = new Outage();
  await outage.start(outage.cluster.names);
  assert.deepEqual(await outage.put(outage.primaries[0], 'before'), []);
  await outage.crashPrimaries();
  const [one, other] = outage.others;
  assert.deepEqual(await outage.put(one, 'during'), outage.others);
  assert.deepEqual(await outage.values(other), ['during']);
  await outage.start(outage.primaries);
  await outage.delivered();
  for (const name of outage.cluster.names) {
    assert.deepEqual(await outage.values(name, 3), ['before', 'during'], name);
  }
  const holding = outage.cluster.names.map((name) => (outage.primaries.includes(name) ? 1 : 0));
  assert.deepEqual(await outage.objects(), holding);
});

test('what needs the value before is refused, and nothing is written', async () => {
  const outage = new Outage();
  await outage.start(outage.cluster.names);
  await outage.put(outage.primaries[0], 'v');
  await outage.crashPrimaries();
  const refused = await outage.change(outage.others[0], { kind: 'delete' });
  assert.equal(refused.kind, 'not-applied');
  await outage.start(outage.primaries);
  assert.deepEqual(await outage.values(outage.others[0], 3), ['v']);
});

test('a strict keyspace refuses', async () => {
  const outage = new Outage(false);
  await outage.start(outage.cluster.names);
  await outage.crashPrimaries();
  const change = { kind: 'put', value: KEY, expiresAt: 0 } as const;
  assert.equal((await outage.change(outage.others[0], change)).kind, 'not-applied');
});

test('who gave all back does not claim to have seen it when it stands in again', async () => {
  const outage = new Outage();
  await outage.start(outage.cluster.names);
  for (const value of ['first', 'second']) {
    await outage.crashPrimaries();
    await outage.put(outage.others[0], value);
    await outage.start(outage.primaries);
    await outage.delivered();
  }
  assert.deepEqual(await outage.values(outage.primaries[1], 3), ['first', 'second']);
});

test('a key that only stand-ins gave names to is forgotten as any other', async () => {
  const outage = new Outage();
  await outage.start(outage.cluster.names);
  await outage.crashPrimaries();
  await outage.put(outage.others[1], 'v');
  await outage.start(outage.primaries);
  await outage.delivered();
  assert.equal((await outage.change(outage.primaries[0], { kind: 'delete' })).kind, 'ok');
  await outage.world.runUntil(
    () => outage.cluster.running().every((node) => node.metrics().reaping.slots === 0),
    60_000,
  );
  assert.deepEqual(await outage.objects(), [0, 0, 0, 0, 0]);
});
