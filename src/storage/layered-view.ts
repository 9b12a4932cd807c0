// What a reader sees: memtables over tables, newest first. The engine has one view at a time and
// makes the next when a memtable is sealed, flushed, or tables are replaced; a snapshot is a view
// without an active memtable. A read keeps the view that it began with, however long it waits.

import { common, keyAt, spanOf, spanOfSlots } from './compaction/key-region.ts';
import type { DropMap } from './drops/drop-map.ts';
import type { EngineKey, Reader, ScanLimits, ScanPage, ScanRange, Stored } from './engine.ts';
import { type EntrySource, type KeyBounds, MemtableSource, TableSource } from './entry-source.ts';
import type { Memtable } from './memtable.ts';
import { boundsOf, type Gap, PageMerge } from './page-merge.ts';
import { hashOfTableKey } from './sstable/key-hash.ts';
import type { Table } from './sstable/table-reader.ts';
import { ELSEWHERE, type KeyState, storedOf, type TableKey, tableKeyOf } from './table-entry.ts';
import type { LiveTable, TableSet } from './tables/table-set.ts';
import { LateValues } from './values/late-values.ts';

export interface Layers {
  /** Newest first; the first one may still take writes. */
  readonly memtables: readonly Memtable[];
  readonly tables: TableSet;
  readonly drops: DropMap;
}

export class LayeredView implements Reader {
  readonly #memtables: readonly Memtable[];
  readonly tables: TableSet;
  readonly #drops: DropMap;
  readonly #onError: (error: unknown) => void;

  /** `onError` is told what reads throw or reject with. */
  constructor(layers: Layers, onError: (error: unknown) => void) {
    this.#memtables = layers.memtables;
    this.tables = layers.tables;
    this.#drops = layers.drops;
    this.#onError = onError;
  }

  /** Until unpin() its memory stays as it is, and its tables open and on the disk. */
  pin(): void {
    for (const memtable of this.#memtables) memtable.hold();
    this.tables.pin();
  }

  unpin(): void {
    for (const memtable of this.#memtables) memtable.release();
    this.tables.unpin();
  }

  get(at: EngineKey): Stored | undefined | Promise<Stored | undefined> {
    const after = this.#drops.sequenceAt(at);
    for (const memtable of this.#memtables) {
      const found = memtable.get(at);
      if (found !== undefined) return storedOf(found, after);
    }
    if (this.tables.all.length === 0) return undefined;
    return this.#reading(() => this.#getFromTables(at, after));
  }

  scan(range: ScanRange, limits: ScanLimits): ScanPage | Promise<ScanPage> {
    return this.#reading(() => {
      const late = new LateValues(this.tables.values, range, limits.isSoundOnly ?? false);
      const page = this.#merge(range, limits, late).run();
      return page instanceof Promise ? page.then((each) => late.fill(each)) : late.fill(page);
    });
  }

  #getFromTables(at: EngineKey, after: number): Stored | undefined | Promise<Stored | undefined> {
    const key = tableKeyOf(at);
    const found = this.tables.get({ key, hash: hashOfTableKey(key), after });
    if (found instanceof Promise) return found.then((each) => this.#wholeOf(each, after));
    return this.#wholeOf(found, after);
  }

  /** Reads a large value where it stands. */
  #wholeOf(state: KeyState | undefined, after: number): Stored | undefined | Promise<Stored> {
    const stored = storedOf(state, after);
    if (stored === undefined || state?.kind !== ELSEWHERE) return stored;
    return this.tables.values.stored(state);
  }

  #merge(range: ScanRange, limits: ScanLimits, late: LateValues): PageMerge {
    const bounds = boundsOf(range);
    const sources: EntrySource[] = this.#memtables.map((memtable) => {
      return new MemtableSource(memtable, range, limits);
    });
    const { level0, levels } = this.tables;
    const suspects = limits.isSoundOnly ? [] : this.tables.suspects;
    const reaches = (table: LiveTable) => {
      return overlaps(table, bounds) && this.#firstShown(table, range) !== undefined;
    };
    for (const table of [...level0, ...suspects].filter(reaches)) {
      if (!(table.content instanceof Error)) sources.push(new TableSource([table.content], bounds));
    }
    for (const level of levels) {
      const tables = level.filter(reaches).map(({ content }) => content as Table);
      if (tables.length > 0) sources.push(new TableSource(tables, bounds));
    }
    const gaps = suspects.filter(reaches).flatMap((table) => this.#gapsOf(table, range));
    return new PageMerge({ range, limits, drops: this.#drops }, sources, gaps, late);
  }

  /** Where the table may have something within the range that was not dropped. */
  #firstShown({ info }: LiveTable, range: ScanRange): number | undefined {
    const span = common(spanOf(info), spanOfSlots(range));
    const place = this.#drops.firstKept(span, info.sequenceMax);
    return place < span.to ? place : undefined;
  }

  #gapsOf(table: LiveTable, range: ScanRange): Gap[] {
    const place = this.#firstShown(table, range);
    if (!(table.content instanceof Error) || place === undefined) return [];
    const keys = [table.info.firstKey, keyAt(place)].sort(Buffer.compare);
    return [{ firstKey: keys[1] as TableKey, error: table.content }];
  }

  /** Keeps everything for as long as `read` waits. */
  #reading<T>(read: () => T | Promise<T>): T | Promise<T> {
    try {
      const answer = read();
      if (!(answer instanceof Promise)) return answer;
      this.pin();
      return this.#settling(answer);
    } catch (error) {
      this.#onError(error);
      throw error;
    }
  }

  async #settling<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      this.#onError(error);
      throw error;
    } finally {
      this.unpin();
    }
  }
}

function overlaps({ info }: LiveTable, { from, to }: KeyBounds): boolean {
  return Buffer.compare(info.lastKey, from) >= 0 && Buffer.compare(info.firstKey, to) < 0;
}
