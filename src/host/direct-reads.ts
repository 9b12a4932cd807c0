// When a read may be done on the spot, on the event loop. One that finds its bytes in the page
// cache takes 2 µs so, and 5 to 10 through a promise and the pool of threads; one that must wait
// for the device stops everybody. Nothing that Node.js offers tells the two apart beforehand
// (preadv2's RWF_NOWAIT would), so it goes by what the last one did: after one that was slow while
// this process read from a device, reads go through the pool REST_SHARE times as long as it took.
//
// So waits for the device take at most a 50th of the loop's time, one read at a time; and of a
// node whose data does not fit into the page cache nearly all reads go through the pool.
//
// Pure: no clock, no disk, no network; dice are an argument.

/** Above what memory needs for BYTES_MAX, below what a device needs for the first byte. */
const SLOW_MS = 0.06;
const REST_SHARE = 50;
/** Copying more takes long itself, and then a hop to another thread no longer counts. */
const BYTES_MAX = 64 * 1024;

export class DirectReads {
  readonly #deviceReads: () => number;
  #deviceReadsSeen = 0;
  #restUntilMs = Number.NEGATIVE_INFINITY;

  /**
   * `deviceReads` says how much this process has read from devices so far, in any unit. It is asked
   * after slow reads only, to tell a wait for the device from one for the processor.
   */
  constructor(deviceReads: () => number) {
    this.#deviceReads = deviceReads;
  }

  may(nowMs: number, bytes: number): boolean {
    return nowMs >= this.#restUntilMs && bytes <= BYTES_MAX;
  }

  /** One was done. */
  took(fromMs: number, toMs: number): void {
    const tookMs = toMs - fromMs;
    if (tookMs <= SLOW_MS) return;
    const deviceReads = this.#deviceReads();
    if (deviceReads !== this.#deviceReadsSeen) this.#restUntilMs = toMs + REST_SHARE * tookMs;
    this.#deviceReadsSeen = deviceReads;
  }
}
