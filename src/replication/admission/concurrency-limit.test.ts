import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConcurrencyLimit, UNDER_WAY_MAX, UNDER_WAY_MIN } from './concurrency-limit.ts';

interface SimpleNode {
  readonly perSecond: number;
  /** Of a request that nothing is in the way of. */
  readonly leastMs: number;
}

/** Clients that always want more, after a calm time in which they did not. */
function settled({ perSecond, leastMs }: SimpleNode, seconds = 25) {
  const limit = new ConcurrencyLimit();
  let nowMs = 0;
  const rush = (untilMs: number, underWay: () => number) => {
    while (nowMs < untilMs) {
      // Little's law: what is under way takes as long as the node needs for all of it.
      const tookMs = Math.max(leastMs, (underWay() * 1_000) / perSecond);
      limit.note(tookMs, underWay(), nowMs);
      nowMs += 1_000 / perSecond;
    }
  };
  rush(1_000, () => 1);
  rush(1_000 + seconds * 1_000, () => limit.value);
  return limit;
}

/** How many are under way in the end. */
const NODES: readonly (readonly [node: SimpleNode, least: number, most: number])[] = [
  // Some 40 ms of work: what a queue needs to batch well.
  [{ perSecond: 20_000, leastMs: 2 }, 600, 1_000],
  [{ perSecond: 10_000, leastMs: 2 }, 300, 500],
  // Peers around the world: it is the way that takes long.
  [{ perSecond: 20_000, leastMs: 300 }, UNDER_WAY_MAX, UNDER_WAY_MAX],
  [{ perSecond: 4_000, leastMs: 300 }, 1_800, 3_000],
  // So few are no queue, however long they take.
  [{ perSecond: 500, leastMs: 2 }, UNDER_WAY_MIN, 2 * UNDER_WAY_MIN],
];

for (const [node, least, most] of NODES) {
  const { perSecond, leastMs } = node;
  test(`where ${perSecond} a second take ${leastMs} ms, ${least} to ${most} are under way`, () => {
    const { value } = settled(node);
    assert.ok(value >= least && value <= most, `${value}`);
  });
}

test('after ten minutes of a rush as many are under way as after one', () => {
  const soon = settled({ perSecond: 20_000, leastMs: 2 }, 65).value;
  const late = settled({ perSecond: 20_000, leastMs: 2 }, 605).value;
  assert.ok(late <= 1.3 * soon, `${soon}, then ${late}`);
});

test('a node that was slow when it started is looked at again', () => {
  const limit = new ConcurrencyLimit();
  for (let nowMs = 0; nowMs < 40_000; nowMs += 0.1) {
    const perSecond = Math.min(10_000, nowMs);
    limit.note((limit.value * 1_000) / Math.max(100, perSecond), limit.value, nowMs);
  }
  assert.ok(limit.value < 500, `${limit.value}`);
});

test('a few that wait for a dead replica until their deadline change nothing', () => {
  const limit = new ConcurrencyLimit();
  for (let done = 0; done < 50_000; done++) {
    limit.note(done % 4 === 0 ? 3_000 : 5, limit.value, done);
  }
  assert.equal(limit.value, UNDER_WAY_MAX);
});

test('as long as there is room the limit stays, however long requests take', () => {
  const limit = new ConcurrencyLimit();
  const { value } = limit;
  for (let done = 0; done < 50_000; done++) limit.note(done < 1_000 ? 5 : 400, 200, done);
  assert.equal(limit.value, value);
});
