import { ok } from 'node:assert/strict';
import { test } from 'node:test';
import { clockContract } from './clock.contract.ts';
import { nodeClock } from './node-clock.ts';

/** Timers of the clock do not keep the process alive; a running test must. */
async function staysAwake(body: Promise<void>): Promise<void> {
  const awake = setInterval(() => undefined, 1000);
  await body.finally(() => clearInterval(awake));
}

clockContract('node clock', (body) => staysAwake(body(nodeClock())));

test('a timer is not early wherever within a millisecond it was set', () => {
  const clock = nodeClock();
  const timers = Array.from({ length: 50 }, (_, n) => {
    const setAtMs = clock.monotonicMs();
    const fired = new Promise<void>((resolve) => clock.after(5, resolve));
    while (clock.monotonicMs() - setAtMs < 0.13);
    return fired.then(() => {
      const tookMs = clock.monotonicMs() - setAtMs;
      ok(tookMs >= 5, `timer ${n} took ${tookMs} ms`);
    });
  });
  return staysAwake(Promise.all(timers).then(() => undefined));
});
