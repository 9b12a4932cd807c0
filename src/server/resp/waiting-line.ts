// Connections whose next command waits for a place on this node (see admission.ts), in the order in
// which they came. They go on when a place is free, as far as places reach, or when they have
// waited for too long: then they have it refused.

import type { Clock } from '../../host/host.ts';
import type { Store } from '../../node/store.ts';

export interface Waiter {
  /** What it waits with. */
  readonly waitsTo: 'read' | 'write';
  /** Whether it has waited for too long, at this monotonic time. */
  isOverdue(nowMs: number): boolean;
  /** May join again from within. */
  goOn(): void;
}

/** A limit of 200 ms may be passed by so much. */
const SWEEP_MS = 20;

export class WaitingLine {
  readonly #store: Pick<Store, 'gate'>;
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiter>();
  #isSweeping = false;

  constructor(store: Pick<Store, 'gate'>, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** While the gate is full. */
  join(waiter: Waiter): void {
    this.#waiting.add(waiter);
    this.#store.gate.whenFree(this.#onFree);
    if (!this.#isSweeping) this.#sweepLater();
  }

  leave(waiter: Waiter): void {
    this.#waiting.delete(waiter);
  }

  /** Many places become free in one turn of the event loop. */
  readonly #onFree = (): void => {
    this.#clock.atTurnEnd(this.#serve);
  };

  readonly #serve = (): void => {
    const { gate } = this.#store;
    for (const waiter of this.#waiting) {
      if (gate.isFull('write')) break;
      if (!gate.isFull(waiter.waitsTo)) this.#call(waiter);
    }
    if (this.#waiting.size > 0) gate.whenFree(this.#onFree);
  };

  #call(waiter: Waiter): void {
    this.#waiting.delete(waiter);
    waiter.goOn();
  }

  #sweepLater(): void {
    this.#isSweeping = true;
    this.#clock.after(SWEEP_MS, () => {
      this.#isSweeping = false;
      const nowMs = this.#clock.monotonicMs();
      for (const waiter of [...this.#waiting]) if (waiter.isOverdue(nowMs)) this.#call(waiter);
      if (this.#waiting.size > 0 && !this.#isSweeping) this.#sweepLater();
    });
  }
}
