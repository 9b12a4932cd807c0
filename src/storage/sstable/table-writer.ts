// Writes a table from entries in the order of their keys: flush and compaction end here. The bytes
// are drawn in sstable-format.ts. Nothing is written twice, and what is in memory meanwhile is one
// block, the bytes of the next write, and per key 8 bytes for the filter and half a byte of index.
//
// A table is nothing until finish() has resolved and the caller has synced the directory; when
// anything rejects, the caller closes and removes the file.

import { assert } from '../../base/assert.ts';
import { ByteWriter } from '../../base/bytes.ts';
import { crc32 } from '../../base/checksum.ts';
import type { DiskFile } from '../../host/host.ts';
import { ELSEWHERE, REMOVAL, type TableEntry, type TableKey } from '../table-entry.ts';
import type { TableFile } from '../table-info.ts';
import { decodePointer } from '../values/value-pointer.ts';
import { UseCounter } from '../values/value-use.ts';
import { IndexWriter } from './block-index.ts';
import { BlockWriter } from './block-writer.ts';
import { FilterWriter } from './filter.ts';
import { hashOfTableKey } from './key-hash.ts';
import { PLAIN, seedOf, writePiece } from './piece.ts';
import { encodeFooter, type Layout } from './sstable-format.ts';
import { encodeProperties } from './table-properties.ts';

export interface TableWriterOptions {
  /** Each block with LZ4 where that saves an eighth. */
  readonly compression: boolean;
  /** How many there will be, roughly: the filter takes its shape from it. */
  readonly expectedEntries: number;
}

/** Large enough that a write costs little beside building what it writes. */
const WRITE_BYTES = 256 * 1024;
/** What the filter adds to a table, roughly. */
const FILTER_BYTES_PER_ENTRY = 1.14;

export class TableWriter {
  readonly #file: DiskFile;
  readonly #number: number;
  readonly #compression: boolean;
  readonly #block = new BlockWriter();
  readonly #index = new IndexWriter();
  readonly #filter: FilterWriter;
  /** Built, but not yet given to the file. */
  readonly #out = new ByteWriter(WRITE_BYTES + 64 * 1024);
  #written = 0;
  #isWriting = false;
  #firstKey: TableKey = Buffer.alloc(0);
  /** The key that was added last: the first #lastLength bytes. */
  #last: TableKey = Buffer.alloc(64);
  #lastLength = 0;
  #entries = 0;
  #removals = 0;
  readonly #uses = new UseCounter();
  #rawBytes = 0;
  #sequenceMin = Number.MAX_SAFE_INTEGER;
  #sequenceMax = 0;

  /** `file` is new and empty, and the caller's to close. */
  constructor(file: DiskFile, number: number, options: TableWriterOptions) {
    this.#file = file;
    this.#number = number;
    this.#compression = options.compression;
    this.#filter = new FilterWriter(options.expectedEntries);
  }

  /** How large the file would be if the table ended here. */
  get estimatedBytes(): number {
    const parts = this.#index.length + Math.ceil(this.#entries * FILTER_BYTES_PER_ENTRY);
    return this.#offset + this.#block.length + parts;
  }

  /**
   * Copies `entry`, whose key is above all before. A promise when bytes must be written: wait for
   * it. It rejects with DISK_FULL or IO_ERROR.
   */
  add(entry: TableEntry): void | Promise<void> {
    assert(!this.#isWriting, 'add() waits for the promise of the one before');
    const shared = this.#sharedWithLast(entry.key);
    if (this.#block.isEmpty) {
      if (this.#entries === 0) this.#firstKey = Buffer.from(entry.key);
      this.#index.begin(entry.key.subarray(0, Math.min(shared + 1, entry.key.length)));
    }
    this.#block.add(entry, shared);
    this.#filter.add(hashOfTableKey(entry.key));
    this.#note(entry, shared);
    if (!this.#block.isFull) return;
    this.#endBlock();
    if (this.#out.length >= WRITE_BYTES) return this.#write();
  }

  /** Ends the table and syncs the file; rejects with DISK_FULL or IO_ERROR. */
  async finish(): Promise<TableFile> {
    assert(this.#entries > 0, 'a table has entries');
    if (!this.#block.isEmpty) this.#endBlock();
    const blocksBytes = this.#offset;
    const filterBytes = await this.#writeFilter();
    const indexBytes = this.#writePiece(this.#index.encode(), false);
    const about = this.#about();
    const properties = encodeProperties({ ...about, rawBytes: this.#rawBytes });
    const propertiesBytes = this.#writePiece(properties, false);
    const layout: Layout = { blocksBytes, filterBytes, indexBytes, propertiesBytes };
    this.#out.raw(encodeFooter(layout, this.#number));
    await this.#write();
    await this.#file.sync();
    return { number: this.#number, bytes: this.#written, ...about };
  }

  get #offset(): number {
    return this.#written + this.#out.length;
  }

  /** How many bytes begin both `key` and the key before. */
  #sharedWithLast(key: TableKey): number {
    const last = this.#last;
    const most = Math.min(key.length, this.#lastLength);
    let shared = 0;
    while (shared < most && key[shared] === last[shared]) shared += 1;
    const isAbove =
      shared < most
        ? (key[shared] as number) > (last[shared] as number)
        : key.length > this.#lastLength || this.#entries === 0;
    assert(isAbove, 'the keys of a table ascend');
    return shared;
  }

  #note({ key, kind, sequence, value }: TableEntry, shared: number): void {
    if (key.length > this.#last.length) {
      this.#last = Buffer.concat([this.#last.subarray(0, shared)], 2 * key.length);
    }
    for (let at = shared; at < key.length; at++) this.#last[at] = key[at] as number;
    this.#lastLength = key.length;
    this.#entries += 1;
    if (kind === REMOVAL) this.#removals += 1;
    if (kind === ELSEWHERE) this.#uses.add(decodePointer(value));
    this.#rawBytes += key.length + value.length;
    if (sequence < this.#sequenceMin) this.#sequenceMin = sequence;
    if (sequence > this.#sequenceMax) this.#sequenceMax = sequence;
  }

  #endBlock(): void {
    const payload = this.#block.finish();
    this.#index.end(this.#writePiece(payload, this.#compression));
  }

  /** The filter as one piece, a write for each of its parts; its length. */
  async #writeFilter(): Promise<number> {
    const offset = this.#offset;
    let sum = seedOf(this.#number, offset);
    const flag = Buffer.from([PLAIN]);
    this.#out.raw(flag);
    sum = crc32(flag, sum);
    for (const part of this.#filter.finish()) {
      this.#out.raw(part);
      sum = crc32(part, sum);
      await this.#write();
    }
    this.#out.u32(sum);
    return this.#offset - offset;
  }

  /** Its length. */
  #writePiece(payload: Buffer, compression: boolean): number {
    const place = { number: this.#number, offset: this.#offset };
    writePiece(this.#out, payload, place, compression);
    return this.#offset - place.offset;
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    await this.#file.append(this.#out.view());
    this.#written += this.#out.length;
    this.#out.clear();
    this.#isWriting = false;
  }

  #about(): Omit<TableFile, 'number' | 'bytes'> {
    return {
      entries: this.#entries,
      removals: this.#removals,
      values: this.#uses.uses(),
      firstKey: this.#firstKey,
      lastKey: Buffer.from(this.#last.subarray(0, this.#lastLength)),
      sequenceMin: this.#sequenceMin,
      sequenceMax: this.#sequenceMax,
    };
  }
}
