// How many requests should be under way on this node at once: as many as it needs to be busy. More
// would only wait inside of it, each with all that it has in memory by then, and at four times as
// many half of the node's time goes there (docs/decisions/2026-11-25-wait-before-the-work.md).
//
// The least that the usual request has taken is what the node, its disk and its peers need, be it a
// millisecond or a round trip around the world. Where all places are taken and the usual request
// takes more than twice that, the rest is our own queue: the limit goes down by a fifth below what
// is under way, else it rises again (additive-increase schemes: Chiu and Jain 1989; the excess over
// the shortest round trip as the sign of a queue: Brakmo and Peterson: "TCP Vegas", SIGCOMM 1994).
// What is needed changes, and behind a queue nobody sees it: after ten seconds with all places
// taken there are very few for a moment, to look (as BBR does: Cardwell et al., ACM Queue 2016).
//
// Two other signs were measured and given up. The lateness of timers tells how far behind the event
// loop is; on a machine with other work it is behind for reasons that fewer requests do not change.
// The shortest time of an interval (CoDel) needs a queue in which nobody overtakes; some of our
// requests always find short ways. The median is also not moved by those few that wait for a dead
// replica until their deadline.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { LatencyQuantile } from '../read/latency-quantile.ts';

/** A third of a second of work, for peers that far away, at 12,000 requests a second. */
export const UNDER_WAY_MAX = 4_096;
/** So few batch well, and are a short queue however long they take. */
export const UNDER_WAY_MIN = 256;
const UNDER_WAY_FIRST = 512;

const INTERVAL_MS = 100;
/** Of a queue that batches need, and of a collection of garbage. */
const SLACK_MS = 40;
const SHRINKS_TO = 0.8;
const GROWS_TO = 1.05;
/** All places were taken for so long. */
const LOOK_AFTER_MS = 10_000;
const LOOK_INTERVALS = 5;
/** Of these the first are left out: what was under way before must come to its end. */
const DRAIN_INTERVALS = 2;
/** Under way meanwhile. */
const LOOK_UNDER_WAY = 64;

export class ConcurrencyLimit {
  #usual = new LatencyQuantile(0.5);
  #limit = UNDER_WAY_FIRST;
  /** The least since the last look, in milliseconds. */
  #leastUsualMs = Number.POSITIVE_INFINITY;
  /** Monotonic time from which on there was no look and always a queue. */
  #fullSinceMs = 0;
  /** Intervals that a look still takes; 0: there is none. */
  #lookLeft = 0;
  #limitAfterLook = 0;
  #mostUnderWay = 0;
  #endsMs = Number.NEGATIVE_INFINITY;

  get value(): number {
    return this.#limit;
  }

  /** The same but for looks, for those who cannot wait until one is over. */
  get steady(): number {
    return this.#lookLeft > 0 ? this.#limitAfterLook : this.#limit;
  }

  /** A request that had to wait for something is over. */
  note(tookMs: number, underWay: number, nowMs: number): void {
    this.#usual.add(tookMs);
    if (underWay > this.#mostUnderWay) this.#mostUnderWay = underWay;
    const usualMs = this.#usual.ms;
    if (usualMs !== undefined && nowMs >= this.#endsMs) this.#adapt(usualMs, nowMs);
  }

  #adapt(usualMs: number, nowMs: number): void {
    const wasFull = this.#mostUnderWay >= this.#limit;
    const busy = Math.min(this.#limit, this.#mostUnderWay);
    this.#endsMs = nowMs + INTERVAL_MS;
    this.#mostUnderWay = 0;
    if (this.#lookLeft > 0) {
      this.#look(usualMs, nowMs);
      return;
    }
    this.#leastUsualMs = Math.min(usualMs, this.#leastUsualMs);
    if (!wasFull) {
      this.#fullSinceMs = nowMs;
      return;
    }
    if (usualMs <= 2 * this.#leastUsualMs + SLACK_MS) {
      this.#limit = Math.min(UNDER_WAY_MAX, Math.ceil(this.#limit * GROWS_TO));
    } else {
      this.#limit = Math.max(UNDER_WAY_MIN, Math.floor(busy * SHRINKS_TO));
    }
    if (nowMs - this.#fullSinceMs >= LOOK_AFTER_MS) this.#beginLook();
  }

  #beginLook(): void {
    this.#lookLeft = LOOK_INTERVALS;
    this.#limitAfterLook = this.#limit;
    this.#limit = LOOK_UNDER_WAY;
  }

  #look(usualMs: number, nowMs: number): void {
    this.#lookLeft -= 1;
    if (this.#lookLeft === LOOK_INTERVALS - DRAIN_INTERVALS) this.#usual = new LatencyQuantile(0.5);
    if (this.#lookLeft > 0) return;
    this.#leastUsualMs = usualMs;
    this.#limit = this.#limitAfterLook;
    this.#fullSinceMs = nowMs;
  }
}
