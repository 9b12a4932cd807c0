// The blocks of an open table, from the cache or from the disk, at once or with a promise. Every
// block that comes from the disk is checked before anyone sees it; what fails is CORRUPTION, never
// "not found".

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
    const run = this.readRun(block, block, 0);
    if (!(run instanceof Promise)) return this.#keep(run);
    const loading = run.then((each) => this.#keep(each)).finally(() => this.#loading.delete(block));
    this.#loading.set(block, loading);
    return loading;
  }

  /** As many blocks from `first` to `last` as fit into `bytesMax`, at least one. */
  readRun(first: number, last: number, bytesMax: number): BlockRun | Promise<BlockRun> {
    const start = this.index.offset(first);
    let end = first;
    while (end < last && this.index.offset(end + 2) - start <= bytesMax) end += 1;
    const length = this.index.offset(end + 1) - start;
    this.#reads += 1;
    this.#bytesRead += length;
    const bytes = this.#file.readNow(start, length);
    if (bytes !== undefined) return { first, last: end, bytes };
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

  /** The one block of `run`, now also in the cache. */
  #keep(run: BlockRun): Buffer {
    const payload = this.blockOf(run, run.first);
    this.shelf.put(run.first, payload);
    return payload;
  }
}
