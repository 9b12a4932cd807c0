// One page of a memtable while it fills, and where the next one begins. Removed keys stand in it:
// they hide what older tables know.

import type { ScanLimits, ScanRange } from '../engine.ts';
import { engineKeyOf, TABLE_KEY_PREFIX_BYTES, type TableEntry } from '../table-entry.ts';

export interface MemtablePage {
  /** Ordered by key. At least one, unless the range is empty. */
  readonly entries: readonly TableEntry[];
  /** Where the next page begins; undefined when the range was read to its end. */
  readonly next: ScanRange | undefined;
}

export class MemtablePageBuilder {
  readonly #range: ScanRange;
  readonly #limits: ScanLimits;
  readonly #entries: TableEntry[] = [];
  #bytes = 0;

  constructor(range: ScanRange, limits: ScanLimits) {
    this.#range = range;
    this.#limits = limits;
  }

  /** False when the page is full and this entry belongs to the next one. */
  add(entry: TableEntry): boolean {
    const bytes = entry.key.length - TABLE_KEY_PREFIX_BYTES + entry.value.length;
    const { entriesMax, bytesMax } = this.#limits;
    const isFull = this.#entries.length >= entriesMax || this.#bytes + bytes > bytesMax;
    if (isFull && this.#entries.length > 0) return false;
    this.#entries.push(entry);
    this.#bytes += bytes;
    return true;
  }

  finished(hasMore: boolean): MemtablePage {
    const last = this.#entries.at(-1);
    const { keyspace, toSlot } = this.#range;
    if (!hasMore || last === undefined) return { entries: this.#entries, next: undefined };
    const { slot, key } = engineKeyOf(last.key);
    return { entries: this.#entries, next: { keyspace, fromSlot: slot, toSlot, after: key } };
  }
}
