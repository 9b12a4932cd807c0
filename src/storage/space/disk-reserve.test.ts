import { equal } from 'node:assert/strict';
import { test } from 'node:test';
import { type DiskReserve, isSpaceLow, reservedBytes, resumesAtBytes } from './disk-reserve.ts';

const GIB = 1024 ** 3;

test('the reserve is 5 % of a small disk, 2 GiB of a large one, or what was asked for', () => {
  const cases: readonly (readonly [number, DiskReserve | undefined, number])[] = [
    [20 * GIB, undefined, GIB],
    [40 * GIB, undefined, 2 * GIB],
    [4000 * GIB, undefined, 2 * GIB],
    [100 * GIB, { kind: 'share', share: 0.1 }, 10 * GIB],
    [100 * GIB, { kind: 'bytes', bytes: 7 }, 7],
    [100 * GIB, { kind: 'bytes', bytes: 0 }, 0],
  ];
  for (const [total, reserve, expected] of cases) equal(reservedBytes(total, reserve), expected);
});

test('writes stop below the reserve, and come back only a quarter above it', () => {
  const steps = [200, 101, 100, 99, 100, 110, 124, 125, 110, 100, 99, 0, 125];
  const lows = '...xxxx.' + '..xx.';
  let isLow = false;
  for (const [place, freeBytes] of steps.entries()) {
    isLow = isSpaceLow(freeBytes, 100, isLow);
    equal(isLow ? 'x' : '.', lows[place], `${freeBytes} free, step ${place}`);
  }
  equal(resumesAtBytes(100), 125);
});

test('without a reserve space is never low', () => {
  for (const wasLow of [false, true]) {
    equal(isSpaceLow(0, 0, wasLow), false);
  }
});
