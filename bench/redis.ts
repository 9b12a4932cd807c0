// Kvorum beside redis-server under redis-benchmark: the same load, the same machine, turn by turn.
//
//   redis            one redis-server, nothing on disk
//   redis synced     one redis-server, appendonly, appendfsync always
//   kvorum 1         one node, N=1, synced
//   kvorum 3         three nodes, N=3 R=2 W=2, synced on two before OK
//
// Server and load share the cores, so throughput mixes both; the ratio is what counts. A median of
// ROUNDS rounds, each of which runs every server once.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { startCluster } from '../test/cluster-fixture.ts';
import { hasRedis, RedisServer } from './redis-server.ts';

const ROUNDS = 3;
const REQUESTS = { 1: 40_000, 16: 160_000 } as const;
const PIPELINES = [1, 16] as const;
const KEYS = 100_000;
const VALUE_BYTES = 100;
const CLIENTS = 50;

interface Contender {
  readonly name: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** Requests per second by `SET P=1` and so on, one number per round. */
type Figures = Map<string, number[]>;

const run1 = promisify(execFile);

export async function run(print: (line: string) => void): Promise<void> {
  if (!(await hasRedis())) {
    print('skipped: redis-server and redis-benchmark are not installed');
    return;
  }
  const contenders: Contender[] = [];
  const figures = new Map<string, Figures>();
  try {
    contenders.push(await redis('redis', ['--appendonly', 'no']));
    contenders.push(await redis('redis synced', ['--appendonly', 'yes']));
    contenders.push(await kvorum('kvorum 1', 1), await kvorum('kvorum 3', 3));
    for (let round = 1; round <= ROUNDS; round++) {
      for (const contender of contenders) {
        await measure(contender, figuresOf(figures, contender.name));
        print(`  round ${round} of ${ROUNDS}: ${contender.name}`);
      }
    }
  } finally {
    for (const contender of contenders) await contender.stop();
  }
  table(print, figures);
}

async function measure(contender: Contender, figures: Figures): Promise<void> {
  for (const pipeline of PIPELINES) {
    const load = ['-n', `${REQUESTS[pipeline]}`, '-P', `${pipeline}`, '-c', `${CLIENTS}`];
    const keys = ['-r', `${KEYS}`, '-d', `${VALUE_BYTES}`, '-t', 'set,get', '--csv'];
    const args = ['-p', `${contender.port}`, ...load, ...keys];
    const { stdout } = await run1('redis-benchmark', args, { timeout: 120_000 });
    for (const line of stdout.trim().split('\n').slice(1)) {
      const [test = '', perSecond = '0'] = line.replaceAll('"', '').split(',');
      const name = `${test} P=${pipeline}`;
      figures.set(name, [...(figures.get(name) ?? []), Number(perSecond)]);
    }
  }
}

function table(print: (line: string) => void, figures: ReadonlyMap<string, Figures>): void {
  const rows = [...(figures.get('redis')?.keys() ?? [])];
  print(`\n${'requests per second'.padEnd(20)}${rows.map((row) => row.padStart(12)).join('')}`);
  for (const [name, measured] of figures) {
    const cells = rows.map((row) =>
      Math.round(median(measured.get(row)))
        .toString()
        .padStart(12),
    );
    print(`${name.padEnd(20)}${cells.join('')}`);
  }
  for (const [ours, theirs] of [
    ['kvorum 1', 'redis synced'],
    ['kvorum 3', 'redis synced'],
    ['kvorum 3', 'redis'],
  ] as const) {
    const cells = rows.map((row) => {
      const ratio = median(figures.get(ours)?.get(row)) / median(figures.get(theirs)?.get(row));
      return `${ratio.toFixed(2)}×`.padStart(12);
    });
    print(`${`${ours} / ${theirs}`.padEnd(24).slice(0, 24)}${cells.join('').slice(4)}`);
  }
  print(`spread (max / min of a row's rounds): ${spread(figures).toFixed(2)}`);
}

function spread(figures: ReadonlyMap<string, Figures>): number {
  const all = [...figures.values()].flatMap((each) => [...each.values()]);
  return Math.max(...all.map((rounds) => Math.max(...rounds) / Math.min(...rounds)));
}

function median(values: readonly number[] = []): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function figuresOf(all: Map<string, Figures>, name: string): Figures {
  const known = all.get(name) ?? new Map<string, number[]>();
  all.set(name, known);
  return known;
}

async function kvorum(name: string, nodes: number): Promise<Contender> {
  const cluster = await startCluster({ nodes });
  return { name, port: cluster.nodes[0]?.port as number, stop: () => cluster.stop() };
}

async function redis(name: string, how: readonly string[]): Promise<Contender> {
  const server = await RedisServer.create([...how, '--appendfsync', 'always']);
  await server.start();
  return { name, port: server.port, stop: () => server.remove() };
}
