// What means something else than its sender thought, at every door: JSON where bytes are expected
// and the reverse, contexts of other keyspaces, options and headers that nobody knows. Each is
// refused with a code or stored as it came, and never half understood.

import { deepEqual, equal, match, ok, rejects, throws } from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type ErrorCode, hasCode } from '../src/base/errors.ts';
import { connect, type Key, type KvorumClient } from '../src/client/kvorum-client.ts';
import { ReplyError } from '../src/client/reply-parser.ts';
import type { RespConnection } from '../src/client/resp-connection.ts';
import { type RunningNode, runKvorum, startCluster } from './cluster-fixture.ts';

interface Doors {
  readonly kv: KvorumClient;
  readonly redis: RespConnection;
  readonly node: RunningNode;
  /** Of a key in keyspace `siblings`. */
  readonly foreign: string;
}

async function openDoors(t: TestContext): Promise<Doors> {
  const cluster = await startCluster({ nodes: 1, owner: t });
  const [node] = cluster.nodes as [RunningNode];
  const nodes = [node.address];
  const redis = await cluster.connect(0);
  const [kv, siblings] = [await connect({ nodes }), await connect({ nodes, keyspace: 'siblings' })];
  t.after(() => Promise.all([kv.close(), siblings.close(), redis.close()]));
  const { context } = await siblings.get('none');
  await kv.put('k', 'untouched');
  return { kv, redis, node, foreign: context };
}

test('values and wishes that mean something else', async (t) => {
  const doors = await openDoors(t);
  for (const [what, run] of Object.entries(CASES)) {
    await t.test(what, async () => {
      await run(doors);
      equal(String((await doors.kv.get('k')).value), 'untouched');
    });
  }
});

const isCode = (code: ErrorCode) => (error: unknown) => hasCode(error, code);

const CASES: Readonly<Record<string, (doors: Doors) => Promise<void>>> = {
  'HTTP: a value is the bytes of the body, whatever its type says': async ({ node, kv }) => {
    const bodies = [
      ['application/json', '{"broken": '],
      ['application/json', '{"a": 1}'],
      ['application/x-www-form-urlencoded', 'a=1&b=2'],
      ['text/plain; charset=latin1', Buffer.from([0xe4, 0, 0xff])],
    ] as const;
    for (const [type, body] of bodies) {
      const headers = { 'content-type': type };
      equal((await ask(node, 'default/keys/body', { method: 'PUT', headers, body })).status, 204);
      deepEqual((await kv.get('body')).value, Buffer.from(body));
      const read = await ask(node, 'default/keys/body', {
        headers: { accept: 'application/json' },
      });
      deepEqual([read.type, read.bytes], ['application/octet-stream', Buffer.from(body)]);
    }
  },

  'HTTP: siblings that are no text are base64 in JSON, and say so': async ({ node, foreign }) => {
    for (const body of ['text', Buffer.from([0xff, 0])]) {
      const headers = { 'x-kvorum-context': foreign };
      await ask(node, 'siblings/keys/mixed', { method: 'PUT', headers, body });
    }
    const { status, bytes } = await ask(node, 'siblings/keys/mixed');
    equal(status, 300);
    deepEqual(
      JSON.parse(String(bytes)).siblings.map((each: Record<string, string>) => {
        return [each.value, each.encoding];
      }),
      [
        ['/wA=', 'base64'],
        ['text', 'utf8'],
      ],
    );
  },

  'HTTP: headers that would not be heeded, contexts that are none': async ({ node, foreign }) => {
    const json = JSON.stringify({ context: foreign });
    const cases: readonly [headers: Record<string, string>, code: string][] = [
      [{ 'x-kvorum-contxt': foreign }, 'BAD_REQUEST'],
      [{ 'x-kvorum-ttl': '5' }, 'BAD_REQUEST'],
      [{ 'content-range': 'bytes 0-1/2' }, 'BAD_REQUEST'],
      [{ 'content-encoding': 'gzip' }, 'BAD_REQUEST'],
      [{ 'x-kvorum-context': foreign }, 'BAD_CONTEXT'],
      [{ 'x-kvorum-context': json }, 'BAD_CONTEXT'],
      [{ 'x-kvorum-context': `${foreign},${foreign}` }, 'BAD_CONTEXT'],
      [{ 'x-kvorum-context': 'A'.repeat(9_000) }, 'BAD_CONTEXT'],
      [{ 'x-kvorum-context': '' }, 'BAD_CONTEXT'],
      [{ 'if-match': `"${foreign}"` }, 'BAD_CONTEXT'],
    ];
    for (const [headers, code] of cases) {
      for (const method of ['PUT', 'DELETE']) {
        const body = method === 'PUT' ? gzipSync('changed') : null;
        const answer = await ask(node, 'default/keys/k', { method, headers, body });
        deepEqual([answer.status, problemIn(answer.bytes)], [400, code], JSON.stringify(headers));
      }
    }
    const read = { headers: { 'x-kvorum-context': foreign } };
    equal(problemIn((await ask(node, 'default/keys/k', read)).bytes), 'BAD_CONTEXT');
  },

  'Redis: options and contexts': async ({ redis, foreign }) => {
    const cases: readonly [line: readonly string[], says: RegExp][] = [
      [['KV.PUT', 'k', 'x', 'CONTXT', foreign], /unknown option 'CONTXT'.*\[BAD_OPTION\]$/],
      [['KV.PUT', 'k', 'x', 'CONTEXT', foreign], /\[BAD_CONTEXT\]$/],
      [['KV.PUT', 'k', 'x', 'CONTEXT', '{"context":"x"}'], /\[BAD_CONTEXT\]$/],
      [['KV.PUT', 'k', 'x', 'CONTEXT', ''], /\[BAD_CONTEXT\]$/],
      [['KV.DEL', 'k', 'CONTEXT', foreign], /\[BAD_CONTEXT\]$/],
      [['KV.GET', 'k', 'AFTER', foreign], /\[BAD_CONTEXT\]$/],
      [['KV.GET', 'k', 'JSON'], /unknown option 'JSON'/],
      [['SET', 'k', 'x', 'JSON'], /syntax error/],
      [['SET', 'k', '{"a":', '1}'], /syntax error/],
      [['GET', 'k', 'JSON'], /wrong number of arguments/],
      [['SCAN', '0', 'COLOUR', 'red'], /syntax error/],
      [['SELECT', '{"keyspace":"default"}'], /^ERR /],
    ];
    for (const [line, says] of cases) {
      const reply = await redis.send(...line);
      ok(reply instanceof ReplyError, line.join(' '));
      match(reply.text, says, line.join(' '));
    }
  },

  'the client: what is neither text nor bytes': async ({ kv }) => {
    const strange: readonly unknown[] = [{ a: 1 }, ['a'], 7, null, undefined, true, new Date(0)];
    for (const value of strange) {
      await rejects(kv.put('k', value as Key), isCode('BAD_OPTION'), String(value));
      await rejects(kv.get(value as Key), isCode('BAD_OPTION'), String(value));
      await rejects(kv.delete(value as Key), isCode('BAD_OPTION'), String(value));
      await rejects(kv.session().get(value as Key), isCode('BAD_OPTION'), String(value));
    }
    await rejects(
      kv.update('k', () => ({ a: 1 }) as unknown as Key),
      isCode('BAD_OPTION'),
    );
    await kv.put(Uint8Array.of(1, 2), Uint8Array.of(255, 0));
    deepEqual((await kv.get(Buffer.from([1, 2]))).value, Buffer.from([255, 0]));
  },

  'the client: options, contexts and tokens': async ({ kv, node, foreign }) => {
    const nodes = [node.address];
    const isBad = isCode('BAD_OPTION');
    await rejects(connect({ nodes, keyspce: 'x' } as never), isBad);
    await rejects(kv.get('k', { R: 1 } as never), isBad);
    await rejects(kv.put('k', 'x', { ttl: 1 } as never), isBad);
    await rejects(kv.put('k', 'x', { condtion: 'absent' } as never), isBad);
    await rejects(kv.put('k', 'x', { condition: 'maybe' } as never), isBad);
    await rejects(kv.put('k', 'x', { ttlMs: Number.NaN }), isBad);
    await rejects(kv.delete('k', { ttlMs: 1 } as never), isBad);
    await rejects(
      kv.update('k', () => 'x', { context: foreign } as never),
      isBad,
    );
    await rejects(kv.getMany(['k'], { w: 1 } as never), isBad);
    await rejects(kv.putMany([['k', 'x']], { r: 1 } as never), isBad);
    await rejects(kv.keys('*', { r: 1 } as never).next(), isBad);
    const context = foreign as never;
    await rejects(kv.put('k', 'x', { context }), isCode('BAD_CONTEXT'));
    await rejects(kv.get('k', { after: context }), isCode('BAD_CONTEXT'));
    await rejects(kv.put('k', 'x', { context: { a: 1 } as never }), isCode('BAD_CONTEXT'));
    for (const token of ['junk', {}, [['k']], [['k', 1]], null]) {
      throws(() => kv.session(token as never), isBad, JSON.stringify(token));
    }
    const forged = kv.session([[Buffer.from('k').toString('base64'), context]]);
    await rejects(forged.get('k'), isCode('BAD_CONTEXT'));
  },

  'the command line: options': async ({ node }) => {
    const at = ['--url', node.url];
    for (const words of [
      ['put', 'k', 'x', '--contxt', 'y'],
      ['get', 'k', '--keyspce', 'siblings'],
      ['del', 'k', '--w', 'most'],
      ['put', 'k', 'x', 'y'],
      ['get', 'k', '--timeout', 'soon'],
    ]) {
      const { code, stdout, stderr } = await runKvorum([...words, ...at]);
      deepEqual([code, stdout], [2, ''], `${words.join(' ')}: ${stderr}`);
      match(stderr, /error BAD_OPTION: /);
    }
  },
};

interface Ask {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer | null;
}

async function ask({ httpUrl }: RunningNode, path: string, { body = null, ...init }: Ask = {}) {
  const response = await fetch(`${httpUrl}/v1/keyspaces/${path}`, { ...init, body });
  const bytes = Buffer.from(await response.arrayBuffer());
  return { status: response.status, type: response.headers.get('content-type'), bytes };
}

function problemIn(bytes: Buffer): string {
  return JSON.parse(bytes.toString()).code;
}
