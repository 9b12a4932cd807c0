// What versions cost: bytes that a stored object has beside its values, and the time of a write
// that says what it replaces beside that of a blind one.
//
//   npm run bench -- versions [--write]
//
// Writers are coordinators: a context has an entry for each node that ever coordinated a write of
// the key, however many clients there are. The bytes are those of the real encoding; the times are
// those of a real node (N=1, synced) under one connection with REQUESTS_UNDER_WAY commands under
// way, in turns, and of the processor alone for the pure part.

import { parseArgs } from 'node:util';
import type { KeyspaceNumber } from '../src/base/ids.ts';
import { decodeContext, encodeContext } from '../src/causality/context.ts';
import { actorOf } from '../src/causality/dot.ts';
import { decodeObject, encodeObject } from '../src/causality/object-format.ts';
import { EMPTY_OBJECT, type StoredObject, writeSibling } from '../src/causality/siblings.ts';
import { EMPTY_VECTOR } from '../src/causality/version-vector.ts';
import { writtenIn } from '../src/client/kv-reply.ts';
import type { RespConnection } from '../src/client/resp-connection.ts';
import { startCluster } from '../test/cluster-fixture.ts';
import { FiguresPage } from './figures-page.ts';

const KEYSPACE = 1 as KeyspaceNumber;
const VALUE = Buffer.alloc(100, 'v');
/** Milliseconds since 1970 of some day in 2026, from which incarnations and times are made. */
const THEN_MS = 1_790_000_000_000;
const UPDATES = 1_000;
const KEYS = 1_000;
const ROUNDS = 5;
const WRITES_A_ROUND = 20_000;
const REQUESTS_UNDER_WAY = 64;
const PURE_WRITES = 200_000;

export async function run(
  print: (line: string) => void,
  args: readonly string[] = [],
): Promise<void> {
  const options = { write: { type: 'boolean', default: false } } as const;
  const { values } = parseArgs({ args: [...args], options });
  const page = new FiguresPage();
  const lines = [...bytesLines(), '', ...pureLines(), '', ...(await writeLines())];
  for (const line of lines) print(line);
  if (!values.write) return;
  const title = 'What versions cost';
  page.write({ name: 'versions', title, command: 'bench -- versions', lines });
}

/** An object after writes of these nodes, each of which had seen the one before, or nothing. */
function written(nodes: readonly number[], how: 'one after another' | 'at once'): StoredObject {
  let object = EMPTY_OBJECT;
  const counters = new Map<number, number>();
  for (const [n, node] of nodes.entries()) {
    const counter = (counters.get(node) ?? 0) + 1;
    counters.set(node, counter);
    const dot = { actor: actorOf(node, THEN_MS / 60_000 - 2e7), counter };
    const seen = how === 'at once' ? EMPTY_VECTOR : object.context;
    const time = (THEN_MS + n) * 2 ** 8;
    const sibling = { dot, time, expiresAt: 0, isTombstone: false, value: VALUE };
    object = writeSibling(object, seen, sibling);
  }
  return object;
}

function bytesLines(): string[] {
  const turns = (writers: number, count: number) => {
    return Array.from({ length: count }, (_, n) => 1 + 7_919 * (n % writers));
  };
  const rows: [string, StoredObject][] = [
    ...[1, 3, 10].map((writers): [string, StoredObject] => [
      `${writers} in turn`,
      written(turns(writers, writers), 'one after another'),
    ]),
    ...[1, 3, 10].map((writers): [string, StoredObject] => [
      `${writers} in turn, ${UPDATES.toLocaleString('en')} updates`,
      written(turns(writers, UPDATES), 'one after another'),
    ]),
    ...[3, 10].map((writers): [string, StoredObject] => [
      `${writers} at once, nobody merged`,
      written(turns(writers, writers), 'at once'),
    ]),
  ];
  return [
    'bytes of a stored object beside its values of 100 B, and of its context for clients',
    row('writers', ['siblings', 'entries', 'object, B', 'context, chars']),
    ...rows.map(([title, object]) => {
      const { context, siblings } = object;
      const beside = encodeObject(object).length - siblings.length * VALUE.length;
      const text = encodeContext(context, KEYSPACE);
      return row(title, [siblings.length, context.length, beside, text.length].map(String));
    }),
  ];
}

/** Decode, write, encode, as a replica does it: median of ROUNDS, processor time. */
function pureLines(): string[] {
  const rows = [1, 3, 10].map((writers) => {
    const nodes = Array.from({ length: writers }, (_, n) => 1 + 7_919 * n);
    const object = written(nodes, 'one after another');
    const bytes = encodeObject(object);
    const text = encodeContext(object.context, KEYSPACE);
    const actor = actorOf(1, THEN_MS / 60_000 - 2e7);
    const time = (THEN_MS + UPDATES) * 2 ** 8;
    const write = (n: number, seenOf: (known: StoredObject) => StoredObject['context']) => {
      const known = decodeObject(bytes);
      const dot = { actor, counter: n + 2 };
      const sibling = { dot, time, expiresAt: 0, isTombstone: false, value: VALUE };
      return encodeObject(writeSibling(known, seenOf(known), sibling)).length;
    };
    const blind = nanoseconds((n) => write(n, ({ context }) => context));
    const informed = nanoseconds((n) => write(n, () => decodeContext(text, KEYSPACE)));
    const cells = [blind, informed].map((ns) => ns.toFixed(0));
    return row(`${writers} in turn`, [...cells, `${(informed / blind).toFixed(2)}×`]);
  });
  const head = row('writers', ['blind', 'with context', 'ratio']);
  return ['decode, replace, encode: ns of the processor for a write', head, ...rows];
}

function nanoseconds(write: (n: number) => number): number {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage();
    let bytes = 0;
    for (let n = 0; n < PURE_WRITES; n++) bytes += write(n);
    const { user, system } = process.cpuUsage(before);
    return bytes > 0 ? ((user + system) * 1_000) / PURE_WRITES : Number.NaN;
  });
  return median(rounds);
}

async function writeLines(): Promise<string[]> {
  const cluster = await startCluster({ nodes: 1 });
  try {
    const connection = await cluster.connect(0);
    await connection.send('HELLO', '3');
    await connection.send('SELECT', 'siblings');
    const contexts: string[] = [];
    const kinds: [string, (key: number) => Promise<unknown>][] = [
      ['SET', (key) => connection.send('SET', `k${key}`, VALUE)],
      ['KV.PUT, blind', (key) => connection.send('KV.PUT', `k${key}`, VALUE)],
      ['KV.PUT, with context', (key) => putInformed(connection, key, contexts)],
    ];
    const figures = kinds.map((): number[] => []);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [place, [, write]] of kinds.entries()) {
        // A blind write since then would make a sibling of what a context says.
        for (let key = 0; key < KEYS; key++) contexts[key] = await contextOf(connection, key);
        figures[place]?.push(await perSecond(write));
      }
    }
    await connection.close();
    const rates = figures.map(median);
    const rows = kinds.map(([title], place) => {
      const rate = rates[place] ?? Number.NaN;
      const ratio = `${(rate / (rates[1] ?? Number.NaN)).toFixed(2)}×`;
      return row(title, [`${(rate / 1_000).toFixed(1)} k`, ratio]);
    });
    const what = `${REQUESTS_UNDER_WAY} commands under way, one connection, one node, synced`;
    return [`writes per second: ${what}`, row('', ['per second', 'beside blind']), ...rows];
  } finally {
    await cluster.stop();
  }
}

async function contextOf(connection: RespConnection, key: number): Promise<string> {
  const reply = writtenIn(await connection.send('KV.PUT', `k${key}`, VALUE));
  return reply.isApplied ? reply.context : '';
}

async function putInformed(connection: RespConnection, key: number, contexts: string[]) {
  const words = ['KV.PUT', `k${key}`, VALUE, 'CONTEXT', contexts[key] as string];
  const reply = writtenIn(await connection.send(...words));
  if (reply.isApplied) contexts[key] = reply.context;
}

/** Each of the writers under way goes round keys of its own. */
async function perSecond(write: (key: number) => Promise<unknown>): Promise<number> {
  const fromMs = performance.now();
  const rounds = WRITES_A_ROUND / REQUESTS_UNDER_WAY;
  const writers = Array.from({ length: REQUESTS_UNDER_WAY }, async (_, writer) => {
    const keys = Math.floor(KEYS / REQUESTS_UNDER_WAY);
    for (let n = 0; n < rounds; n++) await write(writer * keys + (n % keys));
  });
  await Promise.all(writers);
  return WRITES_A_ROUND / ((performance.now() - fromMs) / 1_000);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function row(title: string, cells: readonly string[]): string {
  return `${title.padEnd(30)}${cells.map((cell) => cell.padStart(16)).join('')}`;
}
