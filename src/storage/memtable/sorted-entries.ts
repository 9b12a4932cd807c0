// The keys of a memtable in the order of tables, by index. Slots are already apart, so that only
// the keys of a slot need sorting, and a slot is sorted when somebody first looks into it: nobody
// waits for all of them. Keys that come later are not in it; values are always the newest.

import { SLOT_COUNT } from '../../base/ids.ts';
import { TABLE_KEY_PREFIX_BYTES, type TableEntry, type TableKey } from '../table-entry.ts';
import type { KeyOrder } from './key-order.ts';
import type { RecordArena } from './record-arena.ts';
import type { SlotLists } from './slot-lists.ts';

/** So many keys are collected, or of small slots sorted, in one step. */
const STEP_KEYS = 4096;
/** Slots whose lists are walked together. */
const GROUP_SLOTS = 64;

export class SortedEntries {
  readonly #arena: RecordArena;
  readonly #lists: SlotLists;
  readonly #order: KeyOrder;
  readonly #keyspaces: readonly number[];
  /** By bucket, that is by keyspace and slot: the index of its first entry; then the end. */
  readonly #starts: Int32Array;
  /** Addresses of keys by index; 0 where a bucket has not been sorted yet. */
  readonly #keys: Int32Array;

  constructor(arena: RecordArena, lists: SlotLists, order: KeyOrder) {
    this.#arena = arena;
    this.#lists = lists;
    this.#order = order;
    this.#keyspaces = lists.keyspaces();
    this.#starts = new Int32Array(this.#keyspaces.length * SLOT_COUNT + 1);
    let bucket = 0;
    let entries = 0;
    for (const keyspace of this.#keyspaces) {
      for (let slot = 0; slot < SLOT_COUNT; slot++) {
        this.#starts[bucket++] = entries;
        entries += lists.countOf(keyspace, slot);
      }
    }
    this.#starts[bucket] = entries;
    this.#keys = new Int32Array(entries);
  }

  get length(): number {
    return this.#keys.length;
  }

  get bytes(): number {
    return this.#starts.byteLength + this.#keys.byteLength;
  }

  /** Views; `index` is 0 … length - 1. */
  entryAt(index: number): TableEntry {
    return this.#arena.entryAt(this.#keyAt(index));
  }

  /** The index of the first entry whose key is `key` or greater; `length` when there is none. */
  lowerBound(key: TableKey): number {
    const keyspace = key[0] as number;
    const row = this.#keyspaces.findIndex((each) => each >= keyspace);
    if (row < 0) return this.length;
    const bucket = row * SLOT_COUNT;
    if (this.#keyspaces[row] !== keyspace) return this.#starts[bucket] as number;
    const slot = key.readUInt16BE(1);
    if (slot >= SLOT_COUNT) return this.#starts[bucket + SLOT_COUNT] as number;
    return this.#lowerBoundIn(bucket + slot, key.subarray(TABLE_KEY_PREFIX_BYTES));
  }

  /**
   * Sorts everything, in steps of a millisecond or two, so that others can run in between. Without
   * it a slot is sorted when it is first looked into, at once, which matters to slots of 100,000.
   */
  *prepare(): Generator<void> {
    const buckets = this.#starts.length - 1;
    for (let bucket = 0, end = 1; bucket < buckets; bucket = end) {
      const entriesMax = this.#startOf(bucket) + STEP_KEYS;
      const last = Math.min(buckets, bucket + GROUP_SLOTS);
      for (end = bucket + 1; end < last && this.#startOf(end + 1) <= entriesMax; ) end += 1;
      if (this.#startOf(end) === this.#startOf(bucket)) continue;
      yield* this.#sortSteps(bucket, end);
      yield;
    }
  }

  #keyAt(index: number): number {
    const key = this.#keys[index] as number;
    if (key !== 0) return key;
    const bucket = this.#bucketOf(index);
    const steps = this.#sortSteps(bucket, bucket + 1);
    while (!steps.next().done);
    return this.#keys[index] as number;
  }

  #lowerBoundIn(bucket: number, key: Buffer): number {
    let low = this.#startOf(bucket);
    let high = this.#endOf(bucket);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#arena.compareKeyAt(this.#keyAt(middle), key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Sorts the buckets from `bucket` up to `end`. */
  *#sortSteps(bucket: number, end: number): Generator<void> {
    const first = this.#startOf(bucket);
    // Apart until all is sorted: whoever looks into a slot between two steps must not see it.
    const keys = new Int32Array(this.#startOf(end) - first);
    yield* this.#collectSteps(bucket, end, keys);
    for (let each = bucket; each < end; each++) {
      const slotKeys = keys.subarray(this.#startOf(each) - first, this.#endOf(each) - first);
      yield* this.#order.sortSteps(slotKeys);
    }
    this.#keys.set(keys, first);
  }

  /**
   * Walks the lists of the buckets, a key of each in turn: so the processor waits for many records
   * at once. One list after the other took up to twice as long, for each record says where the next
   * one is.
   */
  *#collectSteps(bucket: number, end: number, into: Int32Array): Generator<void> {
    const first = this.#startOf(bucket);
    const heads = new Int32Array(end - bucket);
    for (let each = bucket; each < end; each++) heads[each - bucket] = this.#headOf(each);
    for (let round = 0, left = into.length; left > 0; round++) {
      for (let each = bucket; each < end; each++) {
        const index = this.#startOf(each) + round;
        if (index >= this.#endOf(each)) continue;
        const key = heads[each - bucket] as number;
        into[index - first] = key;
        heads[each - bucket] = this.#arena.previousOf(key);
        left -= 1;
      }
      if ((round + 1) % STEP_KEYS === 0) yield;
    }
  }

  /** The newest of the bucket's keys that were there when the order was made. */
  #headOf(bucket: number): number {
    const slot = bucket % SLOT_COUNT;
    const keyspace = this.#keyspaces[(bucket - slot) / SLOT_COUNT] as number;
    let key = this.#lists.headOf(keyspace, slot);
    const count = this.#endOf(bucket) - this.#startOf(bucket);
    const newer = this.#lists.countOf(keyspace, slot) - count;
    for (let skip = newer; skip > 0; skip--) key = this.#arena.previousOf(key);
    return key;
  }

  /** The bucket that holds the entry: the last one that starts at or before it. */
  #bucketOf(index: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low + 1 < high) {
      const middle = (low + high) >>> 1;
      if (this.#startOf(middle) <= index) low = middle;
      else high = middle;
    }
    return low;
  }

  #startOf(bucket: number): number {
    return this.#starts[bucket] as number;
  }

  #endOf(bucket: number): number {
    return this.#starts[bucket + 1] as number;
  }
}
