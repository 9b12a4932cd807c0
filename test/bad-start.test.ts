// What a node cannot start with, it refuses in words: code, what to do, exit code 1 or 2, and
// nothing left behind. With real processes, because that is what a user types.

import { equal, match, ok } from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  addressOf,
  type CommandResult,
  freePorts,
  runKvorum,
  startCluster,
} from './cluster-fixture.ts';

interface Refusal {
  readonly code: string;
  readonly exitCode: 1 | 2;
  readonly says: RegExp;
}

/** Data went to nobody, the error says what and how to go on, and the exit code tells scripts. */
function refuses(result: CommandResult, { code, exitCode, says }: Refusal): void {
  equal(result.code, exitCode, result.stderr);
  equal(result.stdout, '');
  match(result.stderr, new RegExp(`error ${code}: `));
  match(result.stderr, says);
  match(result.stderr, /\n {2}fix: {2}\S.*\n {2}more: docs\/errors\.md#/);
  ok(!result.stderr.includes('    at '), `no stack: ${result.stderr}`);
}

async function scratch(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'kvorum-bad-start-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function occupied(t: TestContext, port: number): Promise<void> {
  const server = createServer().listen(port, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
}

for (const [door, offset] of [
  ['the Redis protocol', 0],
  ['HTTP', 1_000],
  ['peers', 2_000],
] as const) {
  test(`the port for ${door} is in use`, async (t) => {
    const port = await freePorts(1);
    await occupied(t, port + offset);
    const data = join(await scratch(t), 'n1');
    const result = await runKvorum(['start', '--listen', addressOf(port), '--data', data]);
    const says = new RegExp(`${port + offset}`);
    refuses(result, { code: 'PORT_IN_USE', exitCode: 1, says });
    if (offset < 2_000) ok(!existsSync(data), 'no data directory was made');
  });
}

test('the data directory is in use by another node', async (t) => {
  const cluster = await startCluster({ nodes: 1, owner: t });
  const [node] = cluster.nodes;
  const port = await freePorts(1);
  const result = await runKvorum([
    'start',
    ...['--listen', addressOf(port), '--data', node?.directory ?? ''],
  ]);
  const says = new RegExp(`in use by process ${node?.pid}`);
  refuses(result, { code: 'DIRECTORY_LOCKED', exitCode: 1, says });
  const redis = await cluster.connect(0);
  equal(await redis.send('PING'), 'PONG', 'the holder goes on');
  await redis.close();
});

test('the data directory belongs to another cluster, or to another node', async (t) => {
  const cluster = await startCluster({ nodes: 1, owner: t });
  const [node] = cluster.nodes;
  await cluster.kill(0, 'SIGTERM');
  const data = ['--data', node?.directory ?? ''];
  const listen = addressOf(await freePorts(2));
  const strangers = [
    ['--cluster-name', 'other'],
    ['--node-id', 'n2'],
    ['--capacity', '2'],
  ];
  for (const stranger of strangers) {
    const result = await runKvorum(['start', '--listen', listen, ...data, ...stranger]);
    refuses(result, { code: 'FOREIGN_DIRECTORY', exitCode: 1, says: /belongs to (cluster|node) / });
  }
  await cluster.restart(0); // it was not harmed
});

test('the data directory cannot be written', async (t) => {
  const directory = await scratch(t);
  await writeFile(join(directory, 'file'), '');
  const data = join(directory, 'file', 'n1');
  const listen = addressOf(await freePorts(1));
  const result = await runKvorum(['start', '--listen', listen, '--data', data]);
  refuses(result, { code: 'IO_ERROR', exitCode: 1, says: /file\/n1/ });
});

const badFiles: readonly (readonly [why: string, toml: string, says: RegExp])[] = [
  ['a misspelt key', 'lisen = "127.0.0.1:7001"', /"lisen" in .*\.toml[\s\S]*Did you mean listen\?/],
  ['a misspelt key of a member', '[[members]]\nname = "n1"\nlistn = "x"', /members\[0\]\.listn/],
  ['a wrong type', 'capacity = "much"', /capacity in .*\.toml must be number/],
  ['a missing key', '[[members]]\nname = "n1"', /members\[0\] of .* lacks listen/],
  ['no TOML', 'data = \n', /is not TOML, line 1/],
  [
    'an impossible quorum',
    '[[keyspaces]]\nnumber = 0\nname = "default"\nn = 3\nw = 4',
    /keyspace "default" has w = 4 but n = 3/,
  ],
  [
    'a quorum of nobody',
    '[[keyspaces]]\nnumber = 0\nname = "default"\nr = 0',
    /keyspaces\[0\]\.r in .* must be >= 1/,
  ],
];

test('a configuration file that makes no sense', async (t) => {
  const directory = await scratch(t);
  const file = join(directory, 'kvorum.toml');
  for (const [why, toml, says] of badFiles) {
    await writeFile(file, toml);
    const result = await runKvorum(['start', '--config', file], { cwd: directory });
    refuses(result, { code: 'BAD_OPTION', exitCode: 2, says });
    equal((await readdir(directory)).join(), 'kvorum.toml', why);
  }
  const missing = await runKvorum(['start', '--config', join(directory, 'none.toml')]);
  refuses(missing, { code: 'IO_ERROR', exitCode: 1, says: /none\.toml/ });
});

const badFlags: readonly (readonly [args: readonly string[], says: RegExp])[] = [
  [['--listen', '0.0.0.0:7001'], /reachable from other machines[\s\S]*--insecure-no-auth/],
  [['--cluster', 'n1=192.168.1.5:7001'], /192\.168\.1\.5:7001 is reachable/],
  [['--listen', 'nonsense'], /"nonsense" is not an address/],
  [['--capacity', '-1'], /--capacity is "-1"/],
  [['--memory', '1gib'], /--memory is "1gib", not a size/],
  [['--memory', '5mb'], /--memory is "5mb", less than 6mb/],
  [['--redirect', 'mooved'], /Did you mean moved\?/],
  [['--cluster', 'n1=127.0.0.1:7001,n2=127.0.0.1:7002'], /which of n1, n2 is this node\?/],
  [['--cluster', 'n1=127.0.0.1:7001', '--rack', 'a'], /--rack would be known to this node only/],
  [['--lisen', '127.0.0.1:7001'], /unknown option '--lisen'[\s\S]*Did you mean --listen\?/],
];

test('flags that make no sense', async (t) => {
  const cwd = await scratch(t);
  for (const [args, says] of badFlags) {
    refuses(await runKvorum(['start', ...args], { cwd }), {
      code: 'BAD_OPTION',
      exitCode: 2,
      says,
    });
  }
  equal((await readdir(cwd)).join(), '', 'nothing was written');
});

test('a misspelt variable', async (t) => {
  const cwd = await scratch(t);
  const result = await runKvorum(['start'], { cwd, env: { KVORUM_NODEID: 'n1' } });
  const says = /KVORUM_NODEID \(in the environment\)[\s\S]*Did you mean KVORUM_NODE_ID\?/;
  refuses(result, { code: 'BAD_OPTION', exitCode: 2, says });
});

test('kvorum dev: a port in use, and a directory of a cluster of another size', async (t) => {
  const directory = await scratch(t);
  const port = await freePorts(3);
  const dev = ['dev', '--port', String(port), '--data', directory];
  const sizes = await runKvorum([...dev, '--nodes', '0']);
  refuses(sizes, { code: 'BAD_OPTION', exitCode: 2, says: /--nodes is "0"/ });
  await occupied(t, port + 1_002);
  const taken = await runKvorum(dev);
  const says = new RegExp(`port ${port + 1_002} is in use[\\s\\S]*kvorum dev --port`);
  refuses(taken, { code: 'PORT_IN_USE', exitCode: 1, says });
  equal((await readdir(directory)).join(), '', 'nothing was started');
});
