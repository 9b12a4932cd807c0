// Several sorted sources as one: ascending keys, and of the entries of one key only the one with
// the highest sequence. It works a block at a time, and at once while every source has its next
// block in memory: no promise per entry.
//
// A heap of sources (Knuth vol. 3, 5.4.1) by the first six bytes of the key as one number, then by
// the whole key, then by the sequence. The number decides most comparisons without a call.

import { TABLE_KEY_PREFIX_BYTES, type TableEntry, type TableKey } from '../table-entry.ts';

/** Blocks of entries, ascending by key within and across; undefined at the end. */
export interface EntryBlocks {
  nextBlock(): readonly TableEntry[] | undefined | Promise<readonly TableEntry[] | undefined>;
}

/** Entries that one nextBlock() returns at most: some 30 KiB of small ones. */
const BLOCK_ENTRIES_MAX = 256;
const NUMBER_BYTES = 6;

interface Run {
  readonly source: EntryBlocks;
  block: readonly TableEntry[];
  at: number;
  head: TableEntry;
  /** The first bytes of the head's key. */
  number: number;
}

export class MergeCursor implements EntryBlocks {
  /** A heap: the run that is next is the first. */
  readonly #runs: Run[] = [];
  /** Sources whose next block is not there yet. */
  #dry: EntryBlocks[];
  #lastKey: TableKey | undefined;
  #lastNumber = -1;
  #dropped = 0;

  constructor(sources: readonly EntryBlocks[]) {
    this.#dry = [...sources];
  }

  /** Entries so far that a newer one of the same key replaced. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Ask again only when the answer is there. Rejects or throws as the sources do. */
  nextBlock(): readonly TableEntry[] | undefined | Promise<readonly TableEntry[] | undefined> {
    for (;;) {
      while (this.#dry.length > 0) {
        const source = this.#dry[this.#dry.length - 1] as EntryBlocks;
        const block = source.nextBlock();
        if (block instanceof Promise) return block.then((each) => this.#goOn(source, each));
        this.#dry.pop();
        this.#enter(source, block);
      }
      if (this.#runs.length === 0) return undefined;
      const merged = this.#merge();
      if (merged.length > 0) return merged;
    }
  }

  #goOn(
    source: EntryBlocks,
    block: readonly TableEntry[] | undefined,
  ): ReturnType<EntryBlocks['nextBlock']> {
    this.#dry.pop();
    this.#enter(source, block);
    return this.nextBlock();
  }

  #enter(source: EntryBlocks, block: readonly TableEntry[] | undefined): void {
    const head = block?.[0];
    if (block === undefined || head === undefined) return;
    this.#runs.push({ source, block, at: 0, head, number: numberOf(head.key) });
    this.#siftUp(this.#runs.length - 1);
  }

  /** Until there is a block of them, or a source must be asked for more. */
  #merge(): TableEntry[] {
    const merged: TableEntry[] = [];
    while (merged.length < BLOCK_ENTRIES_MAX) {
      const run = this.#runs[0];
      if (run === undefined) break;
      const { head, number } = run;
      if (this.#isRepeated(head.key, number)) this.#dropped += 1;
      else {
        merged.push(head);
        this.#lastKey = head.key;
        this.#lastNumber = number;
      }
      if (!this.#step(run)) break;
    }
    return merged;
  }

  #isRepeated(key: TableKey, number: number): boolean {
    return number === this.#lastNumber && this.#lastKey?.equals(key) === true;
  }

  /** False when the run has no more entries in memory; it then leaves the heap. */
  #step(run: Run): boolean {
    run.at += 1;
    const next = run.block[run.at];
    if (next !== undefined) {
      run.head = next;
      run.number = numberOf(next.key);
      this.#siftDown();
      return true;
    }
    this.#dry.push(run.source);
    const last = this.#runs.pop() as Run;
    if (last !== run) {
      this.#runs[0] = last;
      this.#siftDown();
    }
    return false;
  }

  #siftUp(from: number): void {
    const runs = this.#runs;
    const moved = runs[from] as Run;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(moved, runs[parent] as Run)) break;
      runs[at] = runs[parent] as Run;
      at = parent;
    }
    runs[at] = moved;
  }

  #siftDown(): void {
    const runs = this.#runs;
    const moved = runs[0] as Run;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= runs.length) break;
      if (child + 1 < runs.length && isBefore(runs[child + 1] as Run, runs[child] as Run)) {
        child += 1;
      }
      if (!isBefore(runs[child] as Run, moved)) break;
      runs[at] = runs[child] as Run;
      at = child;
    }
    runs[at] = moved;
  }
}

function isBefore(one: Run, other: Run): boolean {
  if (one.number !== other.number) return one.number < other.number;
  const order = one.head.key.compare(other.head.key);
  return order !== 0 ? order < 0 : one.head.sequence > other.head.sequence;
}

/** Orders as the keys do, as far as it goes. */
function numberOf(key: TableKey): number {
  if (key.length >= NUMBER_BYTES) return key.readUIntBE(0, NUMBER_BYTES);
  const padded = Buffer.alloc(NUMBER_BYTES);
  key.copy(padded, 0, 0, Math.max(TABLE_KEY_PREFIX_BYTES, key.length));
  return padded.readUIntBE(0, NUMBER_BYTES);
}
