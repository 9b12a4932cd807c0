import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diceOf } from '../../ring/dice.ts';
import { LatencyQuantile } from './latency-quantile.ts';

/** `[how many, of how many milliseconds]`, mixed by dice; then the 95th percentile, at least. */
const STREAMS: readonly (readonly [what: string, [number, number][], p95Ms: number])[] = [
  ['all alike', [[512, 1]], 1],
  ['faster than a bucket', [[512, 0]], 0],
  [
    'a few late ones',
    [
      [500, 1],
      [12, 100],
    ],
    1,
  ],
  [
    'one in ten is late',
    [
      [460, 1],
      [52, 100],
    ],
    100,
  ],
  [
    'half of them are late',
    [
      [256, 3],
      [256, 40],
    ],
    40,
  ],
  ['beyond all measure', [[512, 1_000_000]], 16_000],
];

for (const [what, parts, p95Ms] of STREAMS) {
  test(`of a stream, ${what}: at most a quarter above its 95th percentile`, () => {
    const dice = diceOf(1);
    const stream = parts.flatMap(([count, ms]) => new Array<number>(count).fill(ms));
    const mixed = stream.map((ms) => ({ ms, at: dice(1_000_000) })).sort((a, b) => a.at - b.at);
    const quantile = new LatencyQuantile(0.95);
    for (const { ms } of mixed) quantile.add(ms);
    const found = quantile.ms ?? Number.NaN;
    assert.ok(found >= p95Ms && found <= p95Ms * 1.25 + 1 / 32, `${found}, not ${p95Ms}`);
  });
}

test('nothing is said before there are enough answers', () => {
  const quantile = new LatencyQuantile(0.95);
  for (let i = 0; i < 31; i++) quantile.add(1);
  assert.equal(quantile.ms, undefined);
  quantile.add(1);
  assert.ok((quantile.ms ?? 0) > 1);
});

test('what was is forgotten within three windows, in both directions', () => {
  const quantile = new LatencyQuantile(0.95);
  const feed = (ms: number) => {
    for (let i = 0; i < 1_536; i++) quantile.add(ms);
    return quantile.ms ?? Number.NaN;
  };
  for (const ms of [1, 80, 1]) {
    const found = feed(ms);
    assert.ok(found >= ms && found <= ms * 1.25, `${found} after ${ms}`);
  }
});
