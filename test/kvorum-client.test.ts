// The TypeScript client against three real nodes: values, siblings, conditions, update() under
// contention, listings, failures of nodes, abort signals.

import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../src/base/errors.ts';
import { connect } from '../src/client/kvorum-client.ts';
import { startCluster } from './cluster-fixture.ts';

test('the TypeScript client', async (t) => {
  const cluster = await startCluster({ nodes: 3, owner: t });
  const nodes = cluster.nodes.map(({ port }) => `127.0.0.1:${port}`);
  const kv = await connect({ nodes });
  const siblings = await connect({ nodes: [nodes[1] as string], keyspace: '1' });
  t.after(() => Promise.all([kv.close(), siblings.close()]));

  await t.test('puts, gets and deletes', async () => {
    const written = await kv.put('a', 'one');
    ok(written.isApplied && written.nodes.length >= 2 && written.durability === 'fsync');
    const read = await kv.get('a');
    equal(String(read.value), 'one');
    equal(read.context, written.context);
    equal((await kv.delete('a')).isApplied, true);
    equal((await kv.delete('a')).isApplied, false);
    deepEqual((await kv.get('a')).values, []);
    const bytes = Buffer.from([0, 255, 13, 10]);
    await kv.put(bytes, bytes, { ttlMs: 60_000, w: 3 });
    const back = await kv.get(bytes, { r: 3 });
    deepEqual(back.value, bytes);
    ok(Math.abs((back.expiresAt ?? 0) - Date.now() - 60_000) < 30_000);
  });

  await t.test('conditions', async () => {
    const first = await kv.put('c', '1', { condition: 'absent' });
    ok(first.isApplied);
    equal((await kv.put('c', '2', { condition: 'absent' })).isApplied, false);
    const { context } = first;
    equal((await kv.put('c', '2', { context, condition: 'unchanged' })).isApplied, true);
    equal((await kv.put('c', '3', { context, condition: 'unchanged' })).isApplied, false);
    equal(String((await kv.get('c')).value), '2');
  });

  await t.test('update() makes one of siblings, and loses nothing to others', async () => {
    const { context } = await siblings.get('cart');
    await siblings.put('cart', '["milk"]', { context });
    await siblings.put('cart', '["eggs"]', { context });
    equal((await siblings.get('cart')).values.length, 2);
    const add = (item: string) =>
      siblings.update('cart', (carts) => {
        const items = carts.flatMap((cart): string[] => JSON.parse(String(cart)));
        return JSON.stringify([...new Set([...items, item])]);
      });
    await Promise.all(['tea', 'salt', 'rice', 'oil'].map(add));
    const { values } = await siblings.get('cart');
    equal(values.length, 1);
    const items: string[] = JSON.parse(String(values[0]));
    deepEqual(items.sort(), ['eggs', 'milk', 'oil', 'rice', 'salt', 'tea']);
    equal((await siblings.update('cart', () => undefined)).isApplied, false);
  });

  await t.test('many at once, and all keys', async () => {
    const entries = Array.from({ length: 700 }, (_, n) => [`many:${n}`, `${n}`] as const);
    await kv.putMany(entries);
    const reads = await kv.getMany(entries.map(([key]) => key));
    deepEqual(
      reads.map(({ value }) => String(value)),
      entries.map(([, value]) => value),
    );
    const keys = new Set<string>();
    for await (const key of kv.keys('many:*')) keys.add(String(key));
    equal(keys.size, 700);
  });

  await t.test('bad input is refused with a code', async () => {
    const code = (wanted: string) => (error: unknown) => hasCode(error, wanted as 'BAD_OPTION');
    await rejects(connect({ nodes: [] }), code('BAD_OPTION'));
    await rejects(connect({ nodes, keyspace: '77' }), code('BAD_OPTION'));
    await rejects(connect({ nodes: ['127.0.0.1:1'], timeoutMs: 300 }), code('UNREACHABLE'));
    await rejects(kv.get('a', { r: 9 }), code('BAD_OPTION'));
    const { context } = await siblings.get('cart');
    await rejects(kv.put('a', 'x', { context }), code('BAD_CONTEXT'));
    const stopped = AbortSignal.abort(new Error('enough'));
    await rejects(kv.get('a', { signal: stopped }), /enough/);
    equal((await kv.get('a')).value, undefined);
  });

  await t.test('a session sees its own writes through any node', async () => {
    const session = kv.session();
    await session.put('s', '1', { w: 1 });
    const { token } = session;
    const elsewhere = await connect({ nodes: [nodes[2] as string] });
    t.after(() => elsewhere.close());
    const moved = elsewhere.session(JSON.parse(JSON.stringify(token)));
    for (let n = 2; n < 30; n++) {
      await session.put('s', `${n}`, { w: 1 });
      const follower = elsewhere.session(session.token);
      equal(String((await follower.get('s', { r: 1 })).value), `${n}`);
    }
    ok(Number((await moved.get('s', { r: 1 })).value) >= 1);
  });

  await t.test('a node dies: reads and writes go on', async () => {
    await cluster.kill(0);
    // A read may be repeated, and so it finds out; a write would not know whether it was done.
    await kv.get('a');
    await kv.getMany(Array.from({ length: 20 }, (_, n) => `many:${n}`));
    for (let n = 0; n < 100; n++) await kv.put(`late:${n}`, `${n}`);
    const reads = await kv.getMany(Array.from({ length: 100 }, (_, n) => `late:${n}`));
    deepEqual(
      reads.map(({ value }) => String(value)),
      reads.map((_, n) => String(n)),
    );
  });

  await t.test('without a quorum: nothing was written, says the error', async () => {
    await cluster.kill(1);
    const impatient = await connect({ nodes: [nodes[2] as string], timeoutMs: 1_500 });
    t.after(() => impatient.close());
    await rejects(impatient.put('a', 'x'), (error) => hasCode(error, 'NOT_ENOUGH_REPLICAS'));
    await rejects(impatient.get('a'), (error) => hasCode(error, 'NO_ANSWER'));
    equal((await impatient.put('a', 'x', { w: 1 })).isApplied, true);
  });
});
