// Builds the payload of one data block after another: prefix coding with restart points (LevelDB's
// block format). The bytes are drawn in sstable-format.ts.
//
// Every entry begins before BLOCK_BYTES, since a block that has reached it takes no more: hence
// two bytes are enough for a restart offset, however large the last value is.

import { ByteWriter } from '../../base/bytes.ts';
import type { TableEntry } from '../table-entry.ts';

/** See sstable/README figures in docs/formats.md: the point where a cached get stops gaining. */
export const BLOCK_BYTES = 8 * 1024;
/** Keys decoded on the way to one: 8 on average; 16 cost 2 % of the bytes of 8. */
const RESTART_INTERVAL = 16;

export class BlockWriter {
  readonly #bytes = new ByteWriter(2 * BLOCK_BYTES);
  #restarts: number[] = [];
  #entries = 0;

  get length(): number {
    return this.#bytes.length;
  }

  get isEmpty(): boolean {
    return this.#entries === 0;
  }

  get isFull(): boolean {
    return this.#bytes.length >= BLOCK_BYTES;
  }

  /** `shared`: how many bytes of the key begin the one before as well. */
  add({ key, sequence, value }: TableEntry, shared: number): void {
    const isRestart = this.#entries % RESTART_INTERVAL === 0;
    if (isRestart) this.#restarts.push(this.#bytes.length);
    const from = isRestart ? 0 : shared;
    this.#bytes.varint(from);
    this.#bytes.varint(key.length - from);
    this.#bytes.varint(value.length);
    this.#bytes.varint(sequence);
    this.#bytes.raw(from === 0 ? key : key.subarray(from));
    this.#bytes.raw(value);
    this.#entries += 1;
  }

  /** The block, valid until the next add(), which begins a new one after clear(). */
  finish(): Buffer {
    for (const offset of this.#restarts) this.#bytes.u16(offset);
    this.#bytes.u16(this.#restarts.length);
    return this.#bytes.view();
  }

  clear(): void {
    this.#bytes.clear();
    this.#restarts = [];
    this.#entries = 0;
  }
}
