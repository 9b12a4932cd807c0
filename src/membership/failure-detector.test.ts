import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { FailureDetector } from './failure-detector.ts';
import { GOSSIP_PRESETS } from './gossip-preset.ts';

const PRESET = GOSSIP_PRESETS.lan;
const { intervalMs } = PRESET;

/** Of one other member, who was heard every interval until `nowMs`. */
class Watch {
  readonly detector = new FailureDetector(2, PRESET, 0);
  nowMs = 0;

  constructor() {
    this.detector.arrived(1, true, 0);
    this.detector.answered(1, 0);
    for (let round = 0; round < 50; round++) {
      this.pass(intervalMs);
      this.detector.arrived(1, false, this.nowMs);
    }
  }

  get state() {
    return this.detector.state(1);
  }

  /** Awake all the time. */
  pass(ms: number): void {
    for (let left = ms; left > 0; left -= 50) {
      this.nowMs += Math.min(left, 50);
      this.detector.tick(this.nowMs);
    }
  }

  /** Until the state is no longer this one; how long that took. */
  while(state: string, act = () => {}): number {
    const fromMs = this.nowMs;
    while (this.state === state && this.nowMs - fromMs < 60_000) {
      this.pass(50);
      act();
    }
    return this.nowMs - fromMs;
  }
}

test('nobody is alive before he was heard, and heard of is not heard', () => {
  const detector = new FailureDetector(2, PRESET, 0);
  detector.tick(0);
  deepEqual([detector.state(1), detector.isAlive(1)], ['unheard', false]);
  detector.arrived(1, true, 100);
  equal(detector.state(1), 'unheard');
  detector.arrived(1, false, 200);
  equal(detector.state(1), 'alive');
});

test('silence: alive, suspect, down within 2.5 s; one word clears it', () => {
  const watch = new Watch();
  const untilSuspect = watch.while('alive');
  equal(watch.state, 'suspect');
  ok(watch.detector.isAlive(1));
  const untilDown = untilSuspect + watch.while('suspect');
  equal(watch.state, 'down');
  ok(untilSuspect >= 1_400 && untilDown <= 2_500, `${untilSuspect} and ${untilDown} ms`);
  watch.detector.arrived(1, false, watch.nowMs);
  equal(watch.state, 'alive');
});

test('who is heard through others but answers nothing goes down within 2.5 s', () => {
  const watch = new Watch();
  const fromMs = watch.nowMs;
  const relay = () => {
    watch.detector.arrived(1, false, watch.nowMs);
    const askedMs = watch.nowMs - PRESET.answerMs;
    if (askedMs >= fromMs) watch.detector.failed(1, askedMs, watch.nowMs);
  };
  const ms = watch.while('alive', relay) + watch.while('suspect', relay);
  equal(watch.state, 'down');
  ok(ms <= 2_500, `${ms} ms`);
  watch.detector.answered(1, watch.nowMs);
  equal(watch.state, 'alive');
});

test('a broken way counts at once, whatever others say, until he answers', () => {
  const watch = new Watch();
  watch.detector.broke(1, watch.nowMs);
  equal(watch.state, 'down');
  watch.detector.arrived(1, false, watch.nowMs);
  equal(watch.state, 'down');
  watch.detector.answered(1, watch.nowMs);
  equal(watch.state, 'alive');
});

test('who left is left, however he is silent, until he is heard again', () => {
  const watch = new Watch();
  watch.detector.left(1, watch.nowMs);
  watch.detector.broke(1, watch.nowMs);
  watch.pass(60_000);
  deepEqual([watch.state, watch.detector.phi(1, watch.nowMs)], ['left', 0]);
  watch.detector.arrived(1, false, watch.nowMs);
  watch.detector.answered(1, watch.nowMs);
  equal(watch.state, 'alive');
});

test('after a pause of its own a node judges nobody for it, and then as before', () => {
  const watch = new Watch();
  const askedMs = watch.nowMs;
  watch.nowMs += 30_000;
  for (let i = 0; i < 20; i++) watch.detector.failed(1, askedMs, watch.nowMs + i * intervalMs);
  watch.detector.tick(watch.nowMs);
  equal(watch.state, 'alive');
  const ms = watch.while('alive') + watch.while('suspect');
  equal(watch.state, 'down');
  ok(ms <= 2_500 + 20 * intervalMs, `${ms} ms`);
});

test('an answer that comes first after a pause does not postpone the next verdict', () => {
  const watch = new Watch();
  watch.nowMs += 30_000;
  watch.detector.answered(1, watch.nowMs);
  const ms = watch.while('alive') + watch.while('suspect');
  ok(ms <= 2_500, `${ms} ms`);
});

test('late answers make a member slow, good ones make it well again', () => {
  const watch = new Watch();
  for (let i = 0; i < 20; i++) watch.detector.answered(1, watch.nowMs, PRESET.slowMs * 2);
  ok(watch.detector.isSlow(1));
  for (let i = 0; i < 20; i++) watch.detector.answered(1, watch.nowMs, 1);
  ok(!watch.detector.isSlow(1));
});

test('questions that run out make it slow while gossip is answered, but not down', () => {
  const watch = new Watch();
  for (let round = 0; round < 40; round++) {
    watch.pass(intervalMs);
    watch.detector.arrived(1, false, watch.nowMs);
    watch.detector.failed(1, watch.nowMs - 3_000, watch.nowMs);
    watch.detector.answered(1, watch.nowMs, 1);
  }
  deepEqual([watch.detector.isSlow(1), watch.state], [true, 'alive']);
});
