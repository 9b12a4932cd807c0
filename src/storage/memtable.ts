// The newest value of every key, in memory: per keyspace and slot a hash table of its keys.
// A key is a latin1 string there, because JavaScript has no hash table of bytes: one character a
// byte, so that the order of strings is the order of bytes.
//
// Order is made when someone asks for it: a slot's keys are sorted at its first scan, later new
// keys go to the end of that list, and the next scan sorts it again (cheap: one long run).
//
// Snapshots: a cell keeps its value and is only replaced. While snapshots are open, a replaced cell
// that one of them can see moves into that snapshot's own table; release() drops the table.
// Invariant: a key's state in snapshot S is its cell if cell.sequence <= S, else what S kept.

import { assert } from '../base/assert.ts';
import type {
  EngineKey,
  Entry,
  Reader,
  ScanLimits,
  ScanPage,
  ScanRange,
  Snapshot,
  Stored,
} from './engine.ts';
import { type Cell, ValueArena } from './value-arena.ts';

class SlotTable {
  readonly cells = new Map<string, Cell>();
  /** All keys since the first scan; sorted up to `sortedCount`. */
  keys: string[] | undefined;
  sortedCount = 0;

  sortedKeys(): readonly string[] {
    const keys = (this.keys ??= [...this.cells.keys()]);
    if (this.sortedCount < keys.length) {
      keys.sort(byBytes);
      this.sortedCount = keys.length;
    }
    return keys;
  }
}

/** What a reader sees of a cell; undefined: nothing. */
type Visible = (slot: SlotTable, key: string) => Cell | undefined;

/** A cell, its key as a string, its entry in the hash table: measured, roughly. */
const ENTRY_OVERHEAD_BYTES = 170;

export class Memtable implements Reader {
  /** By keyspace, then by slot. */
  readonly #keyspaces: (SlotTable | undefined)[][] = [];
  readonly #snapshots = new Set<MemtableSnapshot>();
  readonly #arena = new ValueArena();
  #entries = 0;
  #keyBytes = 0;

  get entries(): number {
    return this.#entries;
  }

  /** Keys, values and bookkeeping: an estimate. */
  get memoryBytes(): number {
    return this.#arena.bytes + this.#keyBytes + this.#entries * ENTRY_OVERHEAD_BYTES;
  }

  /** Copies `key` and `value`. Sequences never decrease. */
  put(keyspace: number, slot: number, key: Buffer, value: Buffer, sequence: number): void {
    const slots = (this.#keyspaces[keyspace] ??= []);
    const table = (slots[slot] ??= new SlotTable());
    const name = key.toString('latin1');
    const before = table.cells.get(name);
    table.cells.set(name, this.#arena.store(value, sequence));
    if (before === undefined) {
      table.keys?.push(name);
      this.#entries += 1;
      this.#keyBytes += key.length;
    } else {
      for (const snapshot of this.#snapshots) snapshot.keep(table, name, before);
      this.#arena.release(before);
    }
  }

  get(at: EngineKey): Stored | undefined {
    const table = this.#keyspaces[at.keyspace]?.[at.slot];
    return stored(table?.cells.get(at.key.toString('latin1')));
  }

  scan(range: ScanRange, limits: ScanLimits): ScanPage {
    return this.scanVisible(range, limits, (table, key) => table.cells.get(key));
  }

  /** What is there now, up to and including `sequence`. */
  snapshot(sequence: number): Snapshot {
    const snapshot = new MemtableSnapshot(this, sequence, (kept) => {
      this.#snapshots.delete(snapshot);
      for (const cell of kept) this.#arena.release(cell);
    });
    this.#snapshots.add(snapshot);
    return snapshot;
  }

  tableOf(keyspace: number, slot: number): SlotTable | undefined {
    return this.#keyspaces[keyspace]?.[slot];
  }

  scanVisible(range: ScanRange, limits: ScanLimits, visible: Visible): ScanPage {
    const page = new PageBuilder(range, limits);
    for (let slot = range.fromSlot; slot <= range.toSlot; slot++) {
      const table = this.tableOf(range.keyspace, slot);
      if (table === undefined) continue;
      const keys = table.sortedKeys();
      const after = slot === range.fromSlot ? range.after?.toString('latin1') : undefined;
      for (
        let index = after === undefined ? 0 : indexAfter(keys, after);
        index < keys.length;
        index++
      ) {
        const key = keys[index] as string;
        const cell = visible(table, key);
        if (cell !== undefined && !page.add(slot as ScanRange['fromSlot'], key, cell)) {
          return page.finished(true);
        }
      }
    }
    return page.finished(false);
  }
}

class MemtableSnapshot implements Snapshot {
  readonly #memtable: Memtable;
  readonly #sequence: number;
  readonly #onRelease: (kept: Cell[]) => void;
  /** Cells that were replaced since, by the table that they stood in. */
  readonly #kept = new Map<SlotTable, Map<string, Cell>>();
  #isReleased = false;

  constructor(memtable: Memtable, sequence: number, onRelease: (kept: Cell[]) => void) {
    this.#memtable = memtable;
    this.#sequence = sequence;
    this.#onRelease = onRelease;
  }

  keep(table: SlotTable, key: string, cell: Cell): void {
    if (cell.sequence > this.#sequence) return;
    let kept = this.#kept.get(table);
    if (kept === undefined) this.#kept.set(table, (kept = new Map()));
    kept.set(key, cell);
    cell.holders += 1;
  }

  get(at: EngineKey): Stored | undefined {
    assert(!this.#isReleased, 'a released snapshot is not read');
    const table = this.#memtable.tableOf(at.keyspace, at.slot);
    return table && stored(this.#visible(table, at.key.toString('latin1')));
  }

  scan(range: ScanRange, limits: ScanLimits): ScanPage {
    assert(!this.#isReleased, 'a released snapshot is not read');
    return this.#memtable.scanVisible(range, limits, (table, key) => this.#visible(table, key));
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#onRelease([...this.#kept.values()].flatMap((kept) => [...kept.values()]));
    this.#kept.clear();
  }

  #visible(table: SlotTable, key: string): Cell | undefined {
    const cell = table.cells.get(key);
    if (cell === undefined || cell.sequence <= this.#sequence) return cell;
    return this.#kept.get(table)?.get(key);
  }
}

class PageBuilder {
  readonly #range: ScanRange;
  readonly #limits: ScanLimits;
  readonly #entries: Entry[] = [];
  #bytes = 0;

  constructor(range: ScanRange, limits: ScanLimits) {
    this.#range = range;
    this.#limits = limits;
  }

  /** False when the page is full and this entry belongs to the next one. */
  add(slot: ScanRange['fromSlot'], key: string, cell: Cell): boolean {
    const bytes = key.length + cell.length;
    const { entriesMax, bytesMax } = this.#limits;
    const isFull = this.#entries.length >= entriesMax || this.#bytes + bytes > bytesMax;
    if (isFull && this.#entries.length > 0) return false;
    const at = { keyspace: this.#range.keyspace, slot, key: Buffer.from(key, 'latin1') };
    this.#entries.push({ ...at, value: cell.value(), sequence: cell.sequence });
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

function stored(cell: Cell | undefined): Stored | undefined {
  return cell && { value: cell.value(), sequence: cell.sequence };
}

/** The index of the first key greater than `after`. */
function indexAfter(keys: readonly string[], after: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}

function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
