// The keys of a memtable in the order of tables, by index. Slots are already apart, so that only
// the keys of a slot need sorting, and a slot is sorted when somebody first looks into it: nobody
// waits for all of them. Keys that come later are not in it; values are always the newest.

import { SLOT_COUNT } from '../../base/ids.ts';
import { TABLE_KEY_PREFIX_BYTES, type TableEntry, type TableKey } from '../table-entry.ts';
import type { KeyOrder } from './key-order.ts';
import type { RecordArena } from './record-arena.ts';
import type { SlotLists } from './slot-lists.ts';

/** Keys of small slots that are sorted in one step. */
const STEP_KEYS = 4096;

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
    const key = this.#keyAt(index);
    const value = this.#arena.valueOf(key);
    return {
      key: this.#arena.tableKeyAt(key),
      sequence: this.#arena.sequenceAt(value),
      value: this.#arena.valueAt(value),
    };
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
   * Sorts everything, in steps of about a millisecond, so that others can run in between. Without
   * it a slot is sorted when it is first looked into, at once, which matters to slots of 100,000.
   */
  *prepare(): Generator<void> {
    let sorted = 0;
    for (let bucket = 0; bucket < this.#starts.length - 1; bucket++) {
      const count = this.#endOf(bucket) - this.#startOf(bucket);
      if (count === 0) continue;
      yield* this.#sortSteps(bucket);
      sorted += count;
      if (sorted < STEP_KEYS) continue;
      sorted = 0;
      yield;
    }
  }

  #keyAt(index: number): number {
    const key = this.#keys[index] as number;
    if (key !== 0) return key;
    this.#sort(this.#bucketOf(index));
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

  #sort(bucket: number): void {
    const steps = this.#sortSteps(bucket);
    while (!steps.next().done);
  }

  *#sortSteps(bucket: number): Generator<void> {
    const start = this.#startOf(bucket);
    if (this.#keys[start] !== 0) return;
    // Apart until it is sorted: whoever looks into the slot between two steps must not see it.
    const keys = new Int32Array(this.#endOf(bucket) - start);
    const slot = bucket % SLOT_COUNT;
    const keyspace = this.#keyspaces[(bucket - slot) / SLOT_COUNT] as number;
    const skipped = this.#lists.countOf(keyspace, slot) - keys.length;
    yield* this.#lists.collectSteps({ keyspace, slot, skipped }, keys, STEP_KEYS);
    yield* this.#order.sortSteps(keys);
    this.#keys.set(keys, start);
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
