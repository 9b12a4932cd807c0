// Where the entries of a scan come from, each in the order of keys: a memtable, and the tables of a
// level one behind the other. None of them reads ahead further than a page or a few blocks.

import type { ScanLimits, ScanRange } from './engine.ts';
import type { MemtablePage } from './memtable/memtable-page.ts';
import type { Memtable } from './memtable.ts';
import type { TableCursor } from './sstable/table-cursor.ts';
import type { Table } from './sstable/table-reader.ts';
import type { TableEntry, TableKey } from './table-entry.ts';

/** Ascending by key, beginning where the scan begins. */
export interface EntrySource {
  /** Goes to the next entry, or to the first; undefined after the last. */
  next(): TableEntry | undefined | Promise<TableEntry | undefined>;
}

/** `from` is inclusive, `to` is not. */
export interface KeyBounds {
  readonly from: TableKey;
  readonly to: TableKey;
}

/** Writes that come while it is read may or may not be seen. */
export class MemtableSource implements EntrySource {
  readonly #memtable: Memtable;
  readonly #limits: ScanLimits;
  #page: MemtablePage;
  #at = 0;

  constructor(memtable: Memtable, range: ScanRange, limits: ScanLimits) {
    this.#memtable = memtable;
    this.#limits = limits;
    this.#page = memtable.scan(range, limits);
  }

  next(): TableEntry | undefined {
    const { entries, next } = this.#page;
    const entry = entries[this.#at++];
    if (entry !== undefined) return entry;
    if (next === undefined) return undefined;
    this.#page = this.#memtable.scan(next, this.#limits);
    this.#at = 0;
    return this.next();
  }
}

/** `tables`: in the order of their keys, without overlap; one, or those of a level. */
export class TableSource implements EntrySource {
  readonly #tables: readonly Table[];
  readonly #bounds: KeyBounds;
  #nextTable = 0;
  #cursor: TableCursor | undefined;
  #block: readonly TableEntry[] = [];
  #at = 0;

  constructor(tables: readonly Table[], bounds: KeyBounds) {
    this.#tables = tables;
    this.#bounds = bounds;
  }

  next(): TableEntry | undefined | Promise<TableEntry | undefined> {
    while (this.#at >= this.#block.length) {
      const { from, to } = this.#bounds;
      this.#cursor ??= this.#tables[this.#nextTable++]?.cursor(from, to);
      if (this.#cursor === undefined) return undefined;
      const block = this.#cursor.nextBlock();
      if (block instanceof Promise) return block.then((each) => this.#enter(each));
      this.#stand(block);
    }
    return this.#block[this.#at++];
  }

  #enter(block: readonly TableEntry[] | undefined): ReturnType<TableSource['next']> {
    this.#stand(block);
    return this.next();
  }

  #stand(block: readonly TableEntry[] | undefined): void {
    this.#block = block ?? [];
    this.#at = 0;
    if (block === undefined) this.#cursor = undefined;
  }
}
