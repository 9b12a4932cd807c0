// Entries of one table in the order of their keys, a block at a time, so that nobody waits for
// each entry. Consecutive blocks are read together: for a scan twice as many each time, because it
// may end soon; for a compaction, which will not, as many as are worth it from the start.

import { copyInOwnMemory } from '../../base/bytes.ts';
import type { TableEntry, TableKey } from '../table-entry.ts';
import { entriesOf } from './block.ts';
import type { BlockFile, BlockRun } from './block-file.ts';
import { decoding } from './sstable-format.ts';

export interface CursorOptions {
  /** Keeps what it reads in the cache; not for those who read a table once (default: true). */
  readonly fillCache?: boolean;
}

const READ_BYTES_MIN = 16 * 1024;
const READ_BYTES_MAX = 256 * 1024;

export class TableCursor {
  readonly #file: BlockFile;
  readonly #from: TableKey;
  readonly #to: TableKey | undefined;
  readonly #fillCache: boolean;
  readonly #firstBlock: number;
  readonly #lastBlock: number;
  #block: number;
  #run: BlockRun | undefined;
  #readBytes: number;

  constructor(
    file: BlockFile,
    range: { readonly from: TableKey; readonly to: TableKey | undefined },
    options: CursorOptions,
  ) {
    this.#file = file;
    this.#from = range.from;
    this.#to = range.to;
    this.#fillCache = options.fillCache ?? true;
    this.#readBytes = this.#fillCache ? READ_BYTES_MIN : READ_BYTES_MAX;
    this.#firstBlock = file.index.find(range.from);
    this.#block = this.#firstBlock;
    this.#lastBlock = range.to === undefined ? file.index.blocks - 1 : file.index.find(range.to);
  }

  /**
   * The next entries, at least one; undefined at the end. At once when the block is in memory.
   * Ask again only when the answer is there. Rejects (or throws) with CORRUPTION or IO_ERROR; the
   * next call then tries the same block again.
   */
  nextBlock(): readonly TableEntry[] | undefined | Promise<readonly TableEntry[] | undefined> {
    while (this.#block <= this.#lastBlock) {
      const payload = this.#inMemory(this.#block);
      if (payload === undefined) {
        const run = this.#readAhead();
        if (run instanceof Promise) return run.then((each) => this.#enter(each).nextBlock());
        this.#enter(run);
        continue;
      }
      const offset = this.#file.index.offset(this.#block);
      const entries = decoding(this.#file.number, offset, () => entriesOf(payload));
      const wanted = this.#within(entries);
      this.#block += 1;
      if (wanted.length > 0) return wanted;
    }
    return undefined;
  }

  #inMemory(block: number): Buffer | undefined {
    const run = this.#run;
    if (run === undefined || block < run.first || block > run.last) {
      return this.#file.shelf.peek(block);
    }
    const payload = this.#file.blockOf(run, block);
    // The run would stay in memory with any one of its blocks.
    if (this.#fillCache) this.#file.shelf.put(block, copyInOwnMemory(payload));
    return payload;
  }

  #readAhead(): BlockRun | Promise<BlockRun> {
    const first = this.#block;
    let last = first;
    while (last < this.#lastBlock && this.#file.shelf.peek(last + 1) === undefined) last += 1;
    return this.#file.readRun(first, last, this.#readBytes);
  }

  #enter(run: BlockRun): this {
    this.#run = run;
    this.#readBytes = Math.min(READ_BYTES_MAX, 2 * this.#readBytes);
    return this;
  }

  #within(entries: TableEntry[]): TableEntry[] {
    const from = this.#from;
    const to = this.#to;
    let wanted = entries;
    if (this.#block === this.#firstBlock)
      wanted = wanted.filter(({ key }) => key.compare(from) >= 0);
    if (to === undefined || this.#block < this.#lastBlock) return wanted;
    return wanted.filter(({ key }) => key.compare(to) <= 0);
  }
}
