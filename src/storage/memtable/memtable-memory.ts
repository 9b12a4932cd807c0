// The memory of memtables, used again and again: each takes one piece for its records, and gives it
// back when it is flushed and nobody reads it any more. The collector of JavaScript does not count
// shared memory, and would let pieces that nobody needs pile up; and memory that was used before
// costs no page faults.

export class MemtableMemory {
  readonly #pieceBytes: number;
  readonly #sparesMax: number;
  readonly #spares: SharedArrayBuffer[] = [];

  /** The system gives a piece its pages one by one, when they are first touched. */
  constructor(pieceBytes: number, sparesMax: number) {
    this.#pieceBytes = pieceBytes;
    this.#sparesMax = sparesMax;
  }

  /** Its bytes are those of whoever had it before. */
  take(): SharedArrayBuffer {
    return this.#spares.pop() ?? new SharedArrayBuffer(this.#pieceBytes);
  }

  /** Larger pieces, made for one memtable, are left to the collector. */
  giveBack(memory: SharedArrayBuffer): void {
    const isUsual = memory.byteLength === this.#pieceBytes;
    if (isUsual && this.#spares.length < this.#sparesMax) this.#spares.push(memory);
  }
}
