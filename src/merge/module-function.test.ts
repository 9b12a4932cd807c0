import { equal, match, ok, throws } from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../base/errors.ts';
import { mergeAll } from './merge-function.ts';
import { functionOf } from './module-function.ts';

function merged(exported: Readonly<Record<string, unknown>>, ...values: readonly string[]): string {
  const inputs = values.map((value) => ({ value: Buffer.from(value), time: 1 }));
  return Buffer.from(mergeAll(functionOf(exported), inputs)).toString();
}

test('bytes or a string come from a function on bytes', () => {
  const longer = (a: Uint8Array, b: Uint8Array) => (a.length >= b.length ? a : b);
  equal(merged({ merge: longer }, 'a', 'bbb', 'cc'), 'bbb');
  const text = (a: Uint8Array, b: Uint8Array) => `${Buffer.from(a)}|${Buffer.from(b)}`;
  equal(merged({ merge: text, values: 'bytes' }, 'ä', 'b', 'c'), 'ä|b|c');
});

test('JSON goes in and comes out, its fields in order', () => {
  const merge = (a: object, b: object) => ({ ...b, ...a });
  equal(
    merged({ merge, values: 'json' }, '{"z": 1}', '{"a": 2}', '{"m": 3}'),
    '{"a":2,"m":3,"z":1}',
  );
});

test('a module without a usable function is refused in words', () => {
  const cases: readonly [exported: Readonly<Record<string, unknown>>, says: RegExp][] = [
    [{}, /no function "merge" is exported: it exports nothing/],
    [{ default: () => 1, max: 2 }, /it exports default, max/],
    [{ merge: 3 }, /merge is 3/],
    [{ merge: () => 1, values: 'text' }, /"values" is text, neither 'bytes' nor 'json'/],
  ];
  for (const [exported, says] of cases) {
    throws(
      () => functionOf(exported),
      (error) => {
        ok(hasCode(error, 'BAD_MERGE'));
        match(error.message, says);
        return true;
      },
    );
  }
});

test('what is no value is refused, never stored as {} or null', () => {
  const results = [
    undefined,
    new Set(['milk']),
    new Map(),
    Promise.resolve([]),
    Number.NaN,
    [undefined],
    { at: new Date(0) },
    () => 1,
    10n,
  ];
  for (const result of results) {
    throws(() => merged({ merge: () => result, values: 'json' }, '1', '2'), TypeError);
    throws(() => merged({ merge: () => result }, '1', '2'), TypeError);
  }
  const circle: unknown[] = [];
  circle.push(circle);
  throws(() => merged({ merge: () => circle, values: 'json' }, '1', '2'), RangeError);
  throws(() => merged({ merge: () => 1, values: 'json' }, '{', '2'), SyntaxError);
});
