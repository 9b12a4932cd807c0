// redis-cli and redis-benchmark as Debian ships them, against real clusters.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { encodeCommand } from '../src/client/resp-connection.ts';
import { type RunningCluster, type RunningNode, startCluster } from './cluster-fixture.ts';

const TOOLS = ['redis-cli', 'redis-benchmark'] as const;
type Tool = (typeof TOOLS)[number];

const missing = TOOLS.filter((tool) => spawnSync(tool, ['--version']).status !== 0);
const skip = missing.length > 0 && `not installed: ${missing.join(', ')}`;
const PIPED_KEYS = 1_000;

for (const nodes of [3, 5]) {
  test(`Redis' tools on a cluster of ${nodes}`, { skip }, async (t) => {
    const cluster = await startCluster({ nodes, owner: t });
    await t.test('redis-cli asks any node, in each of its ways', () => asksAnyNode(cluster));
    await t.test('redis-cli --pipe', () => pipes(cluster));
    await t.test('redis-cli --scan and --bigkeys', () => scans(cluster));
    await t.test('redis-benchmark', (t) => measures(t, cluster));
    await t.test('redis-cli --cluster check, then without a node', () => checks(cluster));
  });
}

/** Standard output of a tool that ends well and complains of nothing. */
async function run(tool: Tool, args: readonly string[], input: string | Buffer = '') {
  const child = spawn(tool, args);
  child.stdin.on('error', () => undefined); // it may end before it has read everything
  child.stdin.end(input);
  const ended = once(child, 'close');
  const [out, complaints] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await ended;
  equal(complaints, '', `${tool} ${args.join(' ')}`);
  equal(code, 0, `${tool} ${args.join(' ')}: ${out.slice(-500)}`);
  return out;
}

function nodeAt(cluster: RunningCluster, index: number): RunningNode {
  return cluster.nodes[index % cluster.nodes.length] as RunningNode;
}

function portOf(cluster: RunningCluster, index: number): readonly string[] {
  return ['-p', String(nodeAt(cluster, index).port)];
}

async function asksAnyNode(cluster: RunningCluster): Promise<void> {
  const ways = [[], ['-c'], ['-3'], ['-c', '-3']];
  for (const [index, way] of ways.entries()) {
    const key = `cli:${way.join('')}`;
    const words = (at: number) => [...way, ...portOf(cluster, at)];
    equal(await run('redis-cli', [...words(index), 'set', key, 'hello']), 'OK\n');
    equal(await run('redis-cli', [...words(index + 1), 'get', key]), 'hello\n');
    equal(await run('redis-cli', [...words(index + 2), 'del', key]), '1\n');
    equal(await run('redis-cli', [...words(index), 'get', key]), '\n');
  }
  // Several commands of one session: a connection that follows MOVED goes from node to node.
  const keys = Array.from({ length: 20 }, (_, i) => `cli:${i}`);
  const lines = keys.flatMap((key) => [`set ${key} "${key}"`, `get ${key}`]);
  const session = await run('redis-cli', ['-c', ...portOf(cluster, 0)], `${lines.join('\n')}\n`);
  deepEqual(
    session.trim().split('\n'),
    keys.flatMap((key) => ['OK', key]),
  );
}

async function pipes(cluster: RunningCluster): Promise<void> {
  const commands = Array.from({ length: PIPED_KEYS }, (_, i) => {
    return encodeCommand(['SET', `piped:${i}`, 'x'.repeat(i)]);
  });
  const said = await run('redis-cli', ['--pipe', ...portOf(cluster, 0)], Buffer.concat(commands));
  match(said, new RegExp(`errors: 0, replies: ${PIPED_KEYS}\\n$`));
}

async function scans(cluster: RunningCluster): Promise<void> {
  const pattern = ['--scan', '--pattern', 'piped:*'];
  const keys = await run('redis-cli', [...pattern, ...portOf(cluster, 1)]);
  const expected = Array.from({ length: PIPED_KEYS }, (_, i) => `piped:${i}`);
  deepEqual(keys.trim().split('\n').sort(), expected.sort());
  const summary = await run('redis-cli', ['--bigkeys', ...portOf(cluster, 2)]);
  match(summary, /Sampled \d{4} keys in the keyspace!/);
  match(summary, /\n\d{4} strings with \d+ bytes \(100\.00% of keys/);
}

async function checks(cluster: RunningCluster): Promise<void> {
  const check = ['--cluster', 'check', `127.0.0.1:${nodeAt(cluster, 0).port}`];
  isContent(await run('redis-cli', check), cluster.nodes.length);
  await cluster.kill(cluster.nodes.length - 1);
  const { stdout, stderr } = spawnSync('redis-cli', check, { encoding: 'utf8' });
  match(stderr, /^Could not connect to Redis at \S+: Connection refused\n$/);
  isContent(stdout, cluster.nodes.length - 1);
}

/** All slots are served by so many nodes, and those agree about it. */
function isContent(report: string, owners: number): void {
  const lines = stripVTControlCharacters(report).split('\n');
  ok(lines.includes('[OK] All nodes agree about slots configuration.'), report);
  ok(lines.includes('[OK] All 16384 slots covered.'), report);
  equal(lines.filter((line) => line.startsWith('M: ')).length, owners, report);
  equal(
    lines.findIndex((line) => /^\[(ERR|WARNING)\]/.test(line)),
    -1,
    report,
  );
}

async function measures(t: TestContext, cluster: RunningCluster): Promise<void> {
  const plain = ['-t', 'set,get', '-P', '16', '-n', '2000', '-r', '1000', '-q'];
  const clustered = ['--cluster', '-t', 'set,get', '-P', '16', '-n', '2000', '-r', '1000', '-q'];
  for (const args of [plain, clustered]) {
    const figures = await run('redis-benchmark', [...args, ...portOf(cluster, 0)]);
    const results = figures.match(/(SET|GET): [\d.]+ requests per second/g);
    deepEqual(
      results?.map((result) => result.slice(0, 3)),
      ['SET', 'GET'],
      figures,
    );
    ok(!/error|warning/i.test(figures), figures);
    t.diagnostic(`${args.includes('--cluster') ? '--cluster' : 'plain'} ${results?.join(', ')}`);
  }
}
