import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerTimes } from './answer-times.ts';
import { HedgeBudget } from './hedge-budget.ts';

const QUICK = 0;
const OTHER = 1;

/** A quick member, and another one that has answered so; whether that one is late then. */
const ANSWERS: readonly (readonly [what: string, tookMs: readonly number[], isLate: boolean])[] = [
  ['as quickly', many(50, 1), false],
  ['three times as long', many(50, 3), false],
  ['once after a second', [...many(50, 1), 1_000], false],
  ['three times in a row after a second', [...many(50, 1), ...many(3, 1_000)], true],
  ['always after 100 ms', many(50, 100), true],
  ['late, then quickly twice', [...many(10, 100), 1, 1], true],
  ['late, then quickly eight times', [...many(10, 100), ...many(8, 1)], false],
];

function many(count: number, ms: number): number[] {
  return new Array<number>(count).fill(ms);
}

for (const [what, tookMs, isLate] of ANSWERS) {
  test(`one who answered ${what} is ${isLate ? '' : 'not '}left out`, () => {
    const times = new AnswerTimes(['here', 'here']);
    for (const ms of many(50, 1)) times.answered(QUICK, ms, false);
    for (const ms of tookMs) times.answered(OTHER, ms, false);
    assert.equal(times.isLate(OTHER, 0), isLate);
    assert.equal(times.isLate(QUICK, 0), false);
  });
}

test('where all are slow nobody is left out', () => {
  const times = new AnswerTimes(['here', 'here']);
  for (const ms of many(50, 400)) {
    times.answered(QUICK, ms, false);
    times.answered(OTHER, ms + 100, false);
  }
  assert.equal(times.isLate(QUICK, 0), false);
  assert.equal(times.isLate(OTHER, 0), false);
});

test('one who answers nothing is left out soon, and until it answers or nothing is open', () => {
  const times = new AnswerTimes(['here', 'here']);
  times.asked(OTHER, 1_000);
  times.asked(OTHER, 1_040);
  assert.equal(times.isLate(OTHER, 1_050), false);
  assert.equal(times.isLate(OTHER, 1_051), true);
  times.lost(OTHER);
  assert.equal(times.isLate(OTHER, 1_051), false);
  times.asked(OTHER, 2_000);
  times.answered(OTHER, 60, false);
  assert.equal(times.isLate(OTHER, 9_000), false);
});

test('one who is left out is probed ten times a second', () => {
  const times = new AnswerTimes(['here', 'here']);
  let probes = 0;
  for (let nowMs = 0; nowMs < 1_000; nowMs++) if (times.maybeProbe(OTHER, nowMs)) probes += 1;
  assert.equal(probes, 10);
});

test('a replica goes bad: what was hedged does not put off the next hedge', () => {
  const times = new AnswerTimes(['here', 'here']);
  for (const ms of many(512, 2)) times.answered(OTHER, ms, false);
  const before = times.hedgeAfterMs(OTHER);
  for (const ms of many(25, 900)) times.answered(OTHER, ms, true);
  assert.ok(times.hedgeAfterMs(OTHER) <= 1.25 * before, `${times.hedgeAfterMs(OTHER)} ms`);
});

test('hedges are one read in twenty, and some that were saved up', () => {
  const budget = new HedgeBudget();
  let hedges = 0;
  for (let read = 0; read < 10_000; read++) {
    budget.earn();
    if (budget.isSpent) continue;
    budget.spend();
    hedges += 1;
  }
  assert.ok(hedges >= 500 && hedges <= 520, `${hedges}`);
});
