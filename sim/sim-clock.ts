// The clocks of a simulated machine. Its quartz runs a little fast or slow (drift), its wall time
// is off (skew) and may jump; all of that can be set while the world runs. A node's monotonic
// time drifts too, but never jumps, and goes on over crashes.

import type { Clock, Timer } from '../src/host/host.ts';
import type { SimEvents } from './sim-events.ts';
import type { SimLife } from './sim-life.ts';

/** The wall time at which every world begins: 2026-01-01. */
export const WALL_MS_AT_START = 1_767_225_600_000;

/** Monotonic clocks begin at no round number, and not at 0. */
const MONOTONIC_MS_AT_START = 12_345.678;

/** Belongs to the machine, outlives its crashes. */
export class SimQuartz {
  readonly #events: SimEvents;
  #rate = 1;
  #skewMs = 0;
  /** Local time is #anchorLocalMs at the world's #anchorMs, and runs at #rate from there. */
  #anchorLocalMs = 0;
  #anchorMs = 0;

  constructor(events: SimEvents) {
    this.#events = events;
  }

  /** Milliseconds of this machine since the world began. */
  localMs(): number {
    return this.#anchorLocalMs + (this.#events.nowMs - this.#anchorMs) * this.#rate;
  }

  wallMs(): number {
    return Math.floor(WALL_MS_AT_START + this.localMs() + this.#skewMs);
  }

  /** How long the world must wait until this machine has counted `localMs`. */
  worldMs(localMs: number): number {
    return localMs / this.#rate;
  }

  /** Millionths by which the quartz is fast (or, when negative, slow); real ones: within 200. */
  setDrift(ppm: number): void {
    this.#anchorLocalMs = this.localMs();
    this.#anchorMs = this.#events.nowMs;
    this.#rate = 1 + ppm / 1e6;
  }

  /** Wall time from now on: true time (by this quartz) plus `ms`. */
  setSkew(ms: number): void {
    this.#skewMs = ms;
  }

  /** Wall time jumps by `ms`, forward or back. */
  jump(ms: number): void {
    this.#skewMs += ms;
  }
}

export class SimClock implements Clock {
  readonly #quartz: SimQuartz;
  readonly #life: SimLife;

  constructor(quartz: SimQuartz, life: SimLife) {
    this.#quartz = quartz;
    this.#life = life;
  }

  monotonicMs(): number {
    return MONOTONIC_MS_AT_START + this.#quartz.localMs();
  }

  wallMs(): number {
    return this.#quartz.wallMs();
  }

  after(ms: number, run: () => void): Timer {
    return new SimTimer(ms, run, this, this.#quartz, this.#life);
  }

  /** A turn is what happens within a microsecond. */
  atTurnEnd(run: () => void): void {
    this.#life.after(0, 'turn end', run);
  }
}

class SimTimer implements Timer {
  readonly #clock: SimClock;
  readonly #quartz: SimQuartz;
  readonly #life: SimLife;
  readonly #dueMs: number;
  #run: (() => void) | undefined;
  #sleep: Timer;

  constructor(ms: number, run: () => void, clock: SimClock, quartz: SimQuartz, life: SimLife) {
    this.#clock = clock;
    this.#quartz = quartz;
    this.#life = life;
    this.#dueMs = clock.monotonicMs() + ms;
    this.#run = run;
    this.#sleep = this.#sleepFor(ms);
  }

  cancel(): void {
    this.#run = undefined;
    this.#sleep.cancel();
  }

  #sleepFor(ms: number): Timer {
    const worldMs = this.#quartz.worldMs(Math.max(0, ms));
    return this.#life.after(worldMs, 'timer', () => this.#wake());
  }

  /** Sleeps on when the quartz was slowed meanwhile. */
  #wake(): void {
    const leftMs = this.#dueMs - this.#clock.monotonicMs();
    if (leftMs > 0) this.#sleep = this.#sleepFor(leftMs);
    else this.#run?.();
  }
}
