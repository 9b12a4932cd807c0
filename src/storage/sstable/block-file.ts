// The blocks of an open table, from the cache or from the disk, at once or with a promise. Every
// block that comes from the disk is checked before anyone sees it; what fails is CORRUPTION, never
// "not found".

import { copyInOwnMemory } from '../../base/bytes.ts';
import type { DiskFile } from '../../host/host.ts';
import type { Shelf } from './block-cache.ts';
import type { BlockIndex } from './block-index.ts';
import { payloadOf } from './sstable-format.ts';

/** Some consecutive blocks as one read brought them. */
export interface BlockRun {
  readonly first: number;
  readonly last: number;
  readonly bytes: Buffer;
}

/** Of one block as it stands on the disk. */
let scratch = Buffer.alloc(0);

export class BlockFile {
  readonly number: number;
  readonly index: BlockIndex;
  readonly shelf: Shelf;
  readonly #file: DiskFile;
  readonly #loading = new Map<number, Promise<Buffer>>();
  #reads = 0;
  #bytesRead = 0;

  constructor(file: DiskFile, number: number, index: BlockIndex, shelf: Shelf) {
    this.#file = file;
    this.number = number;
    this.index = index;
    this.shelf = shelf;
  }

  /** Reads from the disk, and bytes that they brought. */
  get reads(): { readonly count: number; readonly bytes: number } {
    return { count: this.#reads, bytes: this.#bytesRead };
  }

  /** For a lookup: from the cache, or from the disk and then into the cache. */
  get(block: number): Buffer | Promise<Buffer> {
    const cached = this.shelf.get(block);
    if (cached !== undefined) return cached;
    const underWay = this.#loading.get(block);
    if (underWay !== undefined) return underWay;
    return this.#getNow(block) ?? this.#getLater(block);
  }

  /** As many blocks from `first` to `last` as fit into `bytesMax`, at least one. */
  readRun(first: number, last: number, bytesMax: number): BlockRun | Promise<BlockRun> {
    const start = this.index.offset(first);
    let end = first;
    while (end < last && this.index.offset(end + 2) - start <= bytesMax) end += 1;
    const length = this.index.offset(end + 1) - start;
    this.#count(length);
    const bytes = Buffer.allocUnsafeSlow(length);
    const read = this.#file.readNow(bytes, start);
    if (read !== undefined) return { first, last: end, bytes: bytes.subarray(0, read) };
    return this.#file.read(start, length).then((later) => ({ first, last: end, bytes: later }));
  }

  /** A block of `run`, checked; a view of the run unless it was compressed. */
  blockOf(run: BlockRun, block: number): Buffer {
    const offset = this.index.offset(block);
    const from = offset - this.index.offset(run.first);
    const piece = run.bytes.subarray(from, from + this.index.length(block));
    return payloadOf(piece, this.number, offset);
  }

  /** Waits for what is being loaded. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#loading.values());
    await this.#file.close();
  }

  /** Undefined when it cannot be had without a wait. */
  #getNow(block: number): Buffer | undefined {
    const length = this.index.length(block);
    // Read into memory that is used again and again: for each lookup a piece of its own would
    // have to be collected soon after.
    if (scratch.length < length) scratch = Buffer.allocUnsafeSlow(2 * length);
    const read = this.#file.readNow(scratch.subarray(0, length), this.index.offset(block));
    if (read === undefined) return undefined;
    this.#count(length);
    const payload = payloadOf(scratch.subarray(0, read), this.number, this.index.offset(block));
    const isView = payload.buffer === scratch.buffer;
    return this.#keep(block, isView ? copyInOwnMemory(payload) : payload);
  }

  #getLater(block: number): Promise<Buffer> {
    const length = this.index.length(block);
    this.#count(length);
    const loading = this.#file
      .read(this.index.offset(block), length)
      .then((piece) => this.#keep(block, payloadOf(piece, this.number, this.index.offset(block))))
      .finally(() => this.#loading.delete(block));
    this.#loading.set(block, loading);
    return loading;
  }

  #keep(block: number, payload: Buffer): Buffer {
    this.shelf.put(block, payload);
    return payload;
  }

  #count(bytes: number): void {
    this.#reads += 1;
    this.#bytesRead += bytes;
  }
}
