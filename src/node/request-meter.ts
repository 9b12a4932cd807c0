// How the requests of one kind ended, and how long they took.

import type { Later } from '../base/later.ts';
import type { Clock } from '../host/host.ts';
import { Histogram, type OutcomeCounts } from './metrics.ts';

export class RequestMeter<Kind extends string> {
  readonly counts: OutcomeCounts<Kind | 'error'>;
  readonly latency = new Histogram();
  readonly #clock: Clock;

  /** `counts`: zeros. */
  constructor(clock: Clock, counts: OutcomeCounts<Kind | 'error'>) {
    this.#clock = clock;
    this.counts = counts;
  }

  /** Returns, throws or rejects as `request` does. */
  measure<Outcome extends { readonly kind: Kind }>(request: () => Later<Outcome>): Later<Outcome> {
    const startMs = this.#clock.monotonicMs();
    try {
      const outcome = request();
      if (!(outcome instanceof Promise)) return this.#ended(outcome, startMs);
      return outcome.then(
        (each) => this.#ended(each, startMs),
        (error) => this.#failed(error, startMs),
      );
    } catch (error) {
      return this.#failed(error, startMs);
    }
  }

  #ended<Outcome extends { readonly kind: Kind }>(outcome: Outcome, startMs: number): Outcome {
    this.#add(outcome.kind, startMs);
    return outcome;
  }

  #failed(error: unknown, startMs: number): never {
    this.#add('error', startMs);
    throw error;
  }

  #add(kind: Kind | 'error', startMs: number): void {
    this.counts[kind] += 1;
    this.latency.add(this.#clock.monotonicMs() - startMs);
  }
}
