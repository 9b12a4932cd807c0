// How the requests of one kind ended, and how long they took; each has a place (admission.ts) while
// it is under way. What gets none is refused before anything is measured.

import type { Later } from '../base/later.ts';
import type { Clock } from '../host/host.ts';
import type { Admission, RequestClass } from '../replication/admission/admission.ts';
import { Histogram, type OutcomeCounts } from './metrics.ts';

export interface RequestMeterParts<Kind extends string> {
  readonly clock: Clock;
  readonly admission: Admission;
  readonly requestClass: RequestClass;
  /** Zeros. */
  readonly counts: OutcomeCounts<Kind | 'error'>;
}

export class RequestMeter<Kind extends string> {
  readonly counts: OutcomeCounts<Kind | 'error'>;
  readonly latency = new Histogram();
  readonly #clock: Clock;
  readonly #admission: Admission;
  readonly #class: RequestClass;

  constructor({ clock, admission, requestClass, counts }: RequestMeterParts<Kind>) {
    this.#clock = clock;
    this.#admission = admission;
    this.#class = requestClass;
    this.counts = counts;
  }

  /**
   * Returns, throws or rejects as `request` does, and throws OVERLOADED. `bytes`: of the value that
   * comes with it.
   */
  measure<Outcome extends { readonly kind: Kind }>(
    bytes: number,
    request: () => Later<Outcome>,
  ): Later<Outcome> {
    this.#admission.enter(this.#class, bytes);
    const startMs = this.#clock.monotonicMs();
    try {
      const outcome = request();
      if (!(outcome instanceof Promise)) return this.#ended(outcome, bytes, startMs);
      return outcome.then(
        (each) => this.#ended(each, bytes, startMs),
        (error) => this.#failed(error, bytes, startMs),
      );
    } catch (error) {
      return this.#failed(error, bytes, startMs);
    }
  }

  #ended<Outcome extends { readonly kind: Kind }>(
    outcome: Outcome,
    bytes: number,
    startMs: number,
  ): Outcome {
    this.#add(outcome.kind, bytes, startMs);
    return outcome;
  }

  #failed(error: unknown, bytes: number, startMs: number): never {
    this.#add('error', bytes, startMs);
    throw error;
  }

  #add(kind: Kind | 'error', bytes: number, startMs: number): void {
    this.#admission.leave(bytes);
    this.counts[kind] += 1;
    this.latency.add(this.#clock.monotonicMs() - startMs);
  }
}
