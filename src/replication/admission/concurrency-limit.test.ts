import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConcurrencyLimit, UNDER_WAY_MAX, UNDER_WAY_MIN } from './concurrency-limit.ts';

/** A node that gets through so many requests a second, and clients that always want more. */
function settled(perSecond: number, seconds: number, limit = new ConcurrencyLimit()) {
  for (let done = 0; done < perSecond * seconds; done++) {
    const nowMs = (done * 1_000) / perSecond;
    // Little's law: what is under way takes as long as the node needs for all of it.
    limit.note((limit.value * 1_000) / perSecond, limit.value, nowMs);
  }
  return limit;
}

/** How many are under way in the end, by what the node gets through. */
const NODES: readonly (readonly [perSecond: number, least: number, most: number])[] = [
  [100_000, UNDER_WAY_MAX, UNDER_WAY_MAX],
  [20_000, 2_500, 5_000],
  [10_000, 1_300, 2_500],
  [500, UNDER_WAY_MIN, UNDER_WAY_MIN],
];

for (const [perSecond, least, most] of NODES) {
  test(`where ${perSecond} a second are done, ${least} to ${most} may be under way`, () => {
    const { value } = settled(perSecond, 20);
    assert.ok(value >= least && value <= most, `${value}`);
  });
}

test('a rush that is over leaves the limit as it was', () => {
  const limit = settled(2_000, 20);
  assert.ok(limit.value < 1_100);
  for (let done = 0; done < 20_000; done++) limit.note(5, 20, 20_000 + done);
  assert.equal(limit.value, UNDER_WAY_MAX);
});

test('a few that wait for a dead replica until their deadline change nothing', () => {
  const limit = new ConcurrencyLimit();
  for (let done = 0; done < 50_000; done++) limit.note(done % 4 === 0 ? 3_000 : 5, 4_000, done);
  assert.equal(limit.value, UNDER_WAY_MAX);
});

test('nothing changes between a burst and what it leaves behind', () => {
  const limit = new ConcurrencyLimit();
  for (let done = 0; done < 200; done++) limit.note(400, 5_000, 1_000);
  assert.ok(limit.value >= 0.8 * 5_000, `${limit.value}`);
});
