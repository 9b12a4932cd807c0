// The real clock: performance.now, Date.now, setTimeout and setImmediate. Timers never keep the
// process alive; only open servers do.
//
// setTimeout works on a loop time that is cut to whole milliseconds, so it may fire almost one
// early, and it takes at most 2^31 - 1 ms. A timer here looks again when it wakes, and sleeps on
// when its time has not come: `after` promises "at least".

import type { Clock, Timer } from './host.ts';

const SLEEP_MS_MAX = 2 ** 31 - 1;

export function nodeClock(): Clock {
  return {
    monotonicMs: () => performance.now(),
    wallMs: () => Date.now(),
    after: (ms, run) => new NodeTimer(ms, run),
    // It runs right after the sockets were read, so that nobody waits for it.
    atTurnEnd: (run) => void setImmediate(run),
  };
}

class NodeTimer implements Timer {
  readonly #dueMs: number;
  readonly #run: () => void;
  #sleep: NodeJS.Timeout;

  constructor(ms: number, run: () => void) {
    this.#dueMs = performance.now() + ms;
    this.#run = run;
    this.#sleep = this.#sleepFor(ms);
  }

  cancel(): void {
    clearTimeout(this.#sleep);
  }

  #sleepFor(ms: number): NodeJS.Timeout {
    const wholeMs = Math.max(0, Math.ceil(ms));
    return setTimeout(this.#wake, Math.min(wholeMs, SLEEP_MS_MAX)).unref();
  }

  readonly #wake = (): void => {
    const leftMs = this.#dueMs - performance.now();
    if (leftMs <= 0) this.#run();
    else this.#sleep = this.#sleepFor(leftMs);
  };
}
