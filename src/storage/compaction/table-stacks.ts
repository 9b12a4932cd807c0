// The tables of a moment as compaction looks at them: how they lie over each other in a region.
// The tables of a level stand in the order of their keys, so that those within a region are found
// by halving: a plan over 100 GB of tables must not hold up requests.
//
// Pure: no clock, no disk, no network; dice are an argument.

import type { TableInfo } from '../table-info.ts';
import { bytesOfUses } from '../values/value-use.ts';
import { contains, meets, type Region, regionOf, type Span, spanOf } from './key-region.ts';

interface Level {
  readonly level: number;
  /** Without overlap, in the order of their keys. */
  readonly tables: readonly TableInfo[];
}

export class TableStacks {
  readonly all: readonly TableInfo[];
  readonly flushed: readonly TableInfo[];
  /** In the order of their keys. */
  readonly last: readonly TableInfo[];
  readonly lastBytes: number;
  /** Everything above the last level, and its bytes. */
  readonly above: readonly TableInfo[];
  readonly aboveBytes: number;
  /** Every region that a table between level 0 and the last one takes up, once. */
  readonly upperRegions: readonly Region[];
  /** From level 1 on, those with tables, ascending. */
  readonly #levels: readonly Level[];
  readonly #lastLevel: number;
  /** On average, large values included. */
  readonly #lastEntryBytes: number;
  readonly #suspectSpans: readonly Span[];
  readonly #spans: ReadonlyMap<TableInfo, Span>;

  /** `suspects` are no part of any stack. */
  constructor(tables: readonly TableInfo[], suspects: readonly TableInfo[], lastLevel: number) {
    this.all = tables;
    this.#suspectSpans = suspects.map(spanOf);
    this.flushed = tables.filter(({ level }) => level === 0);
    this.#lastLevel = lastLevel;
    this.#spans = new Map(tables.map((table) => [table, spanOf(table)]));
    const deeper = tables.filter(({ level }) => level > 0);
    this.#levels = [...Map.groupBy(deeper, ({ level }) => level)]
      .map(([level, each]) => ({
        level,
        tables: each.sort((a, b) => a.firstKey.compare(b.firstKey)),
      }))
      .sort((one, other) => one.level - other.level);
    this.last = this.#levels.find(({ level }) => level === lastLevel)?.tables ?? [];
    this.lastBytes = bytesOf(this.last);
    const lastEntries = this.last.reduce((sum, { entries }) => sum + entries, 0);
    this.#lastEntryBytes = wholeBytesOf(this.last) / Math.max(1, lastEntries);
    this.above = tables.filter(({ level }) => level < lastLevel);
    this.aboveBytes = bytesOf(this.above);
    const upper = deeper.filter(({ level }) => level < lastLevel).map(regionOf);
    const key = ({ from, to }: Region) => from * 2 ** 24 + to;
    this.upperRegions = [...new Map(upper.map((region) => [key(region), region])).values()];
  }

  /** Those of the last level that have something in the region. */
  lastIn(region: Region): readonly TableInfo[] {
    return this.#within(this.last, region);
  }

  /**
   * The runs over a region that lie wholly within it, newest first, from the oldest up to where
   * one reaches beyond it: together they may be merged, with what is below or among themselves.
   */
  columnOf(region: Region): (readonly TableInfo[])[] {
    const column: (readonly TableInfo[])[] = [];
    for (const { level, tables } of this.#levels.toReversed()) {
      if (level === this.#lastLevel) continue;
      const run = this.#within(tables, region);
      if (run.length === 0) continue;
      if (!run.every((table) => contains(region, this.#spanOf(table)))) break;
      column.unshift(run);
    }
    return column;
  }

  /** The deepest level above everything below `level` that has something in the span. */
  deepestOver(span: Span, level: number): number {
    const below = this.#levels.find(
      (each) => each.level > level && this.#within(each.tables, span).length > 0,
    );
    return below === undefined ? this.#lastLevel : below.level - 1;
  }

  hasSuspectOver(span: Span): boolean {
    return this.#suspectSpans.some((suspect) => meets(suspect, span));
  }

  /** Bytes, those of large values too, and for each removal those of an entry of the last level. */
  weightOf(tables: readonly TableInfo[]): number {
    const removals = tables.reduce((sum, table) => sum + table.removals, 0);
    return wholeBytesOf(tables) + removals * this.#lastEntryBytes;
  }

  /** The most of these tables that lie over one place: levels alone say less, they have gaps. */
  heightOf(tables: readonly TableInfo[]): number {
    const spans = tables.map((table) => this.#spanOf(table));
    const starts = spans.map(({ from }) => from).sort((a, b) => a - b);
    const ends = spans.map(({ to }) => to).sort((a, b) => a - b);
    let most = 0;
    let ended = 0;
    starts.forEach((start, begun) => {
      while ((ends[ended] as number) <= start) ended += 1;
      most = Math.max(most, begun + 1 - ended);
    });
    return most;
  }

  #within(tables: readonly TableInfo[], { from, to }: Span): readonly TableInfo[] {
    const first = this.#firstWhere(tables, (span) => span.to > from);
    const end = this.#firstWhere(tables, (span) => span.from >= to);
    return tables.slice(first, Math.max(first, end));
  }

  /** `isSo` is false, then true, in the order of keys. */
  #firstWhere(tables: readonly TableInfo[], isSo: (span: Span) => boolean): number {
    let low = 0;
    let high = tables.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isSo(this.#spanOf(tables[middle] as TableInfo))) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #spanOf(table: TableInfo): Span {
    return this.#spans.get(table) as Span;
  }
}

export function bytesOf(tables: readonly TableInfo[]): number {
  return tables.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** With the values that the tables refer to. */
function wholeBytesOf(tables: readonly TableInfo[]): number {
  return tables.reduce((sum, { values }) => sum + bytesOfUses(values), bytesOf(tables));
}
