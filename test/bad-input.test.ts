// What no client should send, sent to every door of a real cluster: each gets a clear error in the
// words of Redis where there are some, no node falls, and a neighbour's data and connection stay.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { ByteWriter } from '../src/base/bytes.ts';
import type { Address, KeyspaceNumber } from '../src/base/ids.ts';
import { encodeCommand, type RespConnection } from '../src/client/resp-connection.ts';
import { frameOf } from '../src/host/frame-stream.ts';
import { preambleOf } from '../src/host/preamble.ts';
import { writeHeader, writeMessage } from '../src/node/wire.ts';
import { type RunningCluster, type RunningNode, startCluster } from './cluster-fixture.ts';
import { PATIENT } from './load.ts';
import { metricsOf } from './node-metrics.ts';
import { RawSocket } from './raw-socket.ts';
import { until } from './until.ts';

const MIB = 1024 * 1024;
/** The default of `maxclients`. */
const CONNECTIONS_MAX = 10_000;
const BEYOND = 20;
const REFUSED = '-ERR max number of clients reached';

type Case = readonly [what: string, bytes: string | Buffer, says: RegExp];

const command = (...words: (string | Buffer)[]) => encodeCommand(words);

/** The connection goes on. */
const MISTAKES: readonly Case[] = [
  [
    'an unknown command',
    'FOO bar baz\r\n',
    /^-ERR unknown command 'FOO', with args beginning with: 'bar' 'baz' $/,
  ],
  [
    'an unknown subcommand',
    'CLIENT FOO\r\n',
    /^-ERR unknown subcommand 'FOO'\. Try CLIENT HELP\.$/,
  ],
  ['a wrong arity', 'GET\r\n', /^-ERR wrong number of arguments for 'get' command$/],
  ['a bad integer', 'SET a b EX ten\r\n', /^-ERR value is not an integer or out of range$/],
  ['a fraction', 'EXPIRE a 1.5\r\n', /^-ERR value is not an integer or out of range$/],
  ['a bad expiry', 'SET a b EX 0\r\n', /^-ERR invalid expire time in 'set' command$/],
  ['a bad option', 'SET a b FOO\r\n', /^-ERR syntax error$/],
  ['a bad cursor', 'SCAN x\r\n', /^-ERR invalid cursor$/],
  ['a bad protocol', 'HELLO 9\r\n', /^-NOPROTO unsupported protocol version$/],
  [
    'a key of 1 MiB',
    command('GET', 'k'.repeat(MIB)),
    /^-ERR key is longer than 16384 bytes .*\[KEY_TOO_LONG\]$/,
  ],
  [
    'a value over the limit',
    command('SET', 'a', Buffer.alloc(MIB + 1)),
    /^-ERR value is larger than 1048576 bytes .*\[VALUE_TOO_LARGE\]$/,
  ],
  [
    'bytes that are no text',
    command(Buffer.from([0, 255, 13, 10]), '\0'),
    /^-ERR unknown command '/,
  ],
];

/** It is the last that the client hears. */
const BREACHES: readonly Case[] = [
  [
    'an oversized bulk',
    '*3\r\n$3\r\nSET\r\n$1\r\na\r\n$9000000\r\n',
    /^-ERR Protocol error: invalid bulk length/,
  ],
  [
    'a bulk of many TB',
    '*2\r\n$3\r\nGET\r\n$99999999999999\r\n',
    /^-ERR Protocol error: invalid bulk length/,
  ],
  ['a million words', '*1000000\r\n', /^-ERR Protocol error: invalid multibulk length/],
  ['a negative bulk', '*1\r\n$-5\r\n', /^-ERR Protocol error: invalid bulk length$/],
  ['a word without its length', '*1\r\nGET\r\n', /^-ERR Protocol error: expected '\$', got 'G'$/],
  ['a line without an end', 'x'.repeat(70_000), /^-ERR Protocol error: too big inline request$/],
  ['open quotes', 'SET "a\r\n', /^-ERR Protocol error: unbalanced quotes in request$/],
  [
    'a POST',
    'POST / HTTP/1.1\r\nHost: a\r\n\r\nSET stolen 1\r\n',
    /^-ERR Protocol error: this is HTTP/,
  ],
];

test('bad input', async (t) => {
  const cluster = await startCluster({ nodes: 3, owner: t });
  const pids = cluster.nodes.map(({ pid }) => pid);
  const neighbours = await Promise.all([0, 1, 2].map((node) => cluster.connect(node, PATIENT)));
  await neighbours[0]?.send('SET', 'neighbour', 'lives');
  const unharmed = async () => {
    for (const neighbour of neighbours) await goesOn(neighbour);
    deepEqual(
      cluster.nodes.map(({ pid, log }) => (log.includes('"crash"') ? log : pid)),
      pids,
    );
  };
  const cases: readonly (readonly [string, (t: TestContext) => Promise<void>])[] = [
    ['mistakes', () => mistakes(cluster)],
    ['breaches of the protocol', () => breaches(cluster)],
    ['garbage', () => garbage(cluster)],
    ['half a command, then silence', () => halfCommands(cluster, unharmed)],
    ['the door for peers', () => peerDoor(cluster)],
    ['more connections than there may be', (t) => manyConnections(t, cluster, unharmed)],
  ];
  for (const [what, run] of cases) {
    await t.test(what, async (t) => {
      await run(t);
      await unharmed();
    });
  }
  await Promise.all(neighbours.map((neighbour) => neighbour.close()));
});

async function goesOn(neighbour: RespConnection): Promise<void> {
  equal(String(await neighbour.send('GET', 'neighbour')), 'lives');
  equal(await neighbour.send('SET', 'neighbour', 'lives'), 'OK');
}

function firstOf(cluster: RunningCluster): RunningNode {
  return cluster.nodes[0] as RunningNode;
}

async function mistakes(cluster: RunningCluster): Promise<void> {
  const raw = await RawSocket.open(firstOf(cluster).port);
  for (const [what, bytes, says] of MISTAKES) {
    match(await raw.send(bytes).line(), says, what);
    equal(await raw.send('PING\r\n').line(), '+PONG', what);
  }
  // In one breath with good ones, in order.
  raw.send(`PING\r\n${'NOSUCH\r\nPING\r\n'.repeat(100)}`);
  for (let i = 0; i < 201; i++) match(await raw.line(), i % 2 ? /^-ERR unknown/ : /^\+PONG$/);
  raw.close();
}

async function breaches(cluster: RunningCluster): Promise<void> {
  for (const [what, bytes, says] of BREACHES) {
    const raw = await RawSocket.open(firstOf(cluster).port);
    raw.send('PING\r\n').send(bytes);
    equal(await raw.line(), '+PONG', what);
    match(await raw.line(), says, what);
    equal(await raw.untilClosed(), '', what);
  }
  const redis = await cluster.connect(0, PATIENT);
  equal(await redis.send('EXISTS', 'stolen', 'a'), 0);
  await redis.close();
}

/** Whatever comes of it, errors are all that it may get. */
async function garbage(cluster: RunningCluster): Promise<void> {
  const tls = Buffer.concat([
    Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]),
    randomBytes(512),
  ]);
  const dice = Array.from({ length: 60 }, () => randomBytes(randomInt(1, 20_000)));
  const half = dice.map((bytes) => Buffer.concat([Buffer.from('*3\r\n$3\r\nGET\r\n'), bytes]));
  const pieces = [tls, ...dice, ...half];
  for (const [index, piece] of pieces.entries()) {
    const raw = await RawSocket.open((cluster.nodes[index % 3] as RunningNode).port);
    raw.send(piece).send('\r\n');
    raw.end();
    for (const line of (await raw.untilClosed()).split('\r\n')) match(line, /^(-ERR .*)?$/);
  }
}

async function halfCommands(cluster: RunningCluster, unharmed: () => Promise<void>) {
  const { port } = firstOf(cluster);
  const sockets = await Promise.all(Array.from({ length: 100 }, () => RawSocket.open(port)));
  for (const raw of sockets) raw.send('*3\r\n$3\r\nSET\r\n$4\r\nhalf\r\n$1000000\r\nbegun');
  await unharmed();
  // They may take 30 seconds (halfCommandMs); resp-server.test.ts sees what comes then.
  ok(sockets.every((raw) => !raw.isClosed));
  const [first, ...others] = sockets as [RawSocket, ...RawSocket[]];
  equal(await first.send(`${'x'.repeat(1_000_000 - 'begun'.length)}\r\n`).line(), '+OK');
  for (const raw of others) raw.close();
  first.close();
}

async function peerDoor(cluster: RunningCluster): Promise<void> {
  const node = firstOf(cluster);
  const nonsense: readonly (string | Buffer)[] = [
    'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    Buffer.alloc(64, 0xff),
    Buffer.alloc(64, 0),
    frameOf(Buffer.from('a frame of somebody else')),
  ];
  for (const bytes of nonsense) {
    equal(await (await RawSocket.open(node.peerPort)).send(bytes).untilClosed(), '');
  }
  const refused = async () => {
    return (await metricsOf(node))('kvorum_peer_frames_total{result="refused"}');
  };
  const before = await refused();
  const raw = await RawSocket.open(node.peerPort);
  raw.send(preambleOf('127.0.0.1:1' as Address));
  const frames = [Buffer.from('no message'), randomBytes(100), strangersWrite()];
  for (const frame of frames) raw.send(frameOf(frame));
  await until('each is refused', async () => (await refused()) === before + frames.length);
  raw.close();
  match(node.log, /connection-refused/);
  match(node.log, /frame of a stranger refused/);
  const redis = await cluster.connect(0, PATIENT);
  equal(await redis.send('EXISTS', 'stolen'), 0);
  await redis.close();
}

/** A well-formed write of a node of another cluster, for all that it knows. */
function strangersWrite(): Buffer {
  const writer = new ByteWriter();
  writeHeader(writer, { clusterTag: 1, sender: 2, epoch: 1 });
  const request = {
    kind: 'coordinate-write',
    sentMs: Date.now(),
    keyspace: 0 as KeyspaceNumber,
    key: Buffer.from('stolen'),
    change: { kind: 'put', value: Buffer.from('1'), expiresAt: 0 },
  } as const;
  writeMessage(writer, { kind: 'request', questionId: 3, request });
  return writer.view();
}

async function manyConnections(
  t: TestContext,
  cluster: RunningCluster,
  unharmed: () => Promise<void>,
): Promise<void> {
  const limit = spawnSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).stdout.trim();
  if (Number(limit) < 2 * CONNECTIONS_MAX) {
    t.skip(`a process may open ${limit} files only (ulimit -Hn)`);
    return;
  }
  const node = firstOf(cluster);
  const count = async () => (await metricsOf(node))('kvorum_resp_connections');
  const room = CONNECTIONS_MAX - (await count());
  const sockets: RawSocket[] = [];
  while (sockets.length < room) {
    const some = Math.min(200, room - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: some }, () => openTo(node)))));
  }
  await until('as many as may', async () => (await count()) === CONNECTIONS_MAX);
  const beyond = await Promise.all(Array.from({ length: BEYOND }, () => openTo(node)));
  for (const raw of beyond) equal(await raw.untilClosed(), `${REFUSED}\r\n`);
  await unharmed();
  for (const raw of [sockets[0], sockets.at(-1)])
    equal(await raw?.send('PING\r\n').line(), '+PONG');
  t.diagnostic(`${room} connections more; then ${BEYOND} were told: ${REFUSED}`);

  for (const raw of sockets) raw.close();
  await until('one has left', async () => (await count()) < CONNECTIONS_MAX);
  const late = await openTo(node);
  equal(await late.send('PING\r\n').line(), '+PONG');
  late.close();
}

function openTo(node: RunningNode): Promise<RawSocket> {
  return RawSocket.open(node.port);
}
