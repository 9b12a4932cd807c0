// What becomes of memtables that a log overfills while it is replayed. It may be longer than what
// they may hold: the node ran with more memory before, or a disk that is full let it flush nothing.
// Then the oldest of them become tables on the way, one while the next ones fill, so that a log of
// any length is replayed in the memory that the engine was given.
//
// Only what the log holds durably goes into tables, and the log stays as it is until it was read to
// its end: a start that is refused after all is refused for the same reason the next time, and one
// that was killed goes on from there.

import { type FlushedLog, Flusher, type FlusherParts } from './flusher.ts';

export interface ReplayOverflowParts extends Omit<FlusherParts, 'log' | 'onFlushed'> {
  /** Of the log. */
  readonly firstSegment: number;
}

export class ReplayOverflow {
  readonly #parts: ReplayOverflowParts;
  readonly #flusher: Flusher;
  readonly #log: ReplayedLog;
  /** Under way, or done and not looked at; undefined until the memtables are full for once. */
  #flush: Promise<unknown> | undefined;

  constructor(parts: ReplayOverflowParts) {
    this.#parts = parts;
    this.#log = new ReplayedLog(parts.firstSegment);
    this.#flusher = new Flusher({ ...parts, log: this.#log, onFlushed: () => undefined });
  }

  /**
   * Every write up to `durableSequence` was replayed, is durable, and no other was replayed. Wait
   * for the promise, if there is one, before the next; it rejects with DISK_FULL or IO_ERROR.
   */
  makeRoom(durableSequence: number): Promise<void> | undefined {
    this.#log.durableSequence = durableSequence;
    return this.#parts.memtables.isFull ? this.#flushOldest() : undefined;
  }

  /** Resolves when nothing is under way any more; rejects as makeRoom() does. */
  async settle(): Promise<void> {
    await this.#flush;
    this.#flush = undefined;
  }

  /** The same, without a wait for what is under way to succeed. */
  async stop(): Promise<void> {
    await Promise.allSettled([this.#flusher.stop(), this.#flush]);
  }

  async #flushOldest(): Promise<void> {
    while (this.#parts.memtables.isFull) {
      if (this.#flush === undefined) this.#start();
      await this.settle();
    }
    this.#start();
  }

  #start(): void {
    this.#flush = this.#flusher.flushOldest();
    // Whoever waits for it hears of its end; until then it is not unhandled.
    this.#flush.catch(() => undefined);
  }
}

/** As far as it was replayed; nothing of it goes. */
class ReplayedLog implements FlushedLog {
  durableSequence = 0;
  readonly #firstSegment: number;

  constructor(firstSegment: number) {
    this.#firstSegment = firstSegment;
  }

  get lastSequence(): number {
    return this.durableSequence;
  }

  async whenDurable(): Promise<void> {}

  firstSegmentAfter(): number {
    return this.#firstSegment;
  }

  async dropBefore(): Promise<void> {}
}
