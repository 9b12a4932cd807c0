// The command line as a user meets it: `kvorum dev`, keys in through one node and out through
// another, the exit codes that scripts rely on, and nothing left running after Ctrl-C.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { firstTakenPort } from '../src/cli/dev/free-port.ts';
import { freePorts, runKvorum } from './cluster-fixture.ts';

const PROGRAM = fileURLToPath(new URL('../src/cli/kvorum.ts', import.meta.url));

interface RunningDev {
  readonly process: ChildProcess;
  /** Redis port of the first node. */
  readonly port: number;
  readonly directory: string;
  /** Lines on standard output up to "ready". */
  readonly lines: readonly string[];
  stderr(): string;
}

async function startDev(t: TestContext, flags: readonly string[] = []): Promise<RunningDev> {
  const directory = await mkdtemp(join(tmpdir(), 'kvorum-dev-'));
  const port = await freePorts(3);
  const args = [PROGRAM, 'dev', '--port', String(port), '--data', directory, ...flags];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL'); // its nodes notice and stop by themselves
      await once(child, 'close');
    }
    await portsAreFree(port);
    await rm(directory, { recursive: true, force: true });
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (line.includes('ready')) break;
  }
  equal(lines.at(-1)?.includes('ready'), true, stderr);
  return { process: child, port, directory, lines, stderr: () => stderr };
}

/** Waits until nobody listens any more: the proof that no node was left behind. */
async function portsAreFree(port: number): Promise<void> {
  const ports = [0, 1, 2].flatMap((i) => [port + i, port + i + 1_000, port + i + 2_000]);
  const deadline = Date.now() + 15_000;
  while ((await firstTakenPort(ports)) !== undefined) {
    ok(Date.now() < deadline, `somebody still listens near ${port}`);
    await sleep(50);
  }
}

async function endWith(dev: RunningDev, signal: NodeJS.Signals): Promise<number | null> {
  const closed = once(dev.process, 'close');
  dev.process.kill(signal);
  const [code] = await closed;
  return code;
}

test('kvorum dev: three nodes, one store', async (t) => {
  const dev = await startDev(t);
  const node = (i: number) => ['--url', `redis://127.0.0.1:${dev.port + i}`];
  const http = ['--url', `http://127.0.0.1:${dev.port + 1_000}`];

  await t.test('prints where everything is, and ready last', () => {
    const text = dev.lines.join('\n');
    for (const i of [0, 1, 2]) {
      match(text, new RegExp(`n${i + 1} +127.0.0.1:${dev.port + i} +http://127.0.0.1:`));
    }
    match(text, new RegExp(`redis-cli -p ${dev.port} `));
    match(text, new RegExp(`redis-cli -c -p ${dev.port} `));
    match(text, /kvorum status --url/);
    equal(dev.lines.at(-1), 'ready');
    equal(dev.stderr(), '');
  });

  await t.test('every node sees every other from the first moment', async () => {
    for (const i of [0, 1, 2]) {
      const url = `http://127.0.0.1:${dev.port + 1_000 + i}/v1/status`;
      const page = (await (await fetch(url)).json()) as { members: { isAlive: boolean }[] };
      deepEqual(
        page.members.map(({ isAlive }) => isAlive),
        [true, true, true],
      );
    }
  });

  await t.test('put through one node, get through the others', async () => {
    deepEqual(await runKvorum(['put', 'greeting', 'hello', ...node(0)]), ok0('OK\n'));
    for (const i of [0, 1, 2]) {
      deepEqual(await runKvorum(['get', 'greeting', ...node(i)]), ok0('hello\n'));
    }
    const [, , third] = [0, 1, 2].map(node) as [string[], string[], string[]];
    const json = await runKvorum(['get', 'greeting', '--json'], {
      env: { KVORUM_URL: third[1] as string },
    });
    deepEqual(JSON.parse(json.stdout), { key: 'greeting', isFound: true, value: 'hello' });
  });

  await t.test('bytes go through standard input and output unchanged', async () => {
    const put = await runKvorum(['put', 'bytes', '-', '--json', ...node(1)], {
      stdin: Buffer.from([0, 255, 10]),
    });
    deepEqual(JSON.parse(put.stdout), { key: 'bytes', isStored: true, bytes: 3 });
    const { stdout } = await runKvorum(['get', 'bytes', '--json', ...node(2)]);
    deepEqual(JSON.parse(stdout), {
      key: 'bytes',
      isFound: true,
      value: Buffer.from([0, 255, 10]).toString('base64'),
      encoding: 'base64',
    });
  });

  await t.test('--ttl forgets; a malformed one is refused', async () => {
    await runKvorum(['put', 'brief', 'x', '--ttl', '1ms', ...node(0)]);
    equal((await runKvorum(['get', 'brief', ...node(0)])).code, 4);
    const bad = await runKvorum(['put', 'brief', 'x', '--ttl', 'soon', ...node(0)]);
    equal(bad.code, 2);
    match(bad.stderr, /--ttl "soon" is not a duration/);
  });

  await t.test('del counts; what is not there is exit code 4', async () => {
    deepEqual(await runKvorum(['del', 'greeting', 'nothing', ...node(1)]), ok0('1\n'));
    const gone = await runKvorum(['get', 'greeting', ...node(2)]);
    deepEqual(gone, { code: 4, stdout: '', stderr: 'There is no key "greeting".\n' });
    const again = await runKvorum(['del', 'greeting', '--json', ...node(0)]);
    equal(again.code, 4);
    deepEqual(JSON.parse(again.stdout), { keys: ['greeting'], deleted: 0 });
  });

  await t.test('keyspaces are listed, described, and apart from each other', async () => {
    const { stdout } = await runKvorum(['keyspace', 'list', ...http]);
    const rows = stdout.trimEnd().split('\n');
    match(rows[1] ?? '', /^ +0 +default +3 +2 +2 +sloppy +latest +fsync$/);
    match(rows[2] ?? '', /^ +1 +siblings +3 +2 +2 +sloppy +siblings +fsync$/);
    const described = await runKvorum(['keyspace', 'describe', '1', '--json', ...http]);
    equal(JSON.parse(described.stdout).limits.siblingsMax, 100);
    const unknown = await runKvorum(['keyspace', 'describe', 'carts', ...http]);
    equal(unknown.code, 2);
    match(unknown.stderr, /NO_SUCH_KEYSPACE: there is no keyspace "carts"/);
    match(unknown.stderr, /There are: default \(0\), siblings \(1\)/);

    await runKvorum(['put', 'both', 'here', ...node(0)]);
    await runKvorum(['put', 'both', 'there', '--keyspace', 'siblings', ...node(1)]);
    deepEqual(await runKvorum(['get', 'both', ...node(2)]), ok0('here\n'));
    deepEqual(await runKvorum(['get', 'both', '--keyspace', '1', ...node(2)]), ok0('there\n'));
    equal((await runKvorum(['get', 'both', '--keyspace', 'carts', ...node(2)])).code, 2);
  });

  await t.test('status: nodetool’s table, or JSON', async () => {
    const table = await runKvorum(['status', ...http]);
    equal(table.code, 0, table.stderr);
    const [title, columns, ...lines] = table.stdout.trimEnd().split('\n');
    const rows = lines.slice(0, 3);
    match(title ?? '', /^Cluster [0-9a-f]{12}, epoch 1, as n1 sees it$/);
    match(
      columns ?? '',
      /^State +Name +Address +Health +Phi +Heard +Slots +Owns +Rack +DC +Host +Node ID$/,
    );
    equal(lines[3], 'Healthy: 3 of 3 nodes up');
    match(
      lines[4] ?? '',
      /^Disk of n1: [\d.]+ [KMGTP]?B of [\d.]+ [MGTP]B free, (checked|not yet)/,
    );
    for (const [i, row] of rows.entries()) {
      const heard = i === 0 ? '– +–' : '\\d+\\.\\d +\\d+\\.\\ds';
      const health = `UN +n${i + 1} +127.0.0.1:${dev.port + i} +[a-z ]*alive[a-z -]* +${heard}`;
      match(row, new RegExp(`^${health} +\\d+ +33\\.\\d%`));
    }
    const page = JSON.parse((await runKvorum(['status', '--json', ...http])).stdout);
    equal(page.isServing, true);
    const slots = page.owners.reduce((sum: number, [from, to]: number[]) => {
      return sum + (to as number) - (from as number) + 1;
    }, 0);
    equal(slots, 16_384);
    deepEqual([...new Set(page.owners.map((row: unknown[]) => row[2]))].sort(), ['n1', 'n2', 'n3']);
  });

  await t.test('one data directory each, and nothing else', async () => {
    deepEqual(await readdir(dev.directory), ['n1', 'n2', 'n3']);
  });

  await t.test('Ctrl-C ends it cleanly and leaves no process', async () => {
    equal(await endWith(dev, 'SIGINT'), 0);
    await portsAreFree(dev.port);
  });
});

test('kvorum dev: a node that dies is reported, the others go on', async (t) => {
  const dev = await startDev(t, ['--json']);
  const http = ['--url', `http://127.0.0.1:${dev.port + 1_001}`];
  const events = dev.lines.map((line) => JSON.parse(line).event);
  deepEqual(events, ['nodes', 'ready']);
  const pid = await lockHolder(join(dev.directory, 'n1'));
  process.kill(pid, 'SIGKILL');
  while (!dev.stderr().includes('node n1 ended')) await sleep(20);
  match(dev.stderr(), /error node n1 ended with signal SIGKILL; 2 go on/);
  await degraded(http);
  const put = await runKvorum(['put', 'a', '1', '--url', `redis://127.0.0.1:${dev.port + 2}`]);
  equal(put.stdout, 'OK\n', put.stderr);
  const unreachable = await runKvorum(['get', 'a', '--url', `redis://127.0.0.1:${dev.port}`]);
  equal(unreachable.code, 1);
  match(unreachable.stderr, /error UNREACHABLE: cannot talk to/);
  equal(await endWith(dev, 'SIGTERM'), 0);
});

test('kvorum dev: killed outright, it leaves no orphans', async (t) => {
  const dev = await startDev(t);
  await endWith(dev, 'SIGKILL');
  await portsAreFree(dev.port);
});

test('usage: help teaches, misspelt words are answered with the right one', async () => {
  const help = await runKvorum(['--help']);
  equal(help.code, 0);
  for (const word of ['dev', 'start', 'status', 'get', 'put', 'del', 'Exit codes', '124 timeout']) {
    ok(help.stdout.includes(word), word);
  }
  deepEqual(await runKvorum([]), help);
  for (const command of ['dev', 'start', 'status', 'get', 'put', 'del']) {
    const { code, stdout } = await runKvorum([command, '--help']);
    equal(code, 0);
    match(stdout, /Examples:\n/);
    match(stdout, /--json/);
  }
  const misspelt = await runKvorum(['stauts']);
  equal(misspelt.code, 2);
  match(misspelt.stderr, /unknown command 'stauts'[\s\S]*Did you mean status\?/);
  const json = await runKvorum(['get', '--jsn', '--json', 'x']);
  equal(json.code, 2);
  const { error } = JSON.parse(json.stderr);
  equal(error.code, 'BAD_OPTION');
  match(error.fix, /--json/);
});

test('nobody there: status is 1, a server that is silent is 124', async (t) => {
  const port = await freePorts(1);
  const nobody = await runKvorum(['status', '--url', `http://127.0.0.1:${port}`]);
  equal(nobody.code, 1);
  match(nobody.stderr, /error UNREACHABLE: /);
  const { createServer } = await import('node:net');
  const sockets = new Set<import('node:net').Socket>();
  const silent = createServer((socket) => sockets.add(socket)).listen(port, '127.0.0.1');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
  await once(silent, 'listening');
  const patience = ['--timeout', '200ms'];
  for (const args of [
    ['get', 'a', '--url', `redis://127.0.0.1:${port}`, ...patience],
    ['status', '--url', `http://127.0.0.1:${port}`, ...patience],
  ]) {
    const late = await runKvorum(args);
    equal(late.code, 124, late.stderr);
    match(late.stderr, /error NO_ANSWER: .* did not answer within 200 ms/);
  }
});

function ok0(stdout: string) {
  return { code: 0, stdout, stderr: '' };
}

/** The process that holds a data directory, as the directory itself says. */
async function lockHolder(directory: string): Promise<number> {
  const { readFile } = await import('node:fs/promises');
  return Number(await readFile(join(directory, 'lock.pid'), 'utf8'));
}

async function degraded(http: readonly string[]): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const { code, stdout } = await runKvorum(['status', ...http]);
    if (!/^DN +n1/m.test(stdout)) continue;
    equal(code, 0, 'every slot still has a primary');
    match(stdout, /Degraded: 2 of 3 nodes up, every slot is served/);
    return;
  }
  throw new Error('n1 was never seen as down');
}
