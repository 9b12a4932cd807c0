// All keys of a memtable in the order of tables, for its flush. They stand in a row in the arena,
// so that counting them by slot and dealing them to their slots goes through memory once each;
// what is left to sort by its bytes are the few keys of each slot.

import { SLOT_COUNT } from '../../base/ids.ts';
import { sortKeys } from './key-order.ts';
import type { RecordArena } from './record-arena.ts';

const KEYSPACES = 256;

/** Addresses, ascending by keyspace, slot and bytes. */
export function sortedKeys(arena: RecordArena): Int32Array {
  const { buckets, count } = countedKeys(arena);
  let start = 0;
  for (const bucket of buckets) start = startsOf(bucket, start);
  const keys = new Int32Array(count);
  for (let key = arena.firstKey; key !== 0; key = arena.keyAfter(key)) {
    const bucket = buckets[arena.keyspaceAt(key)] as Int32Array;
    const slot = arena.slotAt(key);
    const place = bucket[slot] as number;
    keys[place] = key;
    bucket[slot] = place + 1;
  }
  // What was the start of each slot is its end now.
  let from = 0;
  for (const bucket of buckets) {
    for (const end of bucket) {
      if (end - from > 1) sortKeys(arena, keys.subarray(from, end));
      from = end;
    }
  }
  return keys;
}

/** By keyspace, by slot: how many keys there are; keyspaces without any have no slots. */
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
