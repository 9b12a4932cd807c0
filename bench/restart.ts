// How long a node takes from `kill -9` to its first answer, beside redis-server with the same data.
//
//   npm run bench -- restart                              a log of 1 GB, then tables of 10 GB
//   npm run bench -- restart --log 0 --tables 1gb         tables only
//   npm run bench -- restart --write                      into docs/figures.md
//
// Both are started as processes and asked PING until they say PONG and not LOADING; both read what
// the page cache of the system still holds. A log of that size needs a node whose memtable is as
// large: with less memory there is no such log, for what is in tables leaves it. redis-server
// loads its append-only file with the very same commands; it has nothing to put beside the tables.

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { showProgress } from '../bin/progress.js';
import { byteSize } from '../src/cli/byte-size.ts';
import { BatchConnection } from '../test/batch-connection.ts';
import { BulkKeys } from '../test/bulk-keys.ts';
import { BulkLoad } from '../test/bulk-load.ts';
import { type RunningNode, startCluster } from '../test/cluster-fixture.ts';
import { metricsOf } from '../test/node-metrics.ts';
import { middle } from './engine/figures.ts';
import { FiguresPage } from './figures-page.ts';
import { hasRedis, RedisServer } from './redis-server.ts';

type Print = (line: string) => void;

const HELP = `npm run bench -- restart
  --log 1gb          size of the commit log; 0: none
  --tables 10gb      size of the tables; 0: none
  --rounds 3         restarts of each
  --write            into docs/figures.md`;

/** What a key with a value of so many bytes takes in the log: measured with 100 bytes. */
const LOG_BYTES_BESIDE_VALUE = 45;
const LOG_VALUE_BYTES = 100;
/** Small enough to stand in tables, large enough to be written in minutes. */
const TABLE_VALUE_BYTES = 400;
/** A memtable is a sixth of the memory, and a put takes a fifth more there than in the log. */
const MEMORY_OVER_LOG = 9;
const MEMORY_BYTES_MIN = 384 * 1024 ** 2;
const RATIO_TARGET = 3;
const READY_MS_MAX = 600_000;
const POLL_MS = 5;
const GB = 1e9;

/** A server that can be killed and started again with its data. */
interface Restartable {
  readonly port: number;
  kill(): Promise<void>;
  /** May resolve later than it answers. */
  start(): Promise<void>;
}

interface Row {
  readonly what: string;
  readonly seconds: readonly number[];
}

export async function run(print: Print, args: readonly string[] = []): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      log: { type: 'string', default: '1gb' },
      tables: { type: 'string', default: '10gb' },
      rounds: { type: 'string', default: '3' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return print(HELP);
  const page = new FiguresPage();
  const rounds = Number(values.rounds);
  const logBytes = sizeFrom('--log', values.log);
  const tableBytes = sizeFrom('--tables', values.tables);
  const lines: string[] = [];
  if (logBytes > 0) {
    const keys = keysFor(logBytes, LOG_VALUE_BYTES);
    const ours = await kvorumWithLog(keys, rounds);
    const theirs = (await hasRedis()) ? [await redisWithAof(keys, rounds)] : [];
    lines.push(...linesOf([ours, ...theirs]), ...ratioOf(ours, theirs[0]));
  }
  if (tableBytes > 0) lines.push(...linesOf([await kvorumWithTables(tableBytes, rounds)]));
  for (const line of lines) print(line);
  if (!values.write) return;
  const sizes = `--log ${values.log} --tables ${values.tables}`;
  const command = `bench -- restart ${sizes} --rounds ${rounds}`;
  const parts = [...(logBytes > 0 ? ['a log'] : []), ...(tableBytes > 0 ? ['tables'] : [])];
  const title = `From kill -9 to the first answer, with ${parts.join(' and ')}`;
  page.write({ name: `restart ${parts.join(' ').replace('a ', '')}`, title, command, lines });
}

function sizeFrom(option: string, value: string): number {
  return value === '0' ? 0 : byteSize({ value, from: option }, 1);
}

function keysFor(logBytes: number, valueBytes: number): BulkKeys {
  const count = Math.ceil(logBytes / (LOG_BYTES_BESIDE_VALUE + valueBytes));
  return new BulkKeys({ count, valueBytes, seed: 1 });
}

async function kvorumWithLog(keys: BulkKeys, rounds: number): Promise<Row> {
  const logBytes = keys.count * (LOG_BYTES_BESIDE_VALUE + keys.valueBytes);
  const memoryBytes = Math.max(MEMORY_BYTES_MIN, MEMORY_OVER_LOG * logBytes);
  const flags = ['--memory', `${Math.ceil(memoryBytes / 1024)}kb`];
  return withKvorum(flags, async (node, server) => {
    await load('kvorum', keys, server.port);
    const sample = await metricsOf(node);
    const size = gigabytes(sample('kvorum_engine_log_bytes'));
    const seconds = await restarts(server, rounds);
    return { what: `kvorum, ${keyCount(keys)}, a log of ${size}`, seconds };
  });
}

async function kvorumWithTables(tableBytes: number, rounds: number): Promise<Row> {
  const keys = keysFor(tableBytes, TABLE_VALUE_BYTES);
  return withKvorum([], async (node, server) => {
    await load('kvorum', keys, server.port);
    await untilSettled(node);
    const sample = await metricsOf(node);
    const log = gigabytes(sample('kvorum_engine_log_bytes'));
    const size = gigabytes(await bytesUnder(node.directory));
    const seconds = await restarts(server, rounds);
    return { what: `kvorum, ${keyCount(keys)}, ${size}, ${log} of it log`, seconds };
  });
}

async function redisWithAof(keys: BulkKeys, rounds: number): Promise<Row> {
  const plain = ['--appendonly', 'yes', '--appendfsync', 'everysec'];
  const redis = await RedisServer.create([...plain, '--auto-aof-rewrite-percentage', '0']);
  try {
    await redis.start();
    await load('redis-server', keys, redis.port);
    const size = gigabytes(await bytesUnder(join(redis.directory, 'appendonlydir')));
    const seconds = await restarts(restartable(redis), rounds);
    return { what: `redis-server, ${keyCount(keys)}, an append-only file of ${size}`, seconds };
  } finally {
    await redis.remove();
  }
}

function restartable(redis: RedisServer): Restartable {
  const { port } = redis;
  return { port, kill: () => redis.kill('SIGKILL'), start: () => redis.start() };
}

async function withKvorum(
  flags: readonly string[],
  body: (node: RunningNode, server: Restartable) => Promise<Row>,
): Promise<Row> {
  const cluster = await startCluster({ nodes: 1, flags, readyMsMax: READY_MS_MAX });
  const node = cluster.nodes[0] as RunningNode;
  const server = { port: node.port, kill: () => cluster.kill(0), start: () => cluster.restart(0) };
  try {
    return await body(node, server);
  } finally {
    await cluster.stop();
  }
}

async function load(name: string, keys: BulkKeys, port: number): Promise<void> {
  const bulk = new BulkLoad(keys, [port, port]);
  const count = () => `${bulk.acknowledged.toLocaleString('en')} of ${keyCount(keys)}`;
  const tell = showProgress(`${name}: load`, count);
  await bulk.write();
  tell(count());
}

/** Seconds from the start of the process to the first PONG, once a round. */
async function restarts(server: Restartable, rounds: number): Promise<number[]> {
  const seconds: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await server.kill();
    const fromMs = performance.now();
    const failed = new AbortController();
    const started = server.start().catch((error) => failed.abort(error));
    await untilPong(server.port, failed.signal);
    seconds.push((performance.now() - fromMs) / 1000);
    await started;
  }
  return seconds;
}

async function untilPong(port: number, failed: AbortSignal): Promise<void> {
  while ((await pinged(port)) !== 'PONG') {
    failed.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function pinged(port: number): Promise<unknown> {
  try {
    const connection = await BatchConnection.open(port);
    const [reply] = await connection.ask([['PING']]);
    connection.close();
    return reply;
  } catch {
    return undefined; // nobody listens yet
  }
}

async function untilSettled(node: RunningNode): Promise<void> {
  const isBusy = async () => {
    const sample = await metricsOf(node);
    return (
      sample('kvorum_engine_sealed_memtables') + sample('kvorum_engine_compactions_running') > 0
    );
  };
  for (let quiet = 0; quiet < 5; ) {
    quiet = (await isBusy()) ? 0 : quiet + 1;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function linesOf(rows: readonly Row[]): string[] {
  return rows.map(({ what, seconds }) => {
    const [least, most] = [Math.min(...seconds), Math.max(...seconds)];
    const range = `(${least.toFixed(2)} to ${most.toFixed(2)})`;
    return `${what.padEnd(72)}${middle(seconds).toFixed(2).padStart(7)} s  ${range}`;
  });
}

function ratioOf(ours: Row, theirs: Row | undefined): string[] {
  if (theirs === undefined) return ['without redis-server: it is not installed'];
  const ratio = middle(theirs.seconds) / middle(ours.seconds);
  return [
    `${'redis-server / kvorum'.padEnd(72)}${ratio.toFixed(2).padStart(7)}×  (≥ ${RATIO_TARGET}×)`,
  ];
}

function keyCount({ count }: BulkKeys): string {
  return `${count.toLocaleString('en')} keys`;
}

function gigabytes(bytes: number): string {
  return `${(bytes / GB).toFixed(2)} GB`;
}

async function bytesUnder(directory: string): Promise<number> {
  const names = await readdir(directory);
  const sizes = names.map(async (name) => (await stat(join(directory, name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
