import { strict as assert } from 'node:assert';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { KvorumError } from '../../base/errors.ts';
import type { Address } from '../../base/ids.ts';
import { nodeClock } from '../../host/node-clock.ts';
import { silentLog } from '../../host/node-log.ts';
import type { Store } from '../../node/store.ts';
import type { Call, Command, Handler } from './command.ts';
import type { Found } from './refusal.ts';
import { OK, type Reply, simple } from './reply.ts';
import { type RespServer, type RespServerOptions, startRespServer } from './resp-server.ts';
import { TestGate } from './test-store.ts';

const NO_STORE = { isPrimary: () => true, gate: new TestGate() } as unknown as Store;

/** Handlers of HOLD wait here until the test lets them go, in whatever order. */
const held = new Map<string, (reply: Reply) => void>();
const data = new Map<string, Buffer>();

const word = (call: Call, at: number) => (call.args[at] as Buffer).toString('latin1');

const ROWS: readonly (readonly [string, number, string, Handler])[] = [
  ['ping', -1, 'loading', () => simple('PONG')],
  ['get', 2, 'readonly', (call) => data.get(word(call, 1)) ?? null],
  ['set', -3, 'write', setLater],
  ['hold', 2, 'write', (call) => new Promise((resolve) => held.set(word(call, 1), resolve))],
  ['dbsize', 1, '', async () => data.size],
  ['big', 2, 'readonly', () => Buffer.alloc(1024 * 1024, 'b')],
  ['quit', -1, '', quit],
  ['hello', 2, '', hello],
  ['reply', 2, '', replyMode],
  ['bug', 1, '', () => assert.fail('a bug in a handler')],
  [
    'full',
    2,
    'write',
    () => Promise.reject(new KvorumError('DISK_FULL', 'no space', 'Free some.')),
  ],
];

async function setLater(call: Call): Promise<Reply> {
  await new Promise((resolve) => setImmediate(resolve));
  data.set(word(call, 1), Buffer.from(call.args[2] as Buffer));
  return OK;
}

function quit({ session }: Call): Reply {
  session.isQuitting = true;
  return OK;
}

function hello(call: Call): Reply {
  call.session.protocol = word(call, 1) === '3' ? 3 : 2;
  return { kind: 'map', entries: [['proto', call.session.protocol]] };
}

function replyMode(call: Call): Reply {
  const mode = word(call, 1) as 'on' | 'off' | 'skip-next';
  call.session.replyMode = mode;
  return mode === 'on' ? OK : { kind: 'silence' };
}

const COMMANDS = new Map(
  ROWS.map(([name, arity, flags, run]): [string, Command] => {
    const first = flags === 'write' || flags === 'readonly' ? 1 : 0;
    const docs = { summary: '', since: '', group: '', complexity: '' };
    const keys = { first, last: first, step: first };
    return [name, { name, arity, flags: [flags], keys, categories: [], tips: [], docs, run }];
  }),
);

const client = { ...(COMMANDS.get('ping') as Command), name: 'client' };

function find(args: readonly Buffer[]): Found {
  const name = (args[0] as Buffer).toString('latin1').toLowerCase();
  if (name === 'client') return { kind: 'unknown-subcommand', parent: client };
  const command = COMMANDS.get(name);
  return command === undefined ? { kind: 'unknown-command' } : { kind: 'command', command };
}

const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
  held.clear();
  data.clear();
});

async function start(options: Partial<RespServerOptions> = {}): Promise<RespServer> {
  const server = await startRespServer({
    address: '127.0.0.1:0' as Address,
    store: NO_STORE,
    clock: nodeClock(),
    log: silentLog,
    commands: { find, run: (command, call) => (command.run as Handler)(call) },
    ...options,
  });
  open.push(server);
  return server;
}

class RawClient {
  readonly socket: Socket;
  #received = '';
  #isClosed = false;
  #wake = () => {};

  constructor(server: RespServer) {
    this.socket = connect({ port: server.info.port, host: '127.0.0.1', noDelay: true });
    this.socket.on('data', (chunk) => {
      this.#received += chunk.toString('latin1');
      this.#wake();
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.#isClosed = true;
      this.#wake();
    });
    open.push({ close: () => this.socket.destroy() });
  }

  send(text: string): this {
    this.socket.write(text, 'latin1');
    return this;
  }

  async expect(text: string): Promise<void> {
    await this.#until(() => this.#received.length >= text.length);
    assert.equal(this.#received.slice(0, text.length), text);
    this.#received = this.#received.slice(text.length);
  }

  /** Everything up to the end that the server makes. */
  async expectClose(text: string): Promise<void> {
    await this.#until(() => false);
    assert.equal(this.#received, text);
  }

  async #until(isDone: () => boolean): Promise<void> {
    while (!isDone() && !this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
}

function array(...words: string[]): string {
  return `*${words.length}\r\n${words.map((each) => `$${each.length}\r\n${each}\r\n`).join('')}`;
}

describe('RespServer answers', () => {
  /** Sent in one piece; all that comes back before the connection ends. */
  const rows: readonly (readonly [string, string, string])[] = [
    ['inline', 'PING\r\n\r\nping\n', '+PONG\r\n+PONG\r\n'],
    ['its own write in a pipeline', 'SET a 1\r\nGET a\r\nDBSIZE\r\n', '+OK\r\n$1\r\n1\r\n:1\r\n'],
    ['in order of arrival', 'SET a 1\r\nPING\r\nGET b\r\n', '+OK\r\n+PONG\r\n$-1\r\n'],
    [
      'in the protocol of the moment',
      'GET x\r\nHELLO 3\r\nGET x\r\n',
      '$-1\r\n%1\r\n$5\r\nproto\r\n:3\r\n_\r\n',
    ],
    [
      'late replies in the protocol that they were asked in',
      'SET a 1\r\nGET a\r\nGET x\r\nHELLO 3\r\n',
      '+OK\r\n$1\r\n1\r\n$-1\r\n%1\r\n$5\r\nproto\r\n:3\r\n',
    ],
    [
      'nothing while replies are off',
      'REPLY off\r\nSET a 1\r\nPING\r\nREPLY on\r\nPING\r\n',
      '+OK\r\n+PONG\r\n',
    ],
    ['all but the skipped', 'REPLY skip-next\r\nPING\r\nGET x\r\n', '$-1\r\n'],
    ['QUIT, and nothing after it', 'SET a 1\r\nQUIT\r\n', '+OK\r\n+OK\r\n'],
    ['a bug in a handler', 'BUG\r\nPING\r\n', '-ERR internal error\r\n+PONG\r\n'],
    [
      'an operating failure',
      'FULL a\r\n',
      '-MISCONF Errors writing to the disk. no space (Free some.) [DISK_FULL]\r\n',
    ],
    [
      'an unknown command',
      "foo a 'b c'\r\n",
      "-ERR unknown command 'foo', with args beginning with: 'a' 'b c' \r\n",
    ],
    [
      'an unknown subcommand',
      'client foo\r\n',
      "-ERR unknown subcommand 'foo'. Try CLIENT HELP.\r\n",
    ],
    ['a wrong count', 'GET\r\n', "-ERR wrong number of arguments for 'get' command\r\n"],
    [
      'a broken protocol after what was right',
      'SET a 1\r\n*1\r\nfoo\r\nPING\r\n',
      "+OK\r\n-ERR Protocol error: expected '$', got 'f'\r\n",
    ],
    ['garbage', '*\0\xff\x16\x03\x01\r\n', '-ERR Protocol error: invalid multibulk length\r\n'],
  ];
  for (const [name, sent, expected] of rows) {
    test(name, async () => {
      const raw = new RawClient(await start());
      raw.send(sent).socket.end();
      await raw.expectClose(expected);
    });
  }

  test('in order although handlers finish in another', async () => {
    const raw = new RawClient(await start());
    raw.send('HOLD a\r\nHOLD b\r\nPING\r\nHOLD c\r\nHOLD b\r\n');
    await until(() => held.size === 3);
    const release = (key: string) => held.get(key)?.(key);
    release('c');
    release('b');
    await until(() => held.has('b'));
    release('a');
    await raw.expect('$1\r\na\r\n$1\r\nb\r\n+PONG\r\n$1\r\nc\r\n');
    release('b');
    await raw.expect('$1\r\nb\r\n');
  });

  test('10,000 pipelined commands, with at most inFlightMax at once', async () => {
    const server = await start();
    const raw = new RawClient(server);
    const numbers = Array.from({ length: 5_000 }, (_, i) => `k${i % 100}`);
    raw.send(numbers.map((key) => array('SET', key, key) + array('GET', key)).join(''));
    raw.socket.end();
    await raw.expectClose(numbers.map((key) => `+OK\r\n$${key.length}\r\n${key}\r\n`).join(''));
    assert.equal(server.info.counters.commands, 10_000);
  });

  test('stops reading at inFlightMax', async () => {
    const server = await start({ limits: { inFlightMax: 4 } });
    const raw = new RawClient(server).send('HOLD a\r\nHOLD b\r\nHOLD c\r\nHOLD d\r\nPING\r\n');
    await until(() => held.size === 4);
    assert.equal(server.info.counters.commands, 4);
    for (const key of 'abcd') held.get(key)?.(1);
    await raw.expect(':1\r\n:1\r\n:1\r\n:1\r\n+PONG\r\n');
  });

  test('LOADING until it is ready, but for what Redis lets run', async () => {
    let isReady = false;
    const raw = new RawClient(await start({ isReady: () => isReady }));
    raw.send('PING\r\nGET a\r\nDBSIZE\r\n');
    const loading = '-LOADING Kvorum is starting\r\n';
    await raw.expect(`+PONG\r\n${loading}${loading}`);
    isReady = true;
    raw.send('GET a\r\n');
    await raw.expect('$-1\r\n');
  });
});

describe('RespServer at a node that cannot keep up', () => {
  /** A PING of another connection comes after what was sent before it was read. */
  async function isHeard(server: RespServer): Promise<void> {
    await new RawClient(server).send('PING\r\n').expect('+PONG\r\n');
  }

  test('lets requests wait, whatever they are, and answers them in their order', async () => {
    const gate = new TestGate();
    gate.isShut = true;
    const server = await start({ store: { ...NO_STORE, gate } });
    const raw = new RawClient(server).send('PING\r\nSET a 1\r\nGET a\r\nPING\r\n');
    await raw.expect('+PONG\r\n');
    await isHeard(server);
    assert.ok(!data.has('a'));
    raw.send('GET a\r\n');
    await isHeard(server);
    gate.open();
    await raw.expect('+OK\r\n$1\r\n1\r\n+PONG\r\n$1\r\n1\r\n');
  });

  const impatient = { waitMsMax: 0, silentWaitMsMax: 0 };

  test('refuses those that have waited for too long, and what came with them', async () => {
    const gate = new TestGate();
    gate.isShut = true;
    const server = await start({ store: { ...NO_STORE, gate }, limits: impatient });
    const raw = new RawClient(server).send('SET a 1\r\nPING\r\nGET a\r\n');
    const no = (kind: string) =>
      `-TRYAGAIN The node cannot keep up. no ${kind} now (Later.) [OVERLOADED]\r\n`;
    await raw.expect(`${no('write')}+PONG\r\n${no('read')}`);
    gate.open();
    raw.send('SET a 2\r\n');
    await raw.expect('+OK\r\n');
  });

  test('has less patience with those who go on sending', async () => {
    const gate = new TestGate();
    gate.isShut = true;
    const server = await start({ store: { ...NO_STORE, gate }, limits: { waitMsMax: 4 } });
    const silent = new RawClient(server).send('SET b 1\r\n');
    const busy = new RawClient(server).send('SET a 1\r\n');
    while (server.info.counters.errorReplies === 0) {
      busy.send('PING\r\n');
      await isHeard(server);
    }
    await busy.expect('-TRYAGAIN The node cannot keep up. no write now (Later.) [OVERLOADED]\r\n');
    gate.open();
    await silent.expect('+OK\r\n');
  });

  test('does not answer a refused one before those that are under way', async () => {
    const gate = new TestGate();
    const server = await start({ store: { ...NO_STORE, gate }, limits: impatient });
    const raw = new RawClient(server).send('HOLD a\r\n');
    await until(() => held.size === 1);
    gate.isShut = true;
    raw.send('GET a\r\nGET b\r\nREPLY off\r\nGET a\r\nREPLY on\r\n');
    await isHeard(server);
    held.get('a')?.(7);
    const no = '-TRYAGAIN The node cannot keep up. no read now (Later.) [OVERLOADED]\r\n';
    await raw.expect(`:7\r\n${no}${no}+OK\r\n`);
    assert.equal(server.info.counters.errorReplies, 3);
  });

  test('forgets who waits when he is gone', async () => {
    const gate = new TestGate();
    gate.isShut = true;
    const server = await start({ store: { ...NO_STORE, gate } });
    const raw = new RawClient(server).send('PING\r\nSET a 1\r\n');
    await raw.expect('+PONG\r\n');
    await until(() => server.waiting === 1);
    raw.socket.resetAndDestroy();
    await until(() => server.info.connectionCount() === 0);
    assert.equal(server.waiting, 0);
    gate.open();
    await isHeard(server);
    assert.ok(!data.has('a'));
  });
});

describe('RespServer protects itself', () => {
  test('from half a command and silence', async () => {
    const server = await start({ limits: { halfCommandMs: 60 } });
    const idle = new RawClient(server);
    const raw = new RawClient(server).send('PING\r\n*2\r\n$3\r\nGET\r\n$5\r\nhe');
    await raw.expectClose(
      '+PONG\r\n-ERR Protocol error: unfinished command (no more than 60 ms)\r\n',
    );
    assert.equal(server.drops.halfCommands, 1);
    idle.send('PING\r\n');
    await idle.expect('+PONG\r\n');
  });

  test('from a bulk that is too long, before it arrives', async () => {
    const raw = new RawClient(await start()).send('*2\r\n$3\r\nGET\r\n$536870912\r\nabc');
    const why = 'invalid bulk length (at most 8388608 bytes)';
    await raw.expectClose(`-ERR Protocol error: ${why}\r\n`);
  });

  test('from a reader that never reads', async () => {
    const server = await start({ limits: { halfCommandMs: 200 } });
    const raw = new RawClient(server);
    raw.socket.pause();
    raw.send(array('BIG', 'x').repeat(1_000));
    await until(() => server.drops.slowReaders === 1);
    // It was not made to produce what nobody takes: an eighth of the gigabyte asked for.
    assert.ok(server.info.counters.bytesOut < 128 * 1024 * 1024);
    await until(() => server.info.connectionCount() === 0);
  });

  test('but not from one that reads slowly', async () => {
    const server = await start();
    const raw = new RawClient(server);
    raw.socket.pause();
    raw.send(array('BIG', 'x').repeat(40));
    await until(() => server.info.counters.bytesOut > 0);
    raw.socket.resume();
    await raw.expect(`$1048576\r\n${'b'.repeat(1024 * 1024)}\r\n`.repeat(40));
  });

  test('from too many clients', async () => {
    const server = await start({ limits: { connectionsMax: 1 } });
    const first = new RawClient(server).send('PING\r\n');
    await first.expect('+PONG\r\n');
    const second = new RawClient(server).send('PING\r\n');
    await second.expect('-ERR max number of clients reached\r\n');
    second.socket.end();
    first.socket.end();
    await first.expectClose('');
    await until(() => server.info.connectionCount() === 0);
    await new RawClient(server).send('PING\r\n').expect('+PONG\r\n');
    assert.equal(server.info.counters.connectionsRefused, 1);
  });

  test('from any bytes at all', async () => {
    const server = await start({ limits: { halfCommandMs: 50 } });
    const part = fc.oneof(
      fc.constantFrom('*1\r\n', '*3\r\n', '$4\r\nPING\r\n', 'SET a 1\r\n', 'DBSIZE\r\n', '"'),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    );
    for (const parts of fc.sample(fc.array(part, { maxLength: 20 }), 200)) {
      const raw = new RawClient(server);
      for (const each of parts) raw.send(each);
      raw.socket.end();
    }
    await until(() => server.info.counters.connectionsAccepted === 200);
    await until(() => server.info.connectionCount() === 0);
    await new RawClient(server).send('PING\r\n').expect('+PONG\r\n');
  });

  test('from clients that vanish in the middle', async () => {
    const server = await start();
    for (let i = 0; i < 20; i++) {
      const raw = new RawClient(server).send('SET a 1\r\nHOLD a\r\nGET');
      raw.socket.once('connect', () => raw.socket.resetAndDestroy());
    }
    await new RawClient(server).send('PING\r\n').expect('+PONG\r\n');
    await until(() => server.info.connectionCount() === 1);
    for (const release of held.values()) release(1);
  });
});

describe('RespServer starts and stops', () => {
  test('PORT_IN_USE and BAD_OPTION say so', async () => {
    const { address } = await start();
    await assert.rejects(start({ address }), { code: 'PORT_IN_USE' });
    await assert.rejects(start({ address: '192.0.2.1:0' as Address }), { code: 'BAD_OPTION' });
  });

  test('close answers what is in flight', async () => {
    const server = await start();
    const raw = new RawClient(server).send('HOLD a\r\n');
    await until(() => held.size === 1);
    const closed = server.close();
    raw.send('PING\r\n');
    held.get('a')?.(1);
    raw.socket.on('end', () => raw.socket.end());
    await raw.expectClose(':1\r\n');
    await closed;
  });

  test('close does not wait for ever', async () => {
    const server = await start();
    const raw = new RawClient(server).send('HOLD a\r\n');
    await until(() => held.size === 1);
    await server.close();
    await raw.expectClose('');
  });
});
