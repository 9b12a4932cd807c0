// The HTTP API against three real nodes: values, contexts, siblings, conditions, listings, and
// errors that say what to do.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { test } from 'node:test';
import type { RespValue } from '../src/client/reply-parser.ts';
import {
  type RunningCluster,
  type RunningNode,
  runKvorum,
  startCluster,
} from './cluster-fixture.ts';

interface Ask {
  readonly node?: number;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}

class Api {
  readonly #cluster: RunningCluster;

  constructor(cluster: RunningCluster) {
    this.#cluster = cluster;
  }

  async ask(path: string, { node = 0, body, ...init }: Ask = {}) {
    const { httpUrl } = this.#cluster.nodes[node] as RunningNode;
    const response = await fetch(`${httpUrl}/v1/keyspaces/${path}`, {
      ...init,
      body: body ?? null,
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    const { status, headers } = response;
    const context = headers.get('x-kvorum-context') ?? '';
    return { status, headers, context, bytes, text: bytes.toString() };
  }

  put(path: string, body: string | Buffer, headers: Record<string, string> = {}, node = 0) {
    return this.ask(path, { method: 'PUT', body, headers, node });
  }
}

test('the HTTP API', async (t) => {
  const cluster = await startCluster({ nodes: 3, owner: t });
  const api = new Api(cluster);

  await t.test('bytes go in and come out, from any node', async () => {
    const value = Buffer.from(Uint8Array.from({ length: 70_000 }, (_, n) => n * 7));
    const written = await api.put('default/keys/a%2Fb', value);
    equal(written.status, 204);
    const receipt = JSON.parse(written.headers.get('x-kvorum-receipt') ?? '');
    ok(receipt.nodes.length >= 2 && receipt.durability === 'fsync', JSON.stringify(receipt));
    const read = await api.ask('default/keys/a%2Fb', { node: 2 });
    deepEqual(read.bytes, value);
    equal(read.headers.get('content-type'), 'application/octet-stream');
    equal(read.context, written.context);
    equal(read.headers.get('etag'), `"${read.context}"`);
    const head = await api.ask('default/keys/a%2Fb', { node: 1, method: 'HEAD' });
    equal(head.headers.get('content-length'), '70000');
    const part = await api.ask('default/keys/a%2Fb', { headers: { range: 'bytes=69990-' } });
    equal(`${part.status} ${part.headers.get('content-range')}`, '206 bytes 69990-69999/70000');
    deepEqual(part.bytes, value.subarray(69_990));
    const beyond = await api.ask('default/keys/a%2Fb', { headers: { range: 'bytes=70000-' } });
    equal(`${beyond.status} ${beyond.headers.get('content-range')}`, '416 bytes */70000');
    const redis = await cluster.connect(1);
    deepEqual(await redis.send('GET', 'a/b'), value);
    await redis.close();
    equal((await api.ask('0/keys/a%2Fb', { method: 'DELETE', node: 1 })).status, 204);
    equal((await api.ask('0/keys/a%2Fb', { method: 'DELETE' })).status, 404);
    equal((await api.ask('default/keys/a%2Fb', { node: 2 })).status, 404);
  });

  await t.test('keys of any bytes, values of none', async () => {
    equal((await api.put('default/keys/__8A?encoding=base64url', '')).status, 204);
    const read = await api.ask('default/keys/__8A?encoding=base64url', { node: 1 });
    deepEqual([read.status, read.text], [200, '']);
  });

  await t.test('siblings are answered together, and a context resolves them', async () => {
    const { context: nothing } = await api.ask('siblings/keys/cart');
    await api.put('siblings/keys/cart', 'milk', { 'x-kvorum-context': nothing });
    await api.put('siblings/keys/cart', 'eggs', { 'x-kvorum-context': nothing }, 1);
    const both = await api.ask('siblings/keys/cart', { node: 2 });
    equal(both.status, 300);
    const { context, siblings } = JSON.parse(both.text);
    equal(context, both.context);
    deepEqual(siblings.map(({ value }: { value: string }) => value).sort(), ['eggs', 'milk']);
    const accept = { accept: 'multipart/mixed' };
    const parts = await api.ask('siblings/keys/cart', { headers: accept });
    match(parts.headers.get('content-type') ?? '', /^multipart\/mixed; boundary=/);
    ok(parts.text.includes('\r\n\r\nmilk\r\n') && parts.text.includes('\r\n\r\neggs\r\n'));
    await api.put('siblings/keys/cart', 'milk, eggs', { 'x-kvorum-context': context }, 2);
    const merged = await api.ask('siblings/keys/cart');
    deepEqual([merged.status, merged.text], [200, 'milk, eggs']);
  });

  await t.test('the same through the Redis protocol, and explained', async () => {
    const redis = await cluster.connect(0);
    await redis.send('SELECT', '1');
    const read = fields(await redis.send('KV.GET', 'cart'));
    equal(String((read.values as Buffer[])[0]), 'milk, eggs');
    const { context } = await api.ask('siblings/keys/none');
    await redis.send('KV.PUT', 'cart', 'tea', 'CONTEXT', context);
    const both = fields(await redis.send('KV.GET', 'cart', 'R', '3'));
    deepEqual((both.values as Buffer[]).map(String).sort(), ['milk, eggs', 'tea']);
    const text = String(await redis.send('KV.EXPLAIN', 'cart'));
    match(text, /^slot \d+, keyspace siblings \(rule siblings\)\n/);
    equal(text.match(/a read answers with it/g)?.length, 2, text);
    const written = fields(
      await redis.send('KV.PUT', 'cart', 'all', 'CONTEXT', both.context as Buffer),
    );
    ok((written.nodes as Buffer[]).length >= 2);
    equal((await api.ask('siblings/keys/cart', { node: 2 })).text, 'all');
    equal(fields(await redis.send('KV.DEL', 'cart')).applied, 1);
    deepEqual(fields(await redis.send('KV.GET', 'cart')).values, []);
    await redis.close();
    const gone = await api.ask('siblings/keys/cart/explanation', { node: 1 });
    const { replicas, writes } = JSON.parse(gone.text);
    equal(replicas.length, 3);
    ok(
      writes.some(({ fate }: { fate: string }) => fate === 'deleted'),
      gone.text,
    );
    const { code, stdout } = await runKvorum([
      'explain',
      'cart',
      '--keyspace',
      'siblings',
      '--url',
      (cluster.nodes[0] as RunningNode).httpUrl,
    ]);
    equal(code, 0);
    match(stdout, /a delete: nothing is answered/);
    const unknown = await runKvorum([
      'explain',
      'cart',
      '--keyspace',
      'nowhere',
      '--url',
      (cluster.nodes[0] as RunningNode).httpUrl,
    ]);
    equal(unknown.code, 2);
    match(unknown.stderr, /there is no keyspace "nowhere"/);
  });

  await t.test('conditions', async () => {
    const path = 'default/keys/account';
    equal((await api.put(path, '1', { 'if-match': '*' })).status, 412);
    const first = await api.put(path, '1', { 'if-none-match': '*' });
    equal(first.status, 204);
    equal((await api.put(path, '2', { 'if-none-match': '*' }, 1)).status, 412);
    const tag = first.headers.get('etag') ?? '';
    equal((await api.put(path, '2', { 'if-match': tag }, 1)).status, 204);
    const stale = await api.put(path, '3', { 'if-match': tag }, 2);
    equal(stale.status, 412);
    equal(JSON.parse(stale.text).code, 'CONDITION_FAILED');
    const read = await api.ask(path);
    equal(read.text, '2');
    const known = { 'if-none-match': read.headers.get('etag') ?? '' };
    equal((await api.ask(path, { headers: known, node: 1 })).status, 304);
    const gone = await api.ask(path, { method: 'DELETE', headers: { 'if-match': tag } });
    equal(gone.status, 412);
  });

  await t.test('a value with a time to live says when it ends', async () => {
    await api.put('default/keys/session?ttl=60000', 'x');
    const expires = Number((await api.ask('default/keys/session')).headers.get('x-kvorum-expires'));
    ok(Math.abs(expires - Date.now() - 60_000) < 30_000, String(expires));
  });

  await t.test('all keys, a page at a time, or those of a slot', async () => {
    const wanted = Array.from({ length: 50 }, (_, n) => `list:${n}`);
    for (const key of wanted) await api.put(`siblings/keys/${key}`, 'x');
    const listed: { key: string; slot: number }[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const from: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const page = JSON.parse((await api.ask(`siblings/keys?count=7${from}`, { node: 1 })).text);
      listed.push(...page.keys);
      cursor = page.next;
    }
    const keys = listed.map(({ key }) => key);
    equal(new Set(keys).size, keys.length);
    deepEqual(keys.filter((key) => key.startsWith('list:')).sort(), wanted.sort());
    const { slot, key } = listed[9] as { slot: number; key: string };
    const ofSlot = JSON.parse((await api.ask(`siblings/keys?slot=${slot}`)).text);
    ok(ofSlot.keys.some((each: { key: string }) => each.key === key));
    ok(ofSlot.keys.every((each: { slot: number }) => each.slot === slot));
  });

  await t.test('bad input is refused with what to do, and changes nothing', async () => {
    const elsewhere = (await api.ask('siblings/keys/cart')).context;
    const cases: [string, Ask, number, string][] = [
      ['nowhere/keys/a', {}, 404, 'NO_SUCH_KEYSPACE'],
      ['default/keys/a?r=9', {}, 400, 'BAD_OPTION'],
      ['default/keys/a?r=0', {}, 400, 'BAD_REQUEST'],
      ['default/keys/a?colour=red', {}, 400, 'BAD_REQUEST'],
      ['default/keys/%ff', {}, 400, 'BAD_REQUEST'],
      ['default/keys/+++?encoding=base64url', {}, 400, 'BAD_REQUEST'],
      [`default/keys/${'k'.repeat(16_385)}`, {}, 414, 'KEY_TOO_LONG'],
      ['default/keys?cursor=9-zz', {}, 400, 'BAD_REQUEST'],
      ['default/keys?slot=16384', {}, 400, 'BAD_REQUEST'],
      ['default/keys/bad', { method: 'POST' }, 405, 'METHOD_NOT_ALLOWED'],
      ['default/keys/bad', put({ 'x-kvorum-context': 'junk' }), 400, 'BAD_CONTEXT'],
      ['default/keys/bad', put({ 'x-kvorum-context': elsewhere }), 400, 'BAD_CONTEXT'],
      ['default/keys/bad', put({ 'if-match': 'junk' }), 400, 'BAD_REQUEST'],
      ['default/keys/bad?ttl=-1', put({}), 400, 'BAD_REQUEST'],
      ['default/keys/bad', { ...put({}), body: Buffer.alloc(1_048_577) }, 413, 'VALUE_TOO_LARGE'],
    ];
    for (const [path, ask, status, code] of cases) {
      const answer = await api.ask(path, ask);
      const about = `${ask.method ?? 'GET'} ${path.slice(0, 60)}: ${answer.text}`;
      equal(answer.status, status, about);
      const problem = JSON.parse(answer.text);
      equal(problem.code, code, about);
      ok(problem.message && problem.fix && problem.docs.startsWith('docs/errors.md#'), about);
    }
    equal((await api.ask('default/keys/bad')).status, 404);
  });

  await t.test('it describes itself', async () => {
    const { httpUrl } = cluster.nodes[0] as RunningNode;
    const document = JSON.parse(await (await fetch(`${httpUrl}/v1/openapi.json`)).text());
    equal(document.openapi, '3.1.0');
    const path = document.paths['/v1/keyspaces/{keyspace}/keys/{key}'];
    deepEqual(Object.keys(path).sort(), ['delete', 'get', 'put']);
    const page = await (await fetch(`${httpUrl}/v1/docs`)).text();
    for (const each of Object.keys(document.paths)) ok(page.includes(each), each);
  });

  await t.test('without a quorum a write says that it is safe to repeat', async () => {
    await Promise.all([cluster.kill(1), cluster.kill(2)]);
    const refused = await api.put('default/keys/late', 'x');
    equal(refused.status, 503, refused.text);
    equal(JSON.parse(refused.text).code, 'NOT_ENOUGH_REPLICAS');
    equal(refused.headers.get('retry-after'), '1');
    const read = await api.ask('default/keys/late');
    deepEqual([read.status, JSON.parse(read.text).code], [503, 'NO_ANSWER']);
    equal((await api.put('default/keys/late?w=1', 'x')).status, 204);
    equal((await api.ask('default/keys/late?r=1')).text, 'x');
  });
});

/** A RESP2 reply of names and values in turn. */
function fields(reply: RespValue): Record<string, RespValue> {
  ok(Array.isArray(reply), String(reply));
  const pairs = Array.from({ length: reply.length / 2 }, (_, n) => {
    return [String(reply[2 * n]), reply[2 * n + 1]] as [string, RespValue];
  });
  return Object.fromEntries(pairs);
}

function put(headers: Record<string, string>): Ask {
  return { method: 'PUT', body: 'x', headers };
}
