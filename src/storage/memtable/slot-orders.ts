// The keys of a slot in order, for scans of a memtable that is being written. Few keys are sorted
// each time; the order of many is kept, and the keys that came since are put into their places, so
// that paging through a large slot does not sort it for every page.

import { SLOT_COUNT } from '../../base/ids.ts';
import { sortKeys } from './key-order.ts';
import type { RecordArena } from './record-arena.ts';
import type { SlotLists } from './slot-lists.ts';

/** Sorting fewer costs less than what a page does anyway. */
const KEPT_KEYS_MIN = 128;
/** With more new keys than one of so many, sorting all of them again is faster. */
const FEW_OF = 16;

export class SlotOrders {
  readonly #arena: RecordArena;
  readonly #lists: SlotLists;
  readonly #kept = new Map<number, Int32Array>();
  #bytes = 0;

  constructor(arena: RecordArena, lists: SlotLists) {
    this.#arena = arena;
    this.#lists = lists;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Addresses of the slot's keys, sorted. */
  keysOf(keyspace: number, slot: number): Int32Array {
    const count = this.#lists.countOf(keyspace, slot);
    if (count < KEPT_KEYS_MIN) return this.#newest(keyspace, slot, count);
    const place = keyspace * SLOT_COUNT + slot;
    const kept = this.#kept.get(place);
    if (kept?.length === count) return kept;
    const isFew = kept !== undefined && (count - kept.length) * FEW_OF < count;
    const keys = isFew
      ? this.#merged(kept, this.#newest(keyspace, slot, count - kept.length))
      : this.#newest(keyspace, slot, count);
    this.#kept.set(place, keys);
    this.#bytes += keys.byteLength - (kept?.byteLength ?? 0);
    return keys;
  }

  /** The first index in `keys` whose key is greater than `after`. */
  indexAfter(keys: Int32Array, after: Buffer, from = 0): number {
    let low = from;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#arena.compareKeyAt(keys[middle] as number, after) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #newest(keyspace: number, slot: number, count: number): Int32Array {
    const keys = this.#lists.newest(keyspace, slot, count);
    sortKeys(this.#arena, keys);
    return keys;
  }

  #merged(many: Int32Array, few: Int32Array): Int32Array {
    const all = new Int32Array(many.length + few.length);
    let from = 0;
    for (const [index, key] of few.entries()) {
      const to = this.indexAfter(many, this.#arena.keyAt(key), from);
      all.set(many.subarray(from, to), from + index);
      all[to + index] = key;
      from = to;
    }
    all.set(many.subarray(from), from + few.length);
    return all;
  }
}
