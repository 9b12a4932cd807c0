// What every Clock promises, as tests; see disk.contract.ts for how they are registered.

import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from './host.ts';

export type WithClock = (body: (clock: Clock) => Promise<void>) => Promise<void>;

export function clockContract(kind: string, withClock: WithClock): void {
  for (const [promise, body] of Object.entries(promises)) {
    test(`${kind}: ${promise}`, () => withClock(body));
  }
}

/** Sets timers of so many milliseconds; answers them as they fired. */
async function orderOf(clock: Clock, delaysMs: readonly number[]): Promise<number[]> {
  const fired: number[] = [];
  const timers = delaysMs.map(
    (ms) =>
      new Promise<void>((resolve) => {
        clock.after(ms, () => resolve(void fired.push(ms)));
      }),
  );
  await Promise.all(timers);
  return fired;
}

const promises: Record<string, (clock: Clock) => Promise<void>> = {
  'a timer fires once, later, and never early': async (clock) => {
    for (const ms of [0, 1, 2.5, 10, 33]) {
      const from = clock.monotonicMs();
      let calls = 0;
      await new Promise<void>((resolve) => {
        clock.after(ms, () => {
          calls += 1;
          resolve();
        });
        equal(calls, 0, 'not within the call');
      });
      ok(clock.monotonicMs() - from >= ms, `${clock.monotonicMs() - from} ms of ${ms}`);
      equal(calls, 1);
    }
  },

  'timers fire in the order of their times': async (clock) => {
    // The order of several that a sleeping machine has made late is no promise: the best of some.
    let fired: number[] = [];
    for (let tries = 0; tries < 10 && String(fired) !== '5,20,40'; tries++) {
      fired = await orderOf(clock, [40, 5, 20]);
    }
    deepEqual(fired, [5, 20, 40]);
  },

  'the end of a turn comes once, later, after the promises of the turn': async (clock) => {
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      clock.atTurnEnd(() => {
        order.push('turn end');
        resolve();
      });
      Promise.resolve().then(() => order.push('promise'));
      order.push('here');
    });
    await new Promise<void>((resolve) => clock.after(5, resolve));
    deepEqual(order, ['here', 'promise', 'turn end']);
  },

  'a cancelled timer never fires, and cancel may be called again': async (clock) => {
    let fired = false;
    const timer = clock.after(5, () => {
      fired = true;
    });
    timer.cancel();
    timer.cancel();
    const late = clock.after(1, () => undefined);
    await new Promise<void>((resolve) => clock.after(20, resolve));
    late.cancel();
    equal(fired, false);
  },

  'wall time is whole milliseconds since 1970 and moves on': async (clock) => {
    const from = clock.wallMs();
    ok(Number.isInteger(from) && from > Date.UTC(2020, 0, 1), String(from));
    await new Promise<void>((resolve) => clock.after(25, resolve));
    ok(clock.wallMs() > from);
  },
};
