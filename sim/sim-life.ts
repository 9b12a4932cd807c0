// One life of a simulated node, from boot to crash. Everything that may still come back to it — a
// timer, a frame, the end of a disk operation — passes here, so that
//
// - after the crash nothing reaches it any more: callbacks do not run, promises stay pending;
// - while it is paused (SIGSTOP, a long collection of garbage) everything waits, in order, and
//   arrives at once when it goes on, although time went by.

import { KvorumError } from '../src/base/errors.ts';
import type { Timer } from '../src/host/host.ts';
import type { SimEvents } from './sim-events.ts';

/** What keeps its order is so far apart: one microsecond, and one for rounding. */
export const IN_LINE_MS = 0.002;

const NEVER: Timer = { cancel() {} };

export class SimLife {
  readonly node: string;
  readonly #events: SimEvents;
  #isAlive = true;
  /** What waits while the node is paused; undefined when it is not. */
  #held: (() => void)[] | undefined;

  constructor(node: string, events: SimEvents) {
    this.node = node;
    this.#events = events;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get isPaused(): boolean {
    return this.#held !== undefined;
  }

  get nowMs(): number {
    return this.#events.nowMs;
  }

  /** Calls `run` in `delayMs` of the world's time, if this life still lasts then. */
  after(delayMs: number, label: string, run: () => void): Timer {
    if (!this.#isAlive) return NEVER;
    return this.#events.after(delayMs, `${this.node} ${label}`, () => this.deliver(run));
  }

  /** Does `act` in `delayMs`; the promise settles with what it returns or throws, or never. */
  perform<T>(delayMs: number, label: string, act: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.after(delayMs, label, () => {
        try {
          resolve(act());
        } catch (error) {
          if (!(error instanceof KvorumError)) throw error;
          reject(error);
        }
      });
    });
  }

  /** Calls `run` now, or when the node goes on; never after its end. */
  deliver(run: () => void): void {
    if (!this.#isAlive) return;
    if (this.#held !== undefined) this.#held.push(run);
    else run();
  }

  pause(): void {
    if (!this.#isAlive || this.#held !== undefined) return;
    this.#held = [];
    this.#events.note(`${this.node} pauses`);
  }

  resume(): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    this.#events.note(`${this.node} goes on`);
    held.forEach((run, place) => {
      this.after(place * IN_LINE_MS, 'goes on', run);
    });
  }

  end(): void {
    this.#isAlive = false;
    this.#held = undefined;
  }
}
