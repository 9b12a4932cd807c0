import { equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { nextPace, PACE_START } from './compaction-pace.ts';

const CALM = { latenessMs: 1, isBehind: false };
const LATE = { latenessMs: 30, isBehind: false };

function after(windows: number, seen: typeof CALM, from = PACE_START): number {
  let pace = from;
  for (let window = 0; window < windows; window++) pace = nextPace(pace, seen);
  return pace;
}

test('calm raises the pace to its limit, lateness halves it down to its floor', () => {
  ok(nextPace(PACE_START, CALM) > PACE_START);
  equal(nextPace(PACE_START, LATE), PACE_START / 2);
  const most = after(100, CALM);
  const least = after(100, LATE);
  equal(nextPace(most, CALM), most);
  equal(nextPace(least, LATE), least);
  ok(least > 0 && after(5, LATE, most) <= least, 'five late windows are enough');
  ok(after(35, CALM, least) === most, 'and three and a half calm seconds lead back');
});

test('when writes wait for compaction, nothing slows it down', () => {
  equal(nextPace(1, { latenessMs: 500, isBehind: true }), after(100, CALM));
});
