import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock, Jobs, Timer } from '../../host/host.ts';
import { nextPace, PACE_START, PACE_WINDOW_MS } from './compaction-pace.ts';
import { startPacedJob } from './paced-job.ts';

/** Time passes by hand, and each timer comes as late as it is told to. */
class LateClock implements Clock {
  #nowMs = 0;
  #timer: { readonly dueMs: number; readonly run: () => void } | undefined;

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  after(ms: number, run: () => void): Timer {
    const timer = { dueMs: this.#nowMs + ms, run };
    this.#timer = timer;
    return {
      cancel: () => {
        if (this.#timer === timer) this.#timer = undefined;
      },
    };
  }

  atTurnEnd(run: () => void): void {
    run();
  }

  get isAwaited(): boolean {
    return this.#timer !== undefined;
  }

  /** Until `windows` of the pace are over. */
  pass(windows: number, latenessMs: number): void {
    for (const endMs = this.#nowMs + windows * PACE_WINDOW_MS; this.#nowMs < endMs; ) {
      const timer = this.#timer;
      ok(timer !== undefined, 'somebody looks at the clock');
      this.#nowMs = timer.dueMs + latenessMs;
      timer.run();
    }
  }
}

/** Jobs that end when the test says so. */
function recorded() {
  const paces: number[] = [];
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const jobs: Jobs = {
    start: () => ({
      done: promise,
      setPace: (bytesPerSecond) => void paces.push(bytesPerSecond),
      cancel: () => resolve('cancelled'),
      abort: () => undefined,
    }),
    close: async () => undefined,
  };
  return { jobs, paces };
}

test('late timers halve the pace of a job, those in time raise it, window by window', async () => {
  const clock = new LateClock();
  const { jobs, paces } = recorded();
  const job = startPacedJob({ jobs, clock }, { name: 'scrub', order: {} });
  deepEqual(paces, [PACE_START]);
  clock.pass(1, 30);
  deepEqual(paces, [PACE_START, PACE_START / 2]);
  clock.pass(1, 0);
  const raised = nextPace(PACE_START / 2, { latenessMs: 0, isBehind: false });
  deepEqual(paces.slice(2), [raised]);
  ok(raised > PACE_START / 2);
  job.cancel();
  equal(await job.done, 'cancelled');
  equal(clock.isAwaited, false, 'nobody looks at the clock any more');
});
