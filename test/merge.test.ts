// Merge functions on real nodes: two writers at once, what every door shows of it, and what a node
// does not start with.

import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hasCode } from '../src/base/errors.ts';
import { connect, type KvorumClient } from '../src/client/kvorum-client.ts';
import { ReplyError } from '../src/client/reply-parser.ts';
import { type RunningNode, runKvorum, startCluster } from './cluster-fixture.ts';
import { metricsOf } from './node-metrics.ts';

const EXAMPLE = fileURLToPath(new URL('../examples/cart-merge.ts', import.meta.url));

/** Made so that it gets past the check and misbehaves on what the test writes. */
const MOODY = `export const values = 'json';
export function merge(a, b) {
  for (const cart of [a, b]) {
    if (cart.mood === 'loop') for (;;);
    if (cart.mood === 'throw') throw new Error('no carts to-day: ümläut\\r\\n'.repeat(100_000));
    if (cart.mood === 'promise') return Promise.resolve(a);
    if (cart.mood === 'exit') process.exit(1);
  }
  return JSON.stringify(a) > JSON.stringify(b) ? a : b;
}`;
const CORPUS = '{"mood":"good"}\n{"mood":"better"}\n{"n":1}\n';

async function directoryWith(t: TestContext, files: Readonly<Record<string, string>>) {
  const directory = await mkdtemp(join(tmpdir(), 'kvorum-merges-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  return directory;
}

function keyspace(number: number, name: string, merge: string, more = ''): string {
  return `[[keyspaces]]\nnumber = ${number}\nname = "${name}"\nmerge = "${merge}"\n${more}\n`;
}

test('three nodes merge what two writers wrote at once', async (t) => {
  const directory = await directoryWith(t, { 'moody.js': MOODY, 'moody.corpus': CORPUS });
  await cp(EXAMPLE, join(directory, 'cart-merge.ts'));
  const configuration = [
    keyspace(2, 'carts', join(directory, 'cart-merge.ts')),
    keyspace(3, 'tags', 'set-union'),
    keyspace(4, 'moody', join(directory, 'moody.js'), 'merge-limit = "500ms"'),
  ].join('\n');
  const cluster = await startCluster({ nodes: 3, configuration, owner: t });
  const addresses = cluster.nodes.map(({ address }) => address);
  const clientOf = async (keyspaceName: string, node: number): Promise<KvorumClient> => {
    const client = await connect({ nodes: [addresses[node] as string], keyspace: keyspaceName });
    t.after(() => client.close());
    return client;
  };
  const phone = await clientOf('carts', 0);
  const laptop = await clientOf('carts', 1);
  const redis = await cluster.connect(2);
  t.after(() => redis.close());
  const url = (cluster.nodes[1] as RunningNode).httpUrl;

  await t.test('at every door one value, and from how many', async () => {
    const { context } = await phone.get('ann');
    await Promise.all([
      phone.put('ann', '{"milk":2,"tea":1}', { context, w: 3 }),
      laptop.put('ann', '{"milk":1,"eggs":6}', { context, w: 3 }),
    ]);
    const cart = '{"eggs":6,"milk":2,"tea":1}';
    for (const client of [phone, laptop]) {
      const read = await client.get('ann');
      deepEqual([String(read.value), read.values.length, read.mergedFrom], [cart, 1, 2]);
      equal(read.mergeFailed, undefined);
    }
    equal(await redis.send('SELECT', 'carts'), 'OK');
    equal(String(await redis.send('GET', 'ann')), cart);
    equal(await redis.send('STRLEN', 'ann'), cart.length);
    const response = await fetch(`${url}/v1/keyspaces/carts/keys/ann`);
    equal(response.status, 200);
    equal(await response.text(), cart);
    equal(JSON.parse(response.headers.get('x-kvorum-receipt') ?? '').mergedFrom, 2);
    const shown = await runKvorum([
      ...['get', 'ann', '--keyspace', 'carts', '--url', `redis://${addresses[0]}`],
    ]);
    equal(shown.stdout, `${cart}\n`);
  });

  await t.test('the siblings stay until somebody writes with the context', async () => {
    const explanation = await explained(url, 'carts', 'ann');
    equal(explanation.split('a read merges it with the others').length, 3, explanation);
    await phone.update('ann', ([cart]) => String(cart).replace('"tea":1', '"tea":2'), { w: 3 });
    const { value, mergedFrom } = await laptop.get('ann', { r: 3 });
    deepEqual([String(value), mergedFrom], ['{"eggs":6,"milk":2,"tea":2}', undefined]);
  });

  await t.test('keyspaces say what merges their siblings', async () => {
    const words = ['keyspace', 'describe', 'moody', '--url', url];
    const described = (await runKvorum(words)).stdout;
    match(described, /\nConflicts: .* a read merges them by \/.*moody\.js, within 500 ms\n/);
    const page = (await (await fetch(`${url}/v1/keyspaces/tags`)).json()) as { merge: unknown };
    deepEqual(page.merge, { name: 'set-union', limitMs: 100 });
  });

  await t.test('a ready function, and a blind SET over siblings', async () => {
    const tags = await clientOf('tags', 0);
    const { context } = await tags.get('t');
    for (const value of ['["b"]', '["a"]', '["b","c"]']) {
      await tags.put('t', value, { context, w: 3 });
    }
    const { value, mergedFrom } = await tags.get('t');
    deepEqual([String(value), mergedFrom], ['["a","b","c"]', 3]);
    await redis.send('SELECT', 'tags');
    equal(await redis.send('SET', 't', '["d"]'), 'OK');
    equal(String(await redis.send('GET', 't')), '["d"]');
  });

  await t.test('a module is tried on what the cluster holds', async () => {
    const check = ['keyspace', 'check', EXAMPLE, '--url', `redis://${addresses[0]}`, '--keyspace'];
    const carts = await runKvorum([...check, 'carts']);
    match(
      carts.stdout,
      /cart-merge\.corpus\n.*\d+ equations hold on the values of keyspace "carts"\n/,
    );
    const others = await runKvorum([...check, 'tags']);
    deepEqual([others.code, others.stdout], [1, '']);
    match(others.stderr, /BAD_MERGE.* throws on a value of keyspace "tags": .*\(for \["d"\]\)/);
    equal((await runKvorum([...check, 'nowhere'])).code, 2);
  });

  await t.test('a function that misbehaves loses nothing, and others go on', async () => {
    const moody = await clientOf('moody', 0);
    await redis.send('SELECT', 'moody');
    for (const [mood, says] of [
      ['throw', /no carts to-day: ümläut/],
      ['loop', /not done after 500 ms/],
      ['promise', /a Promise is no JSON/],
      ['exit', /died: exit code 1/],
    ] as const) {
      const { context } = await moody.get(mood);
      await moody.put(mood, '{"mood":"good"}', { context, w: 3 });
      await moody.put(mood, `{"mood":"${mood}"}`, { context, w: 3 });
      const read = await moody.get(mood);
      deepEqual(read.values.map(String), [`{"mood":"${mood}"}`, '{"mood":"good"}']);
      match(read.mergeFailed ?? '', says);
      const reply = await redis.send('GET', mood);
      ok(reply instanceof ReplyError && /\[MERGE_FAILED\]$/.test(reply.text), String(reply));
      const response = await fetch(`${url}/v1/keyspaces/moody/keys/${mood}`);
      equal(response.status, 300);
      const { siblings } = (await response.json()) as { siblings: unknown[] };
      equal(siblings.length, 2);
      const receipt = JSON.parse(response.headers.get('x-kvorum-receipt') ?? '');
      match(receipt.mergeFailed, says);
    }
    const { context } = await phone.get('bob');
    await phone.put('bob', '{"milk":1}', { context, w: 3 });
    await phone.put('bob', '{"milk":2}', { context, w: 3 });
    equal(String((await phone.get('bob')).value), '{"milk":2}');
    const all = await Promise.all(cluster.nodes.map((node) => metricsOf(node)));
    for (const result of ['merged', 'failed', 'late']) {
      const name = `kvorum_merges_total{result="${result}"}`;
      ok(
        all.some((metrics) => metrics(name) > 0),
        name,
      );
    }
    ok(cluster.nodes.some(({ log }) => /siblings not merged/.test(log)));
    await rejects(moody.get('x', { r: 9 }), (error) => hasCode(error, 'BAD_OPTION'));
  });
});

async function explained(url: string, keyspaceName: string, key: string): Promise<string> {
  return (await runKvorum(['explain', key, '--keyspace', keyspaceName, '--url', url])).stdout;
}

const REFUSED: readonly (readonly [source: string | undefined, code: string, says: RegExp])[] = [
  [undefined, 'BAD_MERGE', /there is no merge function at .*m\.js/],
  ['export const merge = 3;', 'BAD_MERGE', /no function "merge" is exported: merge is 3/],
  ['export const merge = (a, b', 'BAD_MERGE', /cannot be used: /],
  ['export const merge = () => { for (;;); };', 'BAD_MERGE', /not done after 5000 ms/],
  ['export const merge = () => { throw 1; };', 'BAD_MERGE', /throws on all generated values: 1/],
  ['export const merge = () => "";', 'BAD_MERGE', /of all generated values: nothing is left/],
  ['export const merge = (a) => a;', 'UNLAWFUL_MERGE', /not commutative: for a = .*, b = /],
  [
    'export const values = "json"; export const merge = (a, b) => [...a, ...b].sort();',
    'UNLAWFUL_MERGE',
    /not idempotent: for a = .* merge\(merge\(a, b\), b\) is .*, but merge\(a, b\) is /,
  ],
];

/** What both `kvorum keyspace check` and a start make of a module; `commands`: which to try. */
async function refuses(
  t: TestContext,
  [source, code, says]: (typeof REFUSED)[number],
  commands: readonly (readonly string[])[],
): Promise<void> {
  const files: Record<string, string> = { 'kvorum.toml': keyspace(2, 'carts', './m.js') };
  if (source !== undefined) files['m.js'] = source;
  const cwd = await directoryWith(t, files);
  const before = await readdir(cwd);
  for (const command of commands) {
    const { code: exitCode, stdout, stderr } = await runKvorum(command, { cwd });
    deepEqual([exitCode, stdout], [1, ''], stderr);
    match(stderr, new RegExp(`error ${code}: `));
    match(stderr, says);
    match(stderr, /\n {2}fix: {2}\S/);
  }
  deepEqual(await readdir(cwd), before, 'nothing was left behind');
}

test('a function that cannot be used or breaks a law is refused', async (t) => {
  for (const row of REFUSED) await refuses(t, row, [['keyspace', 'check', 'kvorum.toml']]);
});

test('no node starts with such a function', async (t) => {
  const start = ['start', '--config', 'kvorum.toml'];
  for (const row of [REFUSED[0], REFUSED.at(-1)]) {
    if (row !== undefined) await refuses(t, row, [start]);
  }
});

test('kvorum keyspace check says what it tried', async () => {
  const { code, stdout } = await runKvorum(['keyspace', 'check', EXAMPLE]);
  equal(code, 0);
  match(
    stdout,
    /cart-merge\.ts: lawful, \d{3,} equations hold on the values of cart-merge\.corpus/,
  );
  equal((await runKvorum(['keyspace', 'check', 'json-fields'])).code, 0);
  const unknown = await runKvorum(['keyspace', 'check', 'json-field']);
  equal(unknown.code, 2);
  match(unknown.stderr, /Did you mean json-fields\?/);
});
