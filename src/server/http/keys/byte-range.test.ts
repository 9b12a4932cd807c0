import { deepEqual } from 'node:assert/strict';
import { test } from 'node:test';
import { rangeIn } from './byte-range.ts';

const TAG = '"t"';
const WHOLE = undefined;

const CASES: readonly [range: string | undefined, wanted: unknown][] = [
  [undefined, WHOLE],
  ['bytes=0-0', { from: 0, end: 1 }],
  ['bytes=2-5', { from: 2, end: 6 }],
  ['bytes=2-', { from: 2, end: 10 }],
  ['bytes=2-99', { from: 2, end: 10 }],
  ['bytes=-3', { from: 7, end: 10 }],
  ['bytes=-30', { from: 0, end: 10 }],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=10-', 'unsatisfiable'],
  ['bytes=5-2', WHOLE],
  ['bytes=-', WHOLE],
  ['bytes=0-1,4-5', WHOLE],
  ['lines=0-1', WHOLE],
  ['bytes=a-b', WHOLE],
];

for (const [range, wanted] of CASES) {
  test(`${range} of ten bytes`, () => deepEqual(rangeIn({ range }, TAG, 10), wanted));
}

test('of an empty value there is no part', () => {
  deepEqual(rangeIn({ range: 'bytes=0-' }, TAG, 0), 'unsatisfiable');
  deepEqual(rangeIn({ range: 'bytes=-5' }, TAG, 0), 'unsatisfiable');
});

test('If-Range: a part of what is known, or all of what is new', () => {
  deepEqual(rangeIn({ range: 'bytes=1-', 'if-range': TAG }, TAG, 3), { from: 1, end: 3 });
  deepEqual(rangeIn({ range: 'bytes=1-', 'if-range': '"old"' }, TAG, 3), WHOLE);
});
