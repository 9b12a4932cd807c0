// Which slots were dropped, and when: for every slot the sequence of its last drop, 0 where there
// was none. An entry that is older than the drop of its slot is hidden, wherever it stands.
//
//   keyspace 0   0 0 0 812 812 812 0 … 0        8 bytes a slot, 128 KiB a keyspace that has one
//   keyspace 5   901 901 901 … 901
//
// So it costs a look-up an entry, however many drops there were, and there is no limit to them: a
// slot forgets all but the last. LevelDB's heirs keep range tombstones in their tables instead and
// must cut and sort them for each read; that is the price of ranges of keys, which we have not got.
//
// A map never changes: readers keep the one that they began with. Places are those of
// key-region.ts, keyspace · 2^14 + slot.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { type KeyspaceNumber, SLOT_COUNT, type Slot } from '../../base/ids.ts';
import { placeOf, type Span, spanOf } from '../compaction/key-region.ts';
import type { EngineKey, SlotRange } from '../engine.ts';
import type { TableKey } from '../table-entry.ts';
import type { TableInfo } from '../table-info.ts';

export interface Drop extends SlotRange {
  readonly sequence: number;
}

type TableExtent = Pick<TableInfo, 'firstKey' | 'lastKey' | 'sequenceMax'>;

/** By slot. */
type Row = Float64Array;

export class DropMap {
  /** By keyspace; those without drops have none. */
  readonly #rows: readonly (Row | undefined)[];
  readonly isEmpty: boolean;

  /** Use NO_DROPS and with(). */
  constructor(rows: readonly (Row | undefined)[] = []) {
    this.#rows = rows;
    this.isEmpty = rows.every((row) => row === undefined);
  }

  /** 0 when the slot was not dropped. */
  sequenceAt({ keyspace, slot }: Pick<EngineKey, 'keyspace' | 'slot'>): number {
    return this.isEmpty ? 0 : (this.#rows[keyspace]?.[slot] ?? 0);
  }

  /** Whether an entry of `key` with this sequence is as if it were not there. */
  hides(key: TableKey, sequence: number): boolean {
    return !this.isEmpty && this.#after(placeOf(key), sequence);
  }

  /** The first place of the span that was not dropped after `sequence`; its end if all were. */
  firstKept(span: Span, sequence: number): number {
    if (this.isEmpty) return span.from;
    let place = span.from;
    while (place < span.to && this.#after(place, sequence)) place += 1;
    return place;
  }

  /**
   * Whether nothing of the table can be seen any more. `isWritten`: false of keyspaces of which it
   * has nothing, though they lie between others of which it has.
   */
  hidesTable(table: TableExtent, isWritten = (_: KeyspaceNumber) => true): boolean {
    if (this.isEmpty) return false;
    const span = spanOf(table);
    for (let number = keyspaceOf(span.from); number <= keyspaceOf(span.to - 1); number++) {
      const keyspace = number as KeyspaceNumber;
      if (isWritten(keyspace) && this.shownSlots(table, keyspace).length > 0) return false;
    }
    return true;
  }

  /** Slots of the keyspace in which the table may have something that can be seen. */
  shownSlots(table: TableExtent, keyspace: KeyspaceNumber): Slot[] {
    const { from, to } = slotsWithin(spanOf(table), keyspace);
    const row = this.#rows[keyspace];
    const slots: Slot[] = [];
    for (let slot = from as Slot; slot < to; slot++) {
      if (((row?.[slot] as number | undefined) ?? 0) <= table.sequenceMax) slots.push(slot);
    }
    return slots;
  }

  /**
   * Of the table's places, the share that was dropped since it was written. Keyspaces within it
   * that have no drops do not count, for nobody knows whether there are any.
   */
  hiddenShare(table: TableInfo): number {
    const span = spanOf(table);
    let hidden = 0;
    let all = 0;
    this.#eachIn(span, (row, slot) => {
      all += 1;
      if ((row[slot] as number) > table.droppedUpTo) hidden += 1;
    });
    for (const keyspace of new Set([keyspaceOf(span.from), keyspaceOf(span.to - 1)])) {
      const { from, to } = slotsWithin(span, keyspace);
      if (this.#rows[keyspace] === undefined) all += to - from;
    }
    return hidden / all;
  }

  /** `drops`: each later than all before of the same slots. */
  with(drops: readonly Drop[]): DropMap {
    if (drops.length === 0) return this;
    const rows = [...this.#rows];
    for (const { keyspace, fromSlot, toSlot, sequence } of drops) {
      const before = this.#rows[keyspace];
      const isOwn = rows[keyspace] !== before;
      if (!isOwn) rows[keyspace] = before?.slice() ?? new Float64Array(SLOT_COUNT);
      rows[keyspace]?.fill(sequence, fromSlot, toSlot + 1);
    }
    return new DropMap(rows);
  }

  /** Those of which a table has slots and did not heed them: the others hide nothing there. */
  neededBy(tables: readonly TableInfo[]): DropMap {
    if (this.isEmpty) return this;
    const rows: (Row | undefined)[] = [];
    for (const table of tables) {
      this.#eachIn(spanOf(table), (row, slot, keyspace) => {
        const sequence = row[slot] as number;
        if (sequence <= table.droppedUpTo) return;
        const needed = rows[keyspace] ?? new Float64Array(SLOT_COUNT);
        needed[slot] = sequence;
        rows[keyspace] = needed;
      });
    }
    return new DropMap(rows);
  }

  /** As few as say the same, by keyspace and slot. */
  drops(): Drop[] {
    const drops: Drop[] = [];
    for (const [keyspace, row] of this.#rows.entries()) {
      for (let from = 0, to = 0; row !== undefined && from < SLOT_COUNT; from = to) {
        const sequence = row[from] as number;
        while (to < SLOT_COUNT && row[to] === sequence) to += 1;
        if (sequence === 0) continue;
        const range = { fromSlot: from as Slot, toSlot: (to - 1) as Slot };
        drops.push({ keyspace: keyspace as KeyspaceNumber, ...range, sequence });
      }
    }
    return drops;
  }

  #after(place: number, sequence: number): boolean {
    const row = this.#rows[keyspaceOf(place)];
    return row !== undefined && (row[place % SLOT_COUNT] as number) > sequence;
  }

  /** Visits the slots of the span in keyspaces that have drops. */
  #eachIn(span: Span, visit: (row: Row, slot: number, keyspace: number) => void): void {
    for (const [keyspace, row] of this.#rows.entries()) {
      if (row === undefined) continue;
      const { from, to } = slotsWithin(span, keyspace);
      for (let slot = from; slot < to; slot++) visit(row, slot, keyspace);
    }
  }
}

function keyspaceOf(place: number): number {
  return Math.floor(place / SLOT_COUNT);
}

/** Slots of the keyspace from `from` to `to - 1`. */
function slotsWithin({ from, to }: Span, keyspace: number): Span {
  const first = keyspace * SLOT_COUNT;
  return { from: Math.max(from - first, 0), to: Math.min(to - first, SLOT_COUNT) };
}

export const NO_DROPS = new DropMap();
