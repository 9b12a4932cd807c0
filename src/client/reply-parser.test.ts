import { deepEqual, equal, throws } from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../base/errors.ts';
import { ReplyError, ReplyParser, type RespValue } from './reply-parser.ts';

function repliesTo(bytes: string | Buffer, chunkBytes = Number.POSITIVE_INFINITY): RespValue[] {
  const replies: RespValue[] = [];
  const parser = new ReplyParser((reply) => replies.push(reply));
  const all = Buffer.from(bytes);
  for (let at = 0; at < all.length; at += chunkBytes) {
    parser.push(all.subarray(at, at + chunkBytes));
  }
  return replies;
}

const CASES: readonly (readonly [bytes: string, value: RespValue])[] = [
  ['+OK\r\n', 'OK'],
  ['-ERR no\r\n', new ReplyError('ERR no')],
  [':-42\r\n', -42],
  [':9223372036854775807\r\n', 9_223_372_036_854_775_807n],
  ['$5\r\na\r\nbc\r\n', Buffer.from('a\r\nbc')],
  ['$0\r\n\r\n', Buffer.from('')],
  ['$-1\r\n', null],
  ['*-1\r\n', null],
  ['*0\r\n', []],
  ['*2\r\n$1\r\na\r\n*1\r\n:1\r\n', [Buffer.from('a'), [1]]],
  ['_\r\n', null],
  ['#t\r\n', true],
  ['#f\r\n', false],
  [',1.5\r\n', 1.5],
  [',-inf\r\n', Number.NEGATIVE_INFINITY],
  ['(123456789012345678901234567890\r\n', 123_456_789_012_345_678_901_234_567_890n],
  ['=7\r\ntxt:abc\r\n', Buffer.from('abc')],
  ['!5\r\nERR x\r\n', new ReplyError('ERR x')],
  ['%1\r\n$1\r\na\r\n:1\r\n', new Map<RespValue, RespValue>([['a', 1]])],
  ['~2\r\n:1\r\n:2\r\n', new Set([1, 2])],
  ['|1\r\n+ttl\r\n:3\r\n+OK\r\n', 'OK'], // an attribute says something about the next reply
];

test('every kind of reply, whole and byte by byte', () => {
  for (const [bytes, value] of CASES) {
    deepEqual(repliesTo(bytes), [value], JSON.stringify(bytes));
    deepEqual(repliesTo(bytes, 1), [value], `${JSON.stringify(bytes)} byte by byte`);
  }
});

test('replies follow each other, however they are cut', () => {
  const stream = CASES.map(([bytes]) => bytes).join('');
  const values = CASES.map(([, value]) => value);
  for (const chunkBytes of [1, 2, 3, 7, 16, 1000]) deepEqual(repliesTo(stream, chunkBytes), values);
});

test('a long string in small chunks', () => {
  const body = Buffer.alloc(1_000_000, 'x');
  const bytes = Buffer.concat([Buffer.from('$1000000\r\n'), body, Buffer.from('\r\n+OK\r\n')]);
  deepEqual(repliesTo(bytes, 1_000), [body, 'OK']);
});

test('values outlive the chunk that they came in', () => {
  const chunk = Buffer.from('$3\r\nabc\r\n');
  const replies: RespValue[] = [];
  new ReplyParser((reply) => replies.push(reply)).push(chunk);
  chunk.fill(0);
  deepEqual(replies, [Buffer.from('abc')]);
});

test('a push is no reply', () => {
  const replies: RespValue[] = [];
  const pushes: RespValue[] = [];
  const parser = new ReplyParser(
    (reply) => replies.push(reply),
    (push) => pushes.push(push),
  );
  parser.push(Buffer.from('+A\r\n>2\r\n+message\r\n:1\r\n+B\r\n'));
  deepEqual(replies, ['A', 'B']);
  deepEqual(pushes, [['message', 1]]);
});

test('what is not the protocol is an error', () => {
  const deep = '*1\r\n'.repeat(40);
  const bad = [
    'HTTP/1.1 400 Bad Request\r\n',
    '\r\n',
    '+OK\n',
    ':abc\r\n',
    ':\r\n',
    ',1,5\r\n',
    '#x\r\n',
    '$x\r\n',
    '$-2\r\n',
    '$99999999999\r\n',
    '$1\r\nab\r\n',
    '%-1\r\n',
    '=3\r\nabc\r\n',
    '*1\r\n>1\r\n+x\r\n',
    `+${'x'.repeat(70_000)}`,
    deep,
  ];
  for (const bytes of bad) {
    throws(
      () => repliesTo(bytes),
      (error) => hasCode(error, 'BAD_BYTES'),
      JSON.stringify(bytes),
    );
  }
});

test('the word of an error reply is its code', () => {
  equal(new ReplyError('MOVED 1 127.0.0.1:7001').word, 'MOVED');
});
