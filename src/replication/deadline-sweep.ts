// Deadlines of writes that wait for nobody but this node's own disk: a disk that hangs answers
// neither well nor badly. One timer looks after all of them, as a timer for each would cost more
// than the writes: most are over in a fraction of a millisecond.

import type { Clock } from '../host/host.ts';

export interface Waiting {
  readonly deadlineMs: number;
  readonly giveUp: () => void;
}

/** A deadline of seconds may be late by so much. */
const SWEEP_MS = 20;

export class DeadlineSweep {
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();
  #isSweeping = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `waiting.giveUp` once its deadline is past, unless it is deleted before. */
  add(waiting: Waiting): void {
    this.#waiting.add(waiting);
    if (!this.#isSweeping) this.#sweepLater();
  }

  delete(waiting: Waiting): void {
    this.#waiting.delete(waiting);
  }

  #sweepLater(): void {
    this.#isSweeping = true;
    this.#clock.after(SWEEP_MS, () => {
      this.#sweep();
      this.#isSweeping = false;
      if (this.#waiting.size > 0) this.#sweepLater();
    });
  }

  #sweep(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const waiting of this.#waiting) {
      if (waiting.deadlineMs > nowMs) continue;
      this.#waiting.delete(waiting);
      waiting.giveUp();
    }
  }
}
