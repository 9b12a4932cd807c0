// Long work on the event loop in short pieces: whoever checks a table for seconds asks after every
// few steps whether others should run now. A slice of 3 ms keeps far from the 20 ms that a request
// may notice; a turn through the timers costs about 1 ms.

import type { Clock } from '../host/host.ts';

const SLICE_MS = 3;

export class WorkPace {
  readonly #clock: Clock;
  #sliceStartMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sliceStartMs = clock.monotonicMs();
  }

  /** A promise when it is time to let others run: wait for it. */
  rest(): Promise<void> | undefined {
    if (this.#clock.monotonicMs() - this.#sliceStartMs < SLICE_MS) return undefined;
    return this.#restNow();
  }

  async #restNow(): Promise<void> {
    await new Promise<void>((resolve) => this.#clock.after(0, resolve));
    this.#sliceStartMs = this.#clock.monotonicMs();
  }
}
