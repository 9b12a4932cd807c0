// Builds the payload of one data block after another: prefix coding with restart points as in
// LevelDB, but the keys stand together and the values behind them, so that a lookup walks over few
// lines of memory. The bytes are drawn in sstable-format.ts.
//
// Every entry begins before BLOCK_BYTES, since a block that has reached it takes no more: hence
// two bytes are enough for the offsets of a restart, however large the last value is.

import { ByteWriter } from '../../base/bytes.ts';
import type { TableEntry } from '../table-entry.ts';

/**
 * A lookup beyond the cache reads, checks and unpacks a whole block: with 4 KiB 1.5 to 2 times as
 * many a second as with 8. Cached lookups, scans and the size of tables were the same within the
 * noise; index and filter take 2.1 bytes a key instead of 1.6.
 */
const BLOCK_BYTES = 4 * 1024;
/** 8 made no lookup faster that could be told from noise. */
const RESTART_INTERVAL = 16;

export class BlockWriter {
  /** Restarts, then the whole block. */
  readonly #block = new ByteWriter(2 * BLOCK_BYTES);
  readonly #keys = new ByteWriter(BLOCK_BYTES);
  readonly #records = new ByteWriter(2 * BLOCK_BYTES);
  readonly #restarts = new ByteWriter(256);
  #entries = 0;

  get length(): number {
    return this.#keys.length + this.#records.length + this.#restarts.length;
  }

  get isEmpty(): boolean {
    return this.#entries === 0;
  }

  get isFull(): boolean {
    return this.#keys.length + this.#records.length >= BLOCK_BYTES;
  }

  /** `shared`: how many bytes of the key begin the one before as well. */
  add({ key, kind, sequence, value }: TableEntry, shared: number): void {
    const isRestart = this.#entries % RESTART_INTERVAL === 0;
    if (isRestart) {
      this.#restarts.u16(this.#keys.length);
      this.#restarts.u16(this.#records.length);
    }
    const from = isRestart ? 0 : shared;
    const recordAt = this.#records.length;
    this.#records.varint(sequence * 4 + kind);
    this.#records.raw(value);
    this.#keys.varint(from);
    this.#keys.varint(key.length - from);
    this.#keys.varint(this.#records.length - recordAt);
    this.#keys.raw(from === 0 ? key : key.subarray(from));
    this.#entries += 1;
  }

  /** The block, valid until the next finish(); what is added next begins another one. */
  finish(): Buffer {
    this.#block.clear();
    this.#block.u16(this.#restarts.length / 4);
    this.#block.u32(this.#keys.length);
    this.#block.raw(this.#restarts.view());
    this.#block.raw(this.#keys.view());
    this.#block.raw(this.#records.view());
    this.#restarts.clear();
    this.#keys.clear();
    this.#records.clear();
    this.#entries = 0;
    return this.#block.view();
  }
}
