// How many requests may be under way on this node at once: as many as its event loop gets through
// without everything having to wait for it. The longest queue of a node of one thread is that of
// things that are ready and wait for the loop, whatever socket, disk or timer they come from; how
// late a timer fires is how long that queue is, in time.
//
// A burst makes it long for a moment, and passes. So what counts is the shortest wait within an
// interval: if even that one was long, the queue stands, and the limit goes down by a fifth below
// what is under way; else it rises again (Nichols and Jacobson: "Controlling Queue Delay", CoDel,
// ACM Queue 2012, for the minimum; Chiu and Jain 1989 for the way up and down; Maurer: "Fail at
// Scale", ACM Queue 2015, for doing so in servers). What peers or the disk take long for does not
// lower it: fewer requests here would not make those any faster.
//
// Pure: no clock, no disk, no network; dice are an argument.

/** A hundred full pipelines of clients; some 200 ms of work at 40,000 requests a second. */
export const UNDER_WAY_MAX = 8_192;
/** Enough for batches to form in the log and in frames. */
const UNDER_WAY_MIN = 128;

const INTERVAL_MS = 100;
/**
 * A request waits for the loop here, at a peer and here again: some 100 ms, a fifth of what clients
 * usually wait at least.
 */
const WAIT_MS = 30;
const SHRINKS_TO = 0.8;
const GROWS_BY = 0.05;

export class ConcurrencyLimit {
  #limit = UNDER_WAY_MAX;
  #leastMs = Number.POSITIVE_INFINITY;
  #mostUnderWay = 0;
  #endsMs = Number.NEGATIVE_INFINITY;

  get value(): number {
    return this.#limit;
  }

  /** Whether it was lowered and has not risen again. */
  get isLowered(): boolean {
    return this.#limit < UNDER_WAY_MAX;
  }

  /** Something that was ready waited `waitMs` for the event loop. */
  note(waitMs: number, underWay: number, nowMs: number): void {
    this.#leastMs = Math.min(this.#leastMs, waitMs);
    this.#mostUnderWay = Math.max(this.#mostUnderWay, underWay);
    if (nowMs < this.#endsMs) return;
    this.#adapt();
    this.#endsMs = nowMs + INTERVAL_MS;
    this.#leastMs = Number.POSITIVE_INFINITY;
    this.#mostUnderWay = 0;
  }

  #adapt(): void {
    const limit = this.#limit;
    if (this.#leastMs > WAIT_MS) {
      const busy = Math.min(limit, this.#mostUnderWay);
      this.#limit = Math.max(UNDER_WAY_MIN, Math.floor(busy * SHRINKS_TO));
    } else {
      this.#limit = Math.min(UNDER_WAY_MAX, Math.ceil(limit * (1 + GROWS_BY)));
    }
  }
}
