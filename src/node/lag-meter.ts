// How late a message is, though clocks do not agree. What separates our clock from a sender's is
// the same for all of his messages, so the one that travelled fastest lately tells it, and every
// other is late by what it shows more (the idea of one-way delays in LEDBAT, RFC 6817).
//
// It is needed where a node wakes from a pause and finds requests whose senders gave up long ago.
//
// Pure: no clock, no disk, no network; dice are an argument.

/** Clocks drift, and step: what is older than two windows says nothing any more. */
const WINDOW_MS = 10_000;

interface Lags {
  windowStartMs: number;
  /** Least of our time minus the sender's, in this window and in the one before. */
  least: number;
  leastBefore: number;
}

export class LagMeter {
  readonly #lags = new Map<number, Lags>();

  /** A message that `sender` sent at `sentMs` by its wall clock came at `nowMs` by ours. */
  note(sender: number, sentMs: number, nowMs: number): void {
    const lag = nowMs - sentMs;
    const known = this.#lags.get(sender);
    if (known === undefined) {
      this.#lags.set(sender, { windowStartMs: nowMs, least: lag, leastBefore: lag });
    } else if (Math.abs(nowMs - known.windowStartMs) > WINDOW_MS) {
      known.leastBefore = known.least;
      known.least = lag;
      known.windowStartMs = nowMs;
    } else {
      known.least = Math.min(known.least, lag);
    }
  }

  /** Milliseconds that it took longer than the fastest one lately; 0: nothing is known. */
  lateMs(sender: number, sentMs: number, nowMs: number): number {
    const known = this.#lags.get(sender);
    if (known === undefined) return 0;
    return Math.max(0, nowMs - sentMs - Math.min(known.least, known.leastBefore));
  }
}
