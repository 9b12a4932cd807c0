// The tables of a moment as compaction looks at them: how they lie over each other in a region.
//
// Pure: no clock, no disk, no network; dice are an argument.

import type { TableInfo } from '../table-info.ts';
import { contains, meets, type Region, regionOf } from './key-region.ts';

export class TableStacks {
  readonly all: readonly TableInfo[];
  readonly flushed: readonly TableInfo[];
  readonly last: readonly TableInfo[];
  /** Between the flushed ones and the last level: newest level first, occupied levels only. */
  readonly #upper: readonly (readonly TableInfo[])[];
  readonly #regions: ReadonlyMap<TableInfo, Region>;

  constructor(tables: readonly TableInfo[], lastLevel: number) {
    this.all = tables;
    this.flushed = tables.filter(({ level }) => level === 0);
    this.last = tables.filter(({ level }) => level === lastLevel);
    const between = tables.filter(({ level }) => level > 0 && level < lastLevel);
    const levels = [...Map.groupBy(between, ({ level }) => level)];
    this.#upper = levels.sort(([one], [other]) => one - other).map(([, each]) => each);
    this.#regions = new Map(tables.map((table) => [table, regionOf(table)]));
  }

  /** Bytes above the last level. */
  get aboveBytes(): number {
    const upper = this.#upper.flat();
    return [...this.flushed, ...upper].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  regionOf(table: TableInfo): Region {
    return this.#regions.get(table) as Region;
  }

  /** Every region that a table of the upper levels takes up, once. */
  upperRegions(): Region[] {
    const regions = this.#upper.flat().map((table) => this.regionOf(table));
    return [...new Map(regions.map((region) => [`${region.from}-${region.to}`, region])).values()];
  }

  /**
   * The runs over a region that lie wholly within it, newest first, from the oldest up to where
   * one reaches beyond it: together they may be merged, with what is below or among themselves.
   */
  columnOf(region: Region): (readonly TableInfo[])[] {
    const column: (readonly TableInfo[])[] = [];
    for (const level of this.#upper.toReversed()) {
      const run = level.filter((table) => meets(this.regionOf(table), region));
      if (run.length === 0) continue;
      if (!run.every((table) => contains(region, this.regionOf(table)))) break;
      column.unshift(run);
    }
    return column;
  }

  /** The most of these tables that lie over one place: levels alone say less, they have gaps. */
  heightOf(tables: readonly TableInfo[]): number {
    const regions = tables.map((table) => this.regionOf(table));
    const over = (inner: Region) => regions.filter((region) => contains(region, inner)).length;
    return Math.max(...regions.map(over));
  }
}
