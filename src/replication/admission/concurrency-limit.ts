// How many requests may be under way on this node at once: as many as it gets through while half of
// them are done in good time. When the usual request takes longer the limit goes down by a fifth
// below what is under way, else it rises again (additive-increase schemes: Chiu and Jain 1989;
// latency as the sign of a queue: Brakmo and Peterson: "TCP Vegas", SIGCOMM 1994; Maurer: "Fail at
// Scale", ACM Queue 2015, for it in servers).
//
// Two other signs were measured and given up. The lateness of timers tells how far behind the event
// loop is; on a machine with other work it is behind for reasons that fewer requests do not change.
// The shortest time of an interval (CoDel) needs a queue in which nobody overtakes; some of our
// requests always find short ways. The median is also not moved by those few that wait for a dead
// replica until their deadline.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { LatencyQuantile } from '../read/latency-quantile.ts';

/** Some 200 ms of work at 40,000 requests a second. */
export const UNDER_WAY_MAX = 8_192;
/**
 * 64 clients with pipelines of 16 are served however long it takes: they wait for their answers,
 * and so cannot overload anybody.
 */
export const UNDER_WAY_MIN = 1_024;

const INTERVAL_MS = 100;
/**
 * With it nearly all are done within half a second, and clients wait for one at least. More than a
 * round trip around half of the world, and than a sync on a spinning disk.
 */
const USUAL_MS = 200;
const SHRINKS_TO = 0.8;
const GROWS_TO = 1.05;

export class ConcurrencyLimit {
  readonly #usual = new LatencyQuantile(0.5);
  #limit = UNDER_WAY_MAX;
  #mostUnderWay = 0;
  #endsMs = Number.NEGATIVE_INFINITY;

  get value(): number {
    return this.#limit;
  }

  /** A request that had to wait for something is over. */
  note(tookMs: number, underWay: number, nowMs: number): void {
    this.#usual.add(tookMs);
    if (underWay > this.#mostUnderWay) this.#mostUnderWay = underWay;
    if (nowMs >= this.#endsMs) this.#adapt(nowMs);
  }

  #adapt(nowMs: number): void {
    if ((this.#usual.ms ?? 0) > USUAL_MS) {
      const busy = Math.min(this.#limit, this.#mostUnderWay);
      this.#limit = Math.max(UNDER_WAY_MIN, Math.floor(busy * SHRINKS_TO));
    } else {
      this.#limit = Math.min(UNDER_WAY_MAX, Math.ceil(this.#limit * GROWS_TO));
    }
    this.#endsMs = nowMs + INTERVAL_MS;
    this.#mostUnderWay = 0;
  }
}
