// For how long the event loop did nothing else: the longest time between two ticks of a timer that
// wants to fire every millisecond. How much of it the thread really worked, by the kernel's
// account, tells what was ours from what the machine did meanwhile: a thread that was not given a
// processor stalls too, and no engine can help that.

export interface Stall {
  readonly ms: number;
  /** Processor time of this thread within one stall, at most; garbage collection included. */
  readonly ownMs: number;
}

const TICK_MS = 1;

export class StallMeter {
  readonly #timer: NodeJS.Timeout;
  #lastMs = performance.now();
  #lastOwnMs = ownMs();
  #longestMs = 0;
  #longestOwnMs = 0;

  constructor() {
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  /** The longest since reset(), the one that still lasts included. */
  get longest(): Stall {
    this.#tick();
    return { ms: this.#longestMs, ownMs: this.#longestOwnMs };
  }

  reset(): void {
    this.#tick();
    this.#longestMs = 0;
    this.#longestOwnMs = 0;
  }

  #tick(): void {
    const nowMs = performance.now();
    const nowOwnMs = ownMs();
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs - TICK_MS);
    this.#longestOwnMs = Math.max(this.#longestOwnMs, nowOwnMs - this.#lastOwnMs);
    this.#lastMs = nowMs;
    this.#lastOwnMs = nowOwnMs;
  }
}

function ownMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
