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
      if (outcome instanceof Promise) return this.#whenEnded(outcome, bytes, startMs);
      this.#admission.leave(bytes);
      this.#add(outcome.kind, this.#clock.monotonicMs() - startMs);
      return outcome;
    } catch (error) {
      this.#admission.leave(bytes);
      this.#add('error', this.#clock.monotonicMs() - startMs);
      throw error;
    }
  }

  #whenEnded<Outcome extends { readonly kind: Kind }>(
    outcome: Promise<Outcome>,
    bytes: number,
    startMs: number,
  ): Promise<Outcome> {
    return outcome.then(
      (each) => {
        this.#ended(each.kind, bytes, startMs);
        return each;
      },
      (error) => {
        this.#ended('error', bytes, startMs);
        throw error;
      },
    );
  }

  #ended(kind: Kind | 'error', bytes: number, startMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    this.#admission.ended(bytes, nowMs - startMs, nowMs);
    this.#add(kind, nowMs - startMs);
  }

  #add(kind: Kind | 'error', tookMs: number): void {
    this.counts[kind] += 1;
    this.latency.add(tookMs);
  }
}
