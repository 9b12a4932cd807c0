// How many keys live in each slot of this node's copy, kept up to date on every put, so that
// DBSIZE and CLUSTER COUNTKEYSINSLOT need no scan. A key lives when a sibling is no tombstone;
// expired ones count until they are written to again: nothing else removes them yet.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { type KeyspaceNumber, SLOT_COUNT, type Slot } from '../base/ids.ts';
import type { ObjectVersion } from '../causality/siblings.ts';

export class SlotCounts {
  readonly #counts = new Map<KeyspaceNumber, Int32Array>();

  /** The object in this slot changed from `before` (undefined: there was none) to `after`. */
  replace(
    keyspace: KeyspaceNumber,
    slot: Slot,
    before: ObjectVersion | undefined,
    after: ObjectVersion,
  ): void {
    const change = (hasValue(after) ? 1 : 0) - (hasValue(before) ? 1 : 0);
    if (change === 0) return;
    let counts = this.#counts.get(keyspace);
    if (counts === undefined) {
      counts = new Int32Array(SLOT_COUNT);
      this.#counts.set(keyspace, counts);
    }
    counts[slot] = (counts[slot] as number) + change;
  }

  /** Summed over the slots whose bit is set in `slots` (bit s % 8 of byte s / 8). */
  inSlots(keyspace: KeyspaceNumber, slots: Buffer): number {
    const counts = this.#counts.get(keyspace);
    if (counts === undefined) return 0;
    let sum = 0;
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      const isAsked = ((slots[slot >> 3] as number) >> (slot & 7)) & 1;
      if (isAsked === 1) sum += counts[slot] as number;
    }
    return sum;
  }

  inSlot(keyspace: KeyspaceNumber, slot: Slot): number {
    return this.#counts.get(keyspace)?.[slot] ?? 0;
  }
}

function hasValue(object: ObjectVersion | undefined): boolean {
  if (object === undefined) return false;
  for (const sibling of object.siblings) if (!sibling.isTombstone) return true;
  return false;
}
