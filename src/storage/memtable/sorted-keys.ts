// All keys of a memtable in the order of tables, for its flush. They stand in a row in the arena,
// so that counting them by slot and dealing them to their slots goes through memory once each;
// what is left to sort by its bytes are the few keys of each slot. That is done slot by slot, just
// before somebody takes them: what sorting read is still in the caches then.

import { SLOT_COUNT } from '../../base/ids.ts';
import { sortKeys } from './key-order.ts';
import type { RecordArena } from './record-arena.ts';

const KEYSPACES = 256;

export class SortedKeys {
  readonly #arena: RecordArena;
  /** Addresses by slot, each slot in the order in which they came. */
  readonly #keys: Int32Array;
  /** By keyspace, by slot: where it ends. Keyspaces without keys have no slots. */
  readonly #ends: readonly Int32Array[];

  constructor(arena: RecordArena) {
    this.#arena = arena;
    const { buckets, count } = countedKeys(arena);
    let start = 0;
    for (const bucket of buckets) start = startsOf(bucket, start);
    this.#keys = new Int32Array(count);
    for (let key = arena.firstKey; key !== 0; key = arena.keyAfter(key)) {
      const bucket = buckets[arena.keyspaceAt(key)] as Int32Array;
      const slot = arena.slotAt(key);
      const place = bucket[slot] as number;
      this.#keys[place] = key;
      bucket[slot] = place + 1;
    }
    // What was the start of each slot is its end now.
    this.#ends = buckets;
  }

  get count(): number {
    return this.#keys.length;
  }

  /** The keys of a slot that has any, in order; then those of the next. */
  *slots(): Generator<Int32Array> {
    let from = 0;
    for (const ends of this.#ends) {
      for (const end of ends) {
        if (end === from) continue;
        const keys = this.#keys.subarray(from, end);
        this.#arena.touch(keys);
        sortKeys(this.#arena, keys);
        from = end;
        yield keys;
      }
    }
  }
}

/** By keyspace, by slot: how many keys there are. */
function countedKeys(arena: RecordArena) {
  const none = new Int32Array(0);
  const buckets = new Array<Int32Array>(KEYSPACES).fill(none);
  let count = 0;
  for (let key = arena.firstKey; key !== 0; key = arena.keyAfter(key)) {
    const keyspace = arena.keyspaceAt(key);
    let bucket = buckets[keyspace] as Int32Array;
    if (bucket === none) {
      bucket = new Int32Array(SLOT_COUNT);
      buckets[keyspace] = bucket;
    }
    const slot = arena.slotAt(key);
    bucket[slot] = (bucket[slot] as number) + 1;
    count += 1;
  }
  return { buckets, count };
}

/** Turns the counts of a keyspace into where each slot starts; where the next keyspace does. */
function startsOf(bucket: Int32Array, from: number): number {
  let start = from;
  for (let slot = 0; slot < bucket.length; slot++) {
    const count = bucket[slot] as number;
    bucket[slot] = start;
    start += count;
  }
  return start;
}
