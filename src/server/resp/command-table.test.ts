import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { COMMANDS, findCommand } from './command-table.ts';
import { TestRedisServer } from './commands/test-redis-server.ts';
import { RespWriter } from './resp-writer.ts';
import type { CommandEntry } from './table/command-entry.ts';
import { TestConnection } from './test-connection.ts';
import { TestStore } from './test-store.ts';

/** Redis 7.0.15 does not have them yet. */
const NEWER = ['client|setinfo', 'client|no-touch'];

const every = (commands: readonly CommandEntry[]): readonly CommandEntry[] =>
  commands.flatMap((command) => [command, ...every(command.subcommands ?? [])]);

const wordsOf = (line: string) => line.split(' ').map((word) => Buffer.from(word));

/** A RESP2 reply as nested arrays; what Redis gives as a set is sorted. */
function parsed(bytes: Buffer): unknown {
  let at = 0;
  const line = (): string => {
    const end = bytes.indexOf('\r\n', at);
    const text = bytes.toString('latin1', at, end);
    at = end + 2;
    return text;
  };
  const read = (): unknown => {
    const head = line();
    const count = Number(head.slice(1));
    if (head[0] === '$') {
      const text = count < 0 ? null : bytes.toString('latin1', at, at + count);
      at += count < 0 ? 0 : count + 2;
      return text;
    }
    return head[0] === '*' ? Array.from({ length: count }, read) : head;
  };
  return read();
}

/** Flags, categories, tips and subcommands are sets; subcommands are compared one by one. */
function asSets(info: unknown): unknown {
  const [name, arity, flags, first, last, step, categories, tips, keySpecs] = info as unknown[];
  const sorted = (set: unknown) => [...(set as string[])].sort();
  return [
    name,
    arity,
    sorted(flags),
    first,
    last,
    step,
    sorted(categories),
    sorted(tips),
    keySpecs,
  ];
}

async function ours(line: string): Promise<unknown> {
  const writer = new RespWriter();
  writer.write(await new TestConnection(new TestStore()).runWords(wordsOf(line)));
  return parsed(writer.take());
}

it('COMMAND INFO of every command is as in redis-server 7.0.15', async (test) => {
  const redis = await TestRedisServer.start();
  if (redis === undefined) return test.skip('redis-server is not installed');
  try {
    const names = every(COMMANDS)
      .map(({ name }) => name)
      .filter((name) => !NEWER.includes(name) && !name.startsWith('kv.'));
    for (const name of names) {
      const line = `COMMAND INFO ${name}`;
      const [theirs] = parsed(await redis.ask(wordsOf(line))) as unknown[];
      const [own] = (await ours(line)) as unknown[];
      assert.deepEqual(asSets(own), asSets(theirs), name);
    }
    test.diagnostic(`${names.length} commands and subcommands`);
  } finally {
    await redis.stop();
  }
});

describe('findCommand', () => {
  const cases: readonly (readonly [line: string, found: string])[] = [
    ['get a', 'get'],
    ['GeT a', 'get'],
    ['CLIENT ID', 'client|id'],
    ['client SetInfo a b', 'client|setinfo'],
    ['CLIENT', 'client'],
    ['CLIENT nosuch', 'no subcommand of client'],
    ['CLIENT MAINT_NOTIFICATIONS ON', 'no subcommand of client'],
    [`CLIENT ${'x'.repeat(1000)}`, 'no subcommand of client'],
    ['COMMAND', 'command'],
    ['COMMAND nosuch', 'no subcommand of command'],
    ['CONFIG HELP', 'config|help'],
    ['nosuch', 'nothing'],
    ['client|id', 'nothing'],
    ['constructor', 'nothing'],
    ['x'.repeat(1000), 'nothing'],
    ['', 'nothing'],
  ];
  for (const [line, expected] of cases) {
    it(`finds ${expected} in ${JSON.stringify(line.slice(0, 40))}`, () => {
      const found = findCommand(wordsOf(line));
      const shown = {
        command: () => (found.kind === 'command' ? found.command.name : ''),
        'unknown-command': () => 'nothing',
        'unknown-subcommand': () =>
          found.kind === 'unknown-subcommand' ? `no subcommand of ${found.parent.name}` : '',
      };
      assert.equal(shown[found.kind](), expected);
    });
  }
});

it('every command says what a reader of COMMAND DOCS needs, and can be called', () => {
  for (const command of every(COMMANDS)) {
    assert.match(command.docs.summary, /^[A-Z].*[.]$/, command.name);
    assert.match(command.docs.since, /^\d+\.\d+\.\d+$/, command.name);
    assert.ok(command.run !== undefined || command.subcommands !== undefined, command.name);
  }
});

it('COMMAND, COUNT, LIST and DOCS speak of the same commands', async () => {
  const names = COMMANDS.map(({ name }) => name);
  assert.equal(await ours('COMMAND COUNT'), `:${names.length}`);
  assert.deepEqual(await ours('COMMAND LIST'), names);
  assert.deepEqual(
    ((await ours('COMMAND')) as unknown[][]).map(([name]) => name),
    names,
  );
  const docs = (await ours('COMMAND DOCS')) as string[];
  assert.deepEqual(
    docs.filter((_, at) => at % 2 === 0),
    names,
  );
});

it('COMMAND DOCS gives arguments of which redis-cli makes its hints', async () => {
  const [, docs] = (await ours('COMMAND DOCS set')) as [string, unknown[]];
  const parts = docs[docs.indexOf('arguments') + 1] as string[][];
  assert.deepEqual(
    parts.map((part) => part[1]),
    [
      'key',
      'value',
      'NX | XX',
      'GET',
      'EX seconds | PX milliseconds | EXAT unix-seconds | PXAT unix-milliseconds | KEEPTTL',
    ],
  );
});
