// One page of a scan, merged from everything that may hold a part of it: memtables, tables, and
// places of which nothing is known because their table is damaged. Of the entries of one key the
// one with the highest sequence stands in the page, unless it is a removal or was dropped. Never
// more is held than the page and one entry of each source.
//
// It runs at once while the sources answer at once, and goes on as a promise where one must read
// the disk. A failure ends the page before the place that it struck; only a page that would be
// empty rejects. So a scan shows all that can be read, in order, up to the first damaged place.
//
// Of large values the page has pointers, and `late` is told where: it reads them in the end.

import { SLOT_COUNT } from '../base/ids.ts';
import type { DropMap } from './drops/drop-map.ts';
import type { EngineKey, Entry, ScanLimits, ScanPage, ScanRange } from './engine.ts';
import type { EntrySource, KeyBounds } from './entry-source.ts';
import {
  ELSEWHERE,
  engineKeyOf,
  REMOVAL,
  TABLE_KEY_PREFIX_BYTES,
  type TableEntry,
  type TableKey,
  tableKeyOf,
} from './table-entry.ts';
import type { LateValues } from './values/late-values.ts';
import { decodePointer } from './values/value-pointer.ts';

export interface PageOrder {
  readonly range: ScanRange;
  readonly limits: ScanLimits;
  readonly drops: DropMap;
}

/** From this key on nobody knows what is missing. */
export interface Gap {
  readonly firstKey: TableKey;
  readonly error: Error;
}

const NUL = Buffer.alloc(1);
/** A page ends when it has passed over so many: a few milliseconds, and others have their turn. */
const HIDDEN_MAX = 4096;

export function boundsOf({ keyspace, fromSlot, toSlot, after }: ScanRange): KeyBounds {
  const from = tableKeyOf({ keyspace, slot: fromSlot, key: after ?? Buffer.alloc(0) });
  const to = Buffer.alloc(3);
  to[0] = keyspace;
  to.writeUInt16BE(Math.min(toSlot, SLOT_COUNT - 1) + 1, 1);
  // The smallest key after `after` is the same with a zero behind it.
  return { from: after === undefined ? from : Buffer.concat([from, NUL]), to };
}

/** What of `range` comes behind an entry of it. */
export function rangeAfter({ keyspace, toSlot }: ScanRange, { slot, key }: EngineKey): ScanRange {
  return { keyspace, fromSlot: slot, toSlot, after: key };
}

export class PageMerge {
  readonly #range: ScanRange;
  readonly #limits: ScanLimits;
  readonly #drops: DropMap;
  readonly #to: TableKey;
  readonly #sources: readonly EntrySource[];
  /** Where each source stands; the same index. */
  readonly #heads: (TableEntry | undefined)[];
  readonly #gap: Gap | undefined;
  readonly #late: LateValues;
  readonly #entries: Entry[] = [];
  #bytes = 0;
  /** Keys that were passed over because they were removed or dropped. */
  #hidden = 0;
  /** Sources from here on have not said their first entry yet. */
  #primed = 0;

  /** `gaps`: those that overlap the range. */
  constructor(
    { range, limits, drops }: PageOrder,
    sources: readonly EntrySource[],
    gaps: readonly Gap[],
    late: LateValues,
  ) {
    this.#range = range;
    this.#limits = limits;
    this.#drops = drops;
    this.#to = boundsOf(range).to;
    this.#sources = sources;
    this.#heads = sources.map(() => undefined);
    this.#late = late;
    this.#gap = gaps.toSorted((a, b) => Buffer.compare(a.firstKey, b.firstKey))[0];
  }

  run(): ScanPage | Promise<ScanPage> {
    try {
      return this.#run();
    } catch (error) {
      return this.#cutShort(error);
    }
  }

  #run(): ScanPage | Promise<ScanPage> {
    while (this.#primed < this.#sources.length) {
      const waiting = this.#advance(this.#primed);
      this.#primed += 1;
      if (waiting !== undefined) return this.#after(waiting);
    }
    for (;;) {
      const index = this.#smallest();
      const entry = this.#heads[index];
      const isOver = entry === undefined || Buffer.compare(entry.key, this.#to) >= 0;
      const gap = this.#gap;
      if (gap !== undefined && (isOver || Buffer.compare(entry.key, gap.firstKey) >= 0)) {
        return this.#cutShort(gap.error);
      }
      if (isOver) return { entries: this.#entries, next: undefined };
      if (!this.#isShown(entry)) {
        this.#hidden += 1;
        if (this.#hidden === HIDDEN_MAX) return this.#pageUpTo(engineKeyOf(entry.key));
      } else if (!this.#add(entry)) {
        return this.#pageUpTo(this.#entries.at(-1) as Entry);
      }
      const waiting = this.#pass(entry.key);
      if (waiting !== undefined) return this.#after(waiting);
    }
  }

  #after(waiting: Promise<unknown>): Promise<ScanPage> {
    return waiting.then(
      () => this.run(),
      (error) => this.#cutShort(error),
    );
  }

  #isShown({ key, kind, sequence }: TableEntry): boolean {
    return kind !== REMOVAL && !this.#drops.hides(key, sequence);
  }

  /** The source with the smallest key, and of those the newest entry. */
  #smallest(): number {
    let best = -1;
    for (let index = 0; index < this.#heads.length; index++) {
      const head = this.#heads[index];
      if (head === undefined) continue;
      const other = this.#heads[best];
      const order = other === undefined ? -1 : Buffer.compare(head.key, other.key);
      if (order < 0 || (order === 0 && head.sequence > (other as TableEntry).sequence)) {
        best = index;
      }
    }
    return best;
  }

  /** Moves every source that stands at `key` on; a promise when one of them reads the disk. */
  #pass(key: TableKey): Promise<unknown> | undefined {
    let waiting: Promise<unknown>[] | undefined;
    for (let index = 0; index < this.#heads.length; index++) {
      const head = this.#heads[index];
      if (head === undefined || !head.key.equals(key)) continue;
      const moved = this.#advance(index);
      if (moved !== undefined) (waiting ??= []).push(moved);
    }
    return waiting && Promise.all(waiting);
  }

  #advance(index: number): Promise<unknown> | undefined {
    try {
      const next = (this.#sources[index] as EntrySource).next();
      if (next instanceof Promise) return next.then((entry) => this.#stand(index, entry));
      this.#stand(index, next);
      return undefined;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #stand(index: number, entry: TableEntry | undefined): void {
    this.#heads[index] = entry;
  }

  /** False when the page is full and this entry belongs to the next one. */
  #add({ key, kind, value, sequence }: TableEntry): boolean {
    const { entriesMax, bytesMax } = this.#limits;
    const pointer = kind === ELSEWHERE ? decodePointer(value) : undefined;
    const bytes = key.length - TABLE_KEY_PREFIX_BYTES + (pointer?.valueBytes ?? value.length);
    const isFull = this.#entries.length >= entriesMax || this.#bytes + bytes > bytesMax;
    if (isFull && this.#entries.length > 0) return false;
    if (pointer !== undefined) this.#late.add(this.#entries.length, pointer);
    this.#entries.push({ ...engineKeyOf(key), value, sequence });
    this.#bytes += bytes;
    return true;
  }

  #pageUpTo(entry: EngineKey): ScanPage {
    return { entries: this.#entries, next: rangeAfter(this.#range, entry) };
  }

  #cutShort(error: unknown): ScanPage {
    const last = this.#entries.at(-1);
    if (last === undefined) throw error;
    return this.#pageUpTo(last);
  }
}
