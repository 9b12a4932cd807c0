import { equal } from 'node:assert/strict';
import { test } from 'node:test';
import { sizeText } from './size-text.ts';

test('a size has two digits or more, and a unit that keeps it below a thousand', () => {
  const KIB = 1024;
  const cases: readonly (readonly [number, string])[] = [
    [0, '0 B'],
    [7, '7 B'],
    [999, '999 B'],
    [1000, '1.0 KB'],
    [1.5 * KIB, '1.5 KB'],
    [9.94 * KIB, '9.9 KB'],
    [9.96 * KIB, '10 KB'],
    [1023 * KIB, '1.0 MB'],
    [79.4 * KIB ** 3, '79 GB'],
    [2 * KIB ** 4, '2.0 TB'],
    [5000 * KIB ** 5, '5000 PB'],
  ];
  for (const [bytes, text] of cases) equal(sizeText(bytes), text);
});
