import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { splitInlineWords } from './inline-words.ts';

const ROWS: readonly (readonly [string, readonly string[] | undefined])[] = [
  ['', []],
  [' \t ', []],
  ['PING', ['PING']],
  [' set  a\tb ', ['set', 'a', 'b']],
  ['a\vb', ['a\vb']],
  ['"a b" c', ['a b', 'c']],
  ['""', ['']],
  ['pre"fixed"', ['prefixed']],
  ['"\\x41\\xff\\n\\r\\t\\b\\a"', ['A\xff\n\r\t\b\x07']],
  ['"\\xZZ\\q\\""', ['xZZq"']],
  ['"\\x4"', ['x4']],
  ["'a\\'b\\n'", ["a'b\\n"]],
  ['"open', undefined],
  ["'open", undefined],
  ['"open\\', undefined],
  ['"a"b', undefined],
  ["'a'b", undefined],
];

for (const [line, expected] of ROWS) {
  test(`words of ${JSON.stringify(line)}`, () => {
    const words = splitInlineWords(Buffer.from(line, 'latin1'));
    assert.deepEqual(
      words?.map((word) => word.toString('latin1')),
      expected,
    );
  });
}
