// One page of a scan while it fills, and where the next one begins.

import type { Entry, ScanLimits, ScanPage, ScanRange } from '../engine.ts';

export class ScanPageBuilder {
  readonly #range: ScanRange;
  readonly #limits: ScanLimits;
  readonly #entries: Entry[] = [];
  #bytes = 0;

  constructor(range: ScanRange, limits: ScanLimits) {
    this.#range = range;
    this.#limits = limits;
  }

  /** False when the page is full and this entry belongs to the next one. */
  add(entry: Entry): boolean {
    const bytes = entry.key.length + entry.value.length;
    const { entriesMax, bytesMax } = this.#limits;
    const isFull = this.#entries.length >= entriesMax || this.#bytes + bytes > bytesMax;
    if (isFull && this.#entries.length > 0) return false;
    this.#entries.push(entry);
    this.#bytes += bytes;
    return true;
  }

  finished(hasMore: boolean): ScanPage {
    const last = this.#entries.at(-1);
    const { keyspace, toSlot } = this.#range;
    if (!hasMore || last === undefined) return { entries: this.#entries, next: undefined };
    const next = { keyspace, fromSlot: last.slot, toSlot, after: last.key };
    return { entries: this.#entries, next };
  }
}
