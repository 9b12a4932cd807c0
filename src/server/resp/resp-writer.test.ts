import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import type { Reply } from './reply.ts';
import { error, map, OK, simple } from './reply.ts';
import { RespWriter } from './resp-writer.ts';

function written(reply: Reply, protocol: 2 | 3): string {
  const writer = new RespWriter();
  writer.protocol = protocol;
  writer.write(reply);
  return writer.take().toString('latin1');
}

const LONG = Buffer.alloc(5_000, 'v');

/** Reply, RESP2, RESP3 where it differs. */
const ROWS: readonly (readonly [Reply, string, string?])[] = [
  [OK, '+OK\r\n'],
  [simple('PONG'), '+PONG\r\n'],
  [null, '$-1\r\n', '_\r\n'],
  [{ kind: 'null-array' }, '*-1\r\n', '_\r\n'],
  [{ kind: 'silence' }, ''],
  [0, ':0\r\n'],
  [-1, ':-1\r\n'],
  [10, ':10\r\n'],
  [-99, ':-99\r\n'],
  [123_456_789, ':123456789\r\n'],
  [999_999_999, ':999999999\r\n'],
  [1_000_000_000, ':1000000000\r\n'],
  [Number.MAX_SAFE_INTEGER, ':9007199254740991\r\n'],
  [Number.MIN_SAFE_INTEGER, ':-9007199254740991\r\n'],
  [Buffer.from('a\r\n\0\xff', 'latin1'), '$5\r\na\r\n\0\xff\r\n'],
  [Buffer.alloc(0), '$0\r\n\r\n'],
  [LONG, `$5000\r\n${LONG.toString()}\r\n`],
  ['grün', '$5\r\ngr\xc3\xbcn\r\n'],
  [[], '*0\r\n'],
  [[1, [null, 'x']], '*2\r\n:1\r\n*2\r\n$-1\r\n$1\r\nx\r\n', '*2\r\n:1\r\n*2\r\n_\r\n$1\r\nx\r\n'],
  [map([['a', 1]]), '*2\r\n$1\r\na\r\n:1\r\n', '%1\r\n$1\r\na\r\n:1\r\n'],
  [{ kind: 'set', items: [1] }, '*1\r\n:1\r\n', '~1\r\n:1\r\n'],
  [{ kind: 'verbatim', text: 'hi' }, '$2\r\nhi\r\n', '=6\r\ntxt:hi\r\n'],
  [error('ERR no'), '-ERR no\r\n'],
  [error('ERR a\r\nb\nc\u20ac'), '-ERR a b c\xe2\x82\xac\r\n'],
  [simple('two\nlines'), '+two lines\r\n'],
];

describe('RespWriter', () => {
  for (const [reply, two, three] of ROWS) {
    test(JSON.stringify(two.slice(0, 40)), () => {
      assert.equal(written(reply, 2), two);
      assert.equal(written(reply, 3), three ?? two);
    });
  }

  test('replies of one turn are contiguous, and what was taken stays as it was', () => {
    const writer = new RespWriter();
    for (let i = 0; i < 1_000; i++) writer.write(i);
    const first = writer.take();
    const expected = Array.from({ length: 1_000 }, (_, i) => `:${i}\r\n`).join('');
    for (let i = 0; i < 1_000; i++) writer.write(LONG);
    assert.equal(first.toString(), expected);
    assert.equal(writer.length, 1_000 * 5_009);
    assert.equal(writer.take().length, 1_000 * 5_009);
    assert.equal(writer.length, 0);
  });
});
