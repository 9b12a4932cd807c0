// Keyspaces with a merge function on a simulated cluster: what reads answer, and what is stored.

import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../src/base/errors.ts';
import type { KeyspaceNumber } from '../src/base/ids.ts';
import type { Node } from '../src/node/node.ts';
import type { Change, GetOutcome, VersionVector } from '../src/node/store.ts';
import { DEFAULT_KEYSPACE, type Keyspace } from '../src/replication/keyspace.ts';
import { SimCluster } from './cluster.ts';
import { SimWorld } from './sim-host.ts';

const SETS = 5 as KeyspaceNumber;
const FIELDS = 6 as KeyspaceNumber;
const KEYSPACES = [DEFAULT_KEYSPACE, merging(SETS, 'set-union'), merging(FIELDS, 'json-fields')];
const key = Buffer.from('k');

function merging(number: KeyspaceNumber, name: string): Keyspace {
  const merge = { name, module: undefined, limitMs: 100 };
  return { ...DEFAULT_KEYSPACE, number, name, conflictRule: 'merge', merge };
}

class Shop {
  readonly world = new SimWorld(1);
  readonly cluster = new SimCluster(this.world, 3, { keyspaces: KEYSPACES });

  async open(): Promise<this> {
    const { world, cluster } = this;
    await world.settle(Promise.all(cluster.names.map((name) => cluster.start(name))));
    await world.runUntil(() => cluster.running().every((n) => n.metrics().membersAlive === 3));
    return this;
  }

  node(name: string): Node {
    return this.cluster.node(name) as Node;
  }

  /** By somebody who has seen nothing of the key. */
  async put(value: string, keyspace = SETS, expiresAt = 0): Promise<void> {
    await this.change({ kind: 'put', value: Buffer.from(value), expiresAt }, keyspace);
  }

  async change(change: Change, keyspace = SETS, name = 'n1'): Promise<string> {
    const context = change.kind === 'put' ? { context: [] } : {};
    const request = { keyspace, key, change, ...context, w: 3 };
    return (await this.world.settle(this.node(name).write(request), 5_000)).kind;
  }

  async putSeen(value: object, context: VersionVector): Promise<void> {
    const change = {
      kind: 'put',
      value: Buffer.from(JSON.stringify(value)),
      expiresAt: 0,
    } as const;
    const request = { keyspace: FIELDS, key, change, context, w: 3 };
    await this.world.settle(this.node('n1').write(request), 5_000);
  }

  async text(name: string, keyspace: KeyspaceNumber): Promise<string> {
    const outcome = await this.get(name, keyspace);
    return outcome.kind === 'found' ? String(outcome.values[0]?.value) : outcome.kind;
  }

  get(name: string, keyspace = SETS, r = 2): Promise<GetOutcome> {
    return this.world.settle(this.node(name).get({ keyspace, key, r }), 5_000);
  }
}

/** Values, then what became of siblings. */
function shown(outcome: GetOutcome): unknown[] {
  if (outcome.kind !== 'found') return [outcome.kind];
  return [...outcome.values.map(({ value }) => String(value)), outcome.merge ?? 'one'];
}

test('every node answers siblings as one value, until a client writes it back', async () => {
  const shop = await new Shop().open();
  await shop.put('["milk"]');
  deepEqual(shown(await shop.get('n1')), ['["milk"]', 'one']);
  await shop.put('["eggs"]');
  await shop.put('["milk","tea"]');
  const merged = ['["eggs","milk","tea"]', { kind: 'merged', siblingsCount: 3 }];
  for (const name of shop.cluster.names) deepEqual(shown(await shop.get(name)), merged);
  const { merges, reads } = shop.node('n2').metrics();
  deepEqual([merges, reads.repairsSent], [{ merged: 1, failed: 0, late: 0 }, 0]);

  const read = await shop.get('n3');
  ok(read.kind === 'found');
  const [{ value } = { value: key }] = read.values;
  const put = { kind: 'put', value, expiresAt: 0 } as const;
  const { context } = read;
  const request = { keyspace: SETS, key, change: put, context, condition: 'unchanged' } as const;
  equal((await shop.world.settle(shop.node('n3').write(request))).kind, 'ok');
  deepEqual(shown(await shop.get('n2', SETS, 3)), ['["eggs","milk","tea"]', 'one']);
});

test('of each field the last writer wins, on any node', async () => {
  const shop = await new Shop().open();
  await shop.put('{"name":"Ann","town":"Ulm"}', FIELDS);
  await shop.put('{"town":"Bonn","age":7}', FIELDS);
  await shop.put('{"age":8}', FIELDS);
  const texts: string[] = [];
  for (const name of shop.cluster.names) texts.push(await shop.text(name, FIELDS));
  equal(new Set(texts).size, 1);
  match(texts[0] as string, /^\{"age":8,"name":"Ann","town":"Bonn","\$at":/);
});

test('writers at once of different fields of one object do not undo each other', async () => {
  const shop = await new Shop().open();
  await shop.put('{"name":"Ann","town":"Ulm","age":7}', FIELDS);
  const read = await shop.get('n1', FIELDS);
  ok(read.kind === 'found' && read.merge === undefined);
  const seen = JSON.parse(String(read.values[0]?.value));
  await shop.putSeen({ ...seen, town: 'Bonn' }, read.context);
  await shop.putSeen({ ...seen, age: 8 }, read.context);
  match(await shop.text('n3', FIELDS), /^\{"age":8,"name":"Ann","town":"Bonn",/);
  // A new expiry is no new time of a field.
  const expiresAt = shop.node('n1').wallMs() + 60_000;
  equal(await shop.change({ kind: 'expire', expiresAt }, FIELDS, 'n2'), 'ok');
  await shop.putSeen({ ...seen, name: 'Eve' }, read.context);
  match(await shop.text('n2', FIELDS), /^\{"age":8,"name":"Eve","town":"Bonn",/);
  await shop.put('no JSON', FIELDS);
  equal((await shop.get('n2', FIELDS)).kind, 'found');
});

test('the value before is the merged one, and nothing else is replaced', async () => {
  const shop = await new Shop().open();
  await shop.put('["milk"]');
  await shop.put('["eggs"]');
  const put = { kind: 'put', value: Buffer.from('["tea"]'), expiresAt: 0 } as const;
  const request = { keyspace: SETS, key, change: put, returnPrevious: true, w: 3 };
  const swapped = await shop.world.settle(shop.node('n2').write(request), 5_000);
  ok(swapped.kind === 'ok');
  equal(String(swapped.previous?.value), '["eggs","milk"]');
  deepEqual(shown(await shop.get('n1')), ['["tea"]', 'one']);
  await shop.put('tea');
  const refused = shop.world.settle(shop.node('n2').write(request), 5_000);
  await rejects(refused, (error) => hasCode(error, 'MERGE_FAILED'));
  const outcome = await shop.get('n1');
  equal(outcome.kind === 'found' && outcome.values.length, 2);
});

test('siblings that cannot be merged are answered as they are; a new expiry refuses', async () => {
  const shop = await new Shop().open();
  await shop.put('["milk"]');
  await shop.put('milk');
  const outcome = await shop.get('n2');
  ok(outcome.kind === 'found' && outcome.merge?.kind === 'unmerged', JSON.stringify(outcome));
  equal(outcome.values.length, 2);
  equal(shop.node('n2').metrics().merges.failed, 1);
  await shop.get('n2');
  const said = shop.world.logLines().filter(({ event }) => event === 'siblings not merged');
  deepEqual(
    said.map(({ node, fields }) => [node, fields.key, fields.merge, fields.siblings]),
    [['n2', 'k', 'set-union', 2]],
  );
  const refused = shop.change({ kind: 'expire', expiresAt: 0 }, SETS, 'n3');
  await rejects(refused, (error) => hasCode(error, 'MERGE_FAILED'));
  deepEqual((await shop.get('n1')).kind, 'found');
});

test('a merge of large siblings is the same, on the thread for guests', async () => {
  const shop = await new Shop().open();
  const items = Array.from({ length: 3_000 }, (_, n) => `"item ${10_000 + n}"`);
  await shop.put(`[${items.slice(0, 2_000)}]`);
  await shop.put(`[${items.slice(1_000)}]`);
  const merged = [`[${items}]`, { kind: 'merged', siblingsCount: 2 }];
  for (const name of shop.cluster.names) deepEqual(shown(await shop.get(name)), merged);
});

test('a new expiry keeps what is in all siblings', async () => {
  const shop = await new Shop().open();
  await shop.put('["milk"]');
  await shop.put('["eggs"]');
  const expiresAt = shop.node('n1').wallMs() + 60_000;
  equal(await shop.change({ kind: 'expire', expiresAt }, SETS, 'n2'), 'ok');
  const outcome = await shop.get('n3', SETS, 3);
  deepEqual(shown(outcome), ['["eggs","milk"]', 'one']);
  equal(outcome.kind === 'found' && outcome.values[0]?.expiresAt, expiresAt);
});

test('a merged value lives as long as any sibling, and only living ones count', async () => {
  const shop = await new Shop().open();
  const nowMs = shop.node('n1').wallMs();
  await shop.put('["soon"]', SETS, nowMs + 1_000);
  await shop.put('["later"]', SETS, nowMs + 60_000);
  const both = await shop.get('n1');
  deepEqual(shown(both), ['["later","soon"]', { kind: 'merged', siblingsCount: 2 }]);
  equal(both.kind === 'found' && both.values[0]?.expiresAt, nowMs + 60_000);
  await shop.world.runFor(2_000);
  deepEqual(shown(await shop.get('n1')), ['["later"]', 'one']);
});
