// The blocks of an open table, from the cache or from the disk. Every block that comes from the
// disk is checked before anyone sees it; what fails is CORRUPTION, never "not found".

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

  /** For a lookup that missed: into the cache, and shared by all who want it meanwhile. */
  load(block: number): Promise<Buffer> {
    const underWay = this.#loading.get(block);
    if (underWay !== undefined) return underWay;
    const loading = this.#load(block);
    this.#loading.set(block, loading);
    return loading;
  }

  /** As many blocks from `first` to `last` as fit into `bytesMax`, at least one. */
  async readRun(first: number, last: number, bytesMax: number): Promise<BlockRun> {
    const start = this.index.offset(first);
    let end = first;
    while (end < last && this.index.offset(end + 2) - start <= bytesMax) end += 1;
    const length = this.index.offset(end + 1) - start;
    const bytes = await this.#file.read(start, length);
    this.#reads += 1;
    this.#bytesRead += bytes.length;
    return { first, last: end, bytes };
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

  async #load(block: number): Promise<Buffer> {
    try {
      const payload = this.blockOf(await this.readRun(block, block, 0), block);
      this.shelf.put(block, payload);
      return payload;
    } finally {
      this.#loading.delete(block);
    }
  }
}
