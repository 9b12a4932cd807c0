import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { splitInlineWords } from './inline-words.ts';
import { RespParser } from './resp-parser.ts';

const LIMITS = {
  argumentsMax: 8,
  bulkBytesMax: 100,
  inlineBytesMax: 64,
  commandBytesMax: 150,
};

interface Transcript {
  readonly commands: readonly (readonly string[])[];
  readonly error?: string;
}

const HTTP = 'this is HTTP, and this port speaks the Redis protocol';
const NO_COMMANDS: Transcript['commands'] = [];

const TRANSCRIPTS: readonly (readonly [string, string, Transcript])[] = [
  ['one command', '*2\r\n$3\r\nGET\r\n$1\r\na\r\n', { commands: [['GET', 'a']] }],
  [
    'a pipeline with empty and binary words',
    '*1\r\n$4\r\nPING\r\n*3\r\n$3\r\nSET\r\n$0\r\n\r\n$4\r\n\r\n\0\xff\r\n',
    { commands: [['PING'], ['SET', '', '\r\n\0\xff']] },
  ],
  ['empty arrays are skipped', '*0\r\n*-1\r\n*-10\r\n*1\r\n$1\r\nx\r\n', { commands: [['x']] }],
  [
    'inline, with quotes, either line end, and empty lines',
    '\r\n\nPING\r\n  set k "a\\x41\\n\\q\\"" \'it\\\'s\\n\'\n',
    { commands: [['PING'], ['set', 'k', 'aA\nq"', "it's\\n"]] },
  ],
  [
    'an array after an inline command',
    'PING\r\n*1\r\n$4\r\nPING\r\n',
    { commands: [['PING'], ['PING']] },
  ],
  ['half a command', '*2\r\n$3\r\nGET\r\n$5\r\nhel', { commands: NO_COMMANDS }],
  ['half an inline command', 'PIN', { commands: NO_COMMANDS }],
  ...failing([
    ['*x\r\n', 'invalid multibulk length'],
    ['*\r\n', 'invalid multibulk length'],
    ['*01\r\n', 'invalid multibulk length'],
    ['*+1\r\n', 'invalid multibulk length'],
    ['*1\rx', 'invalid multibulk length'],
    ['*9\r\n', 'invalid multibulk length (at most 8 words)'],
    ['*99999999999999999999\r\n', 'invalid multibulk length (at most 8 words)'],
    ['*1\r\n$-1\r\n', 'invalid bulk length'],
    ['*1\r\n$-0\r\n', 'invalid bulk length'],
    ['*1\r\n$blabla\r\n', 'invalid bulk length'],
    ['*1\r\n$3\r\nfoobar', 'invalid bulk length'],
    ['*1\r\n$101\r\n', 'invalid bulk length (at most 100 bytes)'],
    ['*1\r\n$2147483648\r\n', 'invalid bulk length (at most 100 bytes)'],
    ['*1\r\nfoo\r\n', "expected '$', got 'f'"],
    ['*1\r\n\x01\r\n', "expected '$', got '\\x01'"],
    [`*${'1'.repeat(65)}`, 'too big mbulk count string'],
    [`*1\r\n$${'1'.repeat(65)}`, 'too big bulk count string'],
    ['x'.repeat(65), 'too big inline request'],
    [`${'x'.repeat(65)}\r\n`, 'too big inline request'],
    ['1 2 3 4 5 6 7 8 9\r\n', 'too big inline request (at most 8 words)'],
    ['SET "x\r\n', 'unbalanced quotes in request'],
    ['SET """x""" y\r\n', 'unbalanced quotes in request'],
    ["SET 'x'y\r\n", 'unbalanced quotes in request'],
    ['POST / HTTP/1.1\r\n\r\nSET a b\r\n', HTTP],
    ['host: a\r\n\r\nSET a b\r\n', HTTP],
  ]),
  [
    'too many bytes in one command',
    `*3\r\n$1\r\na\r\n$100\r\n${'b'.repeat(100)}\r\n$50\r\n`,
    {
      commands: NO_COMMANDS,
      error: 'ERR Protocol error: invalid bulk length (at most 150 bytes in one command)',
    },
  ],
  [
    'a GET of a browser, up to the line that gives it away',
    'GET / HTTP/1.1\r\nHost: a\r\n\r\nSET a b\r\n',
    { commands: [['GET', '/', 'HTTP/1.1']], error: `ERR Protocol error: ${HTTP}` },
  ],
  [
    'nothing is parsed after an error',
    'PING\r\n*1\r\nfoo\r\nPING\r\n',
    { commands: [['PING']], error: "ERR Protocol error: expected '$', got 'f'" },
  ],
];

function failing(rows: readonly (readonly [string, string])[]) {
  return rows.map(
    ([bytes, why]) =>
      [
        `${JSON.stringify(bytes)} fails`,
        bytes,
        { commands: NO_COMMANDS, error: `ERR Protocol error: ${why}` },
      ] as const,
  );
}

function parse(chunks: readonly Buffer[]): Transcript {
  const parser = new RespParser(LIMITS);
  const commands: Buffer[][] = [];
  for (const chunk of chunks) {
    parser.push(chunk);
    for (let words = parser.next(); words !== undefined; words = parser.next()) {
      commands.push(words);
    }
  }
  // Read only at the end: that views stay valid while later chunks come in is part of the claim.
  return {
    commands: commands.map((words) => words.map((word) => word.toString('latin1'))),
    ...(parser.error === undefined ? {} : { error: parser.error }),
  };
}

function everyByteAlone(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (byte) => Buffer.from([byte]));
}

describe('RespParser', () => {
  for (const [name, text, expected] of TRANSCRIPTS) {
    test(`${name}, however it is cut`, () => {
      const bytes = Buffer.from(text, 'latin1');
      assert.deepEqual(parse([bytes]), expected, 'whole');
      assert.deepEqual(parse(everyByteAlone(bytes)), expected, 'byte by byte');
      for (let cut = 1; cut < bytes.length; cut++) {
        const chunks = [bytes.subarray(0, cut), bytes.subarray(cut)];
        assert.deepEqual(parse(chunks), expected, `cut at ${cut}`);
      }
    });
  }

  test('words of a whole command are views of the chunk', () => {
    const parser = new RespParser(LIMITS);
    const chunk = Buffer.from('*2\r\n$3\r\nGET\r\n$1\r\na\r\n');
    parser.push(chunk);
    const words = parser.next();
    assert.equal(words?.[1]?.buffer, chunk.buffer);
    assert.equal(words?.[1]?.byteOffset, chunk.byteOffset + 17);
  });

  test('isHalfway only while a command lacks bytes', () => {
    const parser = new RespParser(LIMITS);
    const states = ['', '*1\r\n', '$1', '\r\n', 'x', '\r\n', 'PIN', 'G\r\n'].map((text) => {
      parser.push(Buffer.from(text));
      while (parser.next() !== undefined);
      return parser.isHalfway;
    });
    assert.deepEqual(states, [false, true, true, true, true, false, true, false]);
  });

  test('a declared length allocates nothing', () => {
    const limits = { ...LIMITS, bulkBytesMax: 2 ** 29, commandBytesMax: 2 ** 29 };
    const before = process.memoryUsage().arrayBuffers;
    const parsers = Array.from({ length: 100 }, () => new RespParser(limits));
    for (const parser of parsers) {
      for (const part of ['*2\r\n$3\r\nGET\r\n$500000000\r\n', 'abc', 'def']) {
        parser.push(Buffer.from(part));
        parser.next();
      }
    }
    assert.ok(process.memoryUsage().arrayBuffers - before < 1_000_000);
  });

  test('a large value in small chunks is copied a constant number of times', (t) => {
    const limits = { ...LIMITS, bulkBytesMax: 2 ** 26, commandBytesMax: 2 ** 26 };
    const value = Buffer.alloc(8 * 1024 * 1024, 'v');
    const parser = new RespParser(limits);
    parser.push(Buffer.from(`*2\r\n$3\r\nSET\r\n$${value.length}\r\n`));
    const copies = t.mock.method(Buffer.prototype, 'copy');
    for (let at = 0; at < value.length; at += 16_384) {
      assert.equal(parser.next(), undefined);
      parser.push(value.subarray(at, at + 16_384));
    }
    parser.push(Buffer.from('\r\n'));
    assert.ok(parser.next()?.[1]?.equals(value));
    let bytesCopied = 0;
    for (const { result = 0 } of copies.mock.calls) bytesCopied += result;
    // Once each, and once more at every doubling. Everything for each chunk would be 2 GB.
    assert.ok(bytesCopied >= value.length && bytesCopied < 4 * value.length, `${bytesCopied}`);
  });

  test('a long line in single bytes is searched once', (t) => {
    const parser = new RespParser({ ...LIMITS, inlineBytesMax: 1 << 20 });
    const searches = t.mock.method(Buffer.prototype, 'indexOf');
    for (let i = 0; i < 10_000; i++) {
      parser.push(Buffer.from('x'));
      parser.next();
    }
    let bytesSearched = 0;
    for (const {
      this: bytes,
      arguments: [, from],
    } of searches.mock.calls) {
      bytesSearched += (bytes as Buffer).length - Number(from ?? 0);
    }
    assert.equal(bytesSearched, 10_000);
  });
});

/** What the parser must do, said naively: whole input, one step after another, no chunks. */
function parseNaively(text: string): Transcript {
  const commands: string[][] = [];
  let rest = text;
  const broken = (why: string) => ({ commands, error: `ERR Protocol error: ${why}` });
  while (rest !== '') {
    if (!rest.startsWith('*')) {
      const end = rest.indexOf('\n');
      if ((end < 0 ? rest.length : end) > LIMITS.inlineBytesMax) {
        return broken('too big inline request');
      }
      if (end < 0) break;
      const line = Buffer.from(rest.slice(0, end).replace(/\r$/, ''), 'latin1');
      const words = splitInlineWords(line);
      if (words === undefined) return broken('unbalanced quotes in request');
      if (words.length > LIMITS.argumentsMax) {
        return broken(`too big inline request (at most ${LIMITS.argumentsMax} words)`);
      }
      if (words.length > 0) commands.push(words.map((word) => word.toString('latin1')));
      rest = rest.slice(end + 1);
      continue;
    }
    const count = naiveLength(rest);
    if (count === 'incomplete') break;
    if (count === 'too-long') return broken('too big mbulk count string');
    if (count === 'invalid') return broken('invalid multibulk length');
    if (count.value > LIMITS.argumentsMax) {
      return broken(`invalid multibulk length (at most ${LIMITS.argumentsMax} words)`);
    }
    rest = count.rest;
    const words: string[] = [];
    let bytes = 0;
    while (words.length < count.value) {
      const length = naiveLength(rest);
      if (length === 'incomplete') return { commands };
      if (length === 'too-long') return broken('too big bulk count string');
      if (rest[0] !== '$') {
        const code = rest.charCodeAt(0);
        const hex = `\\x${code.toString(16).padStart(2, '0')}`;
        return broken(`expected '$', got '${/[ -~]/.test(rest[0] as string) ? rest[0] : hex}'`);
      }
      if (length === 'invalid' || length.value < 0) return broken('invalid bulk length');
      if (length.value > LIMITS.bulkBytesMax) {
        return broken(`invalid bulk length (at most ${LIMITS.bulkBytesMax} bytes)`);
      }
      bytes += length.value;
      if (bytes > LIMITS.commandBytesMax) {
        const max = LIMITS.commandBytesMax;
        return broken(`invalid bulk length (at most ${max} bytes in one command)`);
      }
      const body = length.rest.slice(0, length.value);
      const end = length.rest.slice(length.value, length.value + 2);
      if (end.length < 2) return { commands };
      if (end !== '\r\n') return broken('invalid bulk length');
      words.push(body);
      rest = length.rest.slice(length.value + 2);
    }
    if (words.length > 0) commands.push(words);
  }
  return { commands };
}

type NaiveLength = 'incomplete' | 'too-long' | 'invalid' | { value: number; rest: string };

function naiveLength(text: string): NaiveLength {
  const end = text.indexOf('\r');
  if ((end < 0 ? text.length : end) > LIMITS.inlineBytesMax) return 'too-long';
  if (end < 0 || end + 1 === text.length) return 'incomplete';
  const digits = text.slice(1, end);
  if (text[end + 1] !== '\n' || !/^(0|-?[1-9]\d*)$/.test(digits)) return 'invalid';
  return { value: Number(digits), rest: text.slice(end + 2) };
}

const token = fc.oneof(
  fc.constantFrom('*', '$', '\r\n', '\r', '\n', ' ', '"', "'", '\\x4', '-', '0', '1', '3', '12'),
  fc.constantFrom('*1\r\n', '*2\r\n', '$3\r\nGET\r\n', '$1\r\na\r\n', '$0\r\n\r\n', 'PING\r\n'),
  fc.constantFrom('*0\r\n', `$90\r\n${'v'.repeat(90)}\r\n`, 'x'.repeat(40)),
  fc.string({ unit: 'binary-ascii', maxLength: 5 }),
  fc.uint8Array({ maxLength: 5 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
);

describe('RespParser against a naive reading', () => {
  test('any bytes in any chunks', () => {
    const input = fc.array(token, { maxLength: 30 }).map((parts) => parts.join(''));
    const cuts = fc.array(fc.nat(200), { maxLength: 8 });
    const property = fc.property(input, cuts, (text, at) => {
      const bytes = Buffer.from(text, 'latin1');
      const edges = [0, ...at.filter((cut) => cut < bytes.length), bytes.length];
      edges.sort((a, b) => a - b);
      const chunks = edges.slice(1).map((edge, i) => bytes.subarray(edges[i], edge));
      const { commands, error } = parseNaively(text);
      const expected = { commands, ...(error === undefined ? {} : { error }) };
      assert.deepEqual(parse(chunks.filter((chunk) => chunk.length > 0)), expected);
    });
    fc.assert(property, { numRuns: 20_000 });
  });
});
