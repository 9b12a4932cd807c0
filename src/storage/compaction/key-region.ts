// Regions of the key space: halves, quarters, eighths … of all (keyspace, slot), so that any two
// of them either nest or do not meet. Tables are cut where regions meet, and so a coarse table lies
// over whole finer ones: what must be merged with it is exactly what lies under it, and a step
// never grows into its neighbours (the shards of Cassandra's unified strategy do the same).
//
//   |               |               |      2 tables of a young run
//   |       |       |       |       |      4 of an older one, twice as dense
//   |   |   |   |   |   |   |   |   |      8 of the oldest
//
// A place is keyspace · 2^14 + slot; slots are uniform hashes, so bytes spread evenly over a table.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { SLOT_COUNT } from '../../base/ids.ts';
import type { SlotRange } from '../engine.ts';
import { TABLE_KEY_PREFIX_BYTES, type TableKey } from '../table-entry.ts';
import type { TableInfo } from '../table-info.ts';

const SLOT_BITS = 14;
/** 256 keyspaces of 2^14 slots. */
const PLACE_BITS = 8 + SLOT_BITS;

/** Places from `from` to `to - 1`. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A power of two of places, aligned to their number. */
export type Region = Span;

const EVERYWHERE: Region = { from: 0, to: 2 ** PLACE_BITS };

export function placeOf(key: TableKey): number {
  return (((key[0] as number) << SLOT_BITS) | key.readUInt16BE(1)) >>> 0;
}

/** The smallest key of a place. */
export function keyAt(place: number): TableKey {
  const key = Buffer.alloc(TABLE_KEY_PREFIX_BYTES);
  key[0] = place >>> SLOT_BITS;
  key.writeUInt16BE(place & (2 ** SLOT_BITS - 1), 1);
  return key;
}

/** The smallest region that holds the whole table. */
export function regionOf({ firstKey, lastKey }: TableInfo): Region {
  const first = placeOf(firstKey);
  const bits = 32 - Math.clz32(first ^ placeOf(lastKey));
  const from = (first >>> bits) << bits;
  return { from, to: from + 2 ** bits };
}

export function contains(outer: Span, inner: Span): boolean {
  return outer.from <= inner.from && inner.to <= outer.to;
}

export function meets(one: Span, other: Span): boolean {
  return one.from < other.to && other.from < one.to;
}

/** Roughly how many bytes of the table lie in the span. */
export function bytesWithin(table: TableInfo, { from, to }: Span): number {
  const own = spanOf(table);
  const both = common(own, { from, to });
  const shared = both.to - both.from;
  return shared <= 0 ? 0 : (table.bytes * shared) / (own.to - own.from);
}

/** From the first place of any of these tables within the region to the last. */
export function spanWithin(tables: readonly TableInfo[], region: Region): Span {
  const spans = tables.map(spanOf).filter((span) => meets(span, region));
  const from = Math.min(...spans.map((span) => span.from));
  const to = Math.max(...spans.map((span) => span.to));
  return { from: Math.max(from, region.from), to: Math.min(to, region.to) };
}

export function spanOf({ firstKey, lastKey }: Pick<TableInfo, 'firstKey' | 'lastKey'>): Span {
  return { from: placeOf(firstKey), to: placeOf(lastKey) + 1 };
}

export function spanOfSlots({ keyspace, fromSlot, toSlot }: SlotRange): Span {
  const first = keyspace * SLOT_COUNT;
  return { from: first + fromSlot, to: first + toSlot + 1 };
}

/** Empty, with `from` at or beyond `to`, when they do not meet. */
export function common(one: Span, other: Span): Span {
  return { from: Math.max(one.from, other.from), to: Math.min(one.to, other.to) };
}

/** Regions that together hold all of `tables`, each of about `bytesTarget` or a single place. */
export function cut(tables: readonly TableInfo[], bytesTarget: number): Region[] {
  // A region of 1.5 targets stays whole: its halves would be smaller than a target by more.
  const bytesMax = 1.5 * bytesTarget;
  const halved = (region: Region): Region[] => {
    const bytes = tables.reduce((sum, table) => sum + bytesWithin(table, region), 0);
    if (bytes === 0) return [];
    const size = region.to - region.from;
    if (bytes <= bytesMax || size === 1) return [region];
    const middle = region.from + size / 2;
    return [
      ...halved({ from: region.from, to: middle }),
      ...halved({ from: middle, to: region.to }),
    ];
  };
  return halved(EVERYWHERE);
}
