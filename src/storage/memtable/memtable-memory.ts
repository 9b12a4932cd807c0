// The memory of memtables, used again and again: each takes a piece for its records and its index,
// and gives it back when it is flushed and nobody reads it any more. The collector of JavaScript
// does not count shared memory, and would let pieces that nobody needs pile up; and memory that was
// used before costs no page faults.

/**
 * A key takes 20 bytes of records at least and 9 to 18 of an index, so that even a memtable of the
 * smallest keys has room; the index grows where it has not.
 */
const INDEX_BYTES_MIN = 8192;

export interface MemoryPiece {
  readonly records: SharedArrayBuffer;
  readonly index: SharedArrayBuffer;
}

export class MemtableMemory {
  readonly #recordBytes: number;
  readonly #sparesMax: number;
  readonly #spares: MemoryPiece[] = [];

  constructor(recordBytes: number, sparesMax: number) {
    this.#recordBytes = recordBytes;
    this.#sparesMax = sparesMax;
  }

  /** Its bytes are those of whoever had it before. */
  take(): MemoryPiece {
    return this.#spares.pop() ?? this.#newPiece();
  }

  giveBack(piece: MemoryPiece): void {
    if (this.#spares.length < this.#sparesMax) this.#spares.push(piece);
  }

  /** The system gives it its pages one by one, when they are first touched. */
  #newPiece(): MemoryPiece {
    return {
      records: new SharedArrayBuffer(this.#recordBytes),
      index: new SharedArrayBuffer(Math.max(INDEX_BYTES_MIN, this.#recordBytes)),
    };
  }
}
