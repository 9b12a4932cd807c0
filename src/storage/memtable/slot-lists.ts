// Which keys are in a slot: their records are linked, newest first, and here are the heads of the
// lists and how long they are. So a scan costs as much as the slots that it looks at, while other
// slots fill, and a new key costs two stores.

import { assert } from '../../base/assert.ts';
import { SLOT_COUNT } from '../../base/ids.ts';
import type { RecordArena } from './record-arena.ts';

/** Heads come in groups, so that a memtable of few keys stays small. */
const GROUP_BITS = 7;
const GROUP_SLOTS = 2 ** GROUP_BITS;
const KEYSPACES = 256;
/** Stands for the groups of slots that have none. */
const NO_KEYS = new Int32Array(GROUP_SLOTS * 2);

export class SlotLists {
  readonly #arena: RecordArena;
  /** By keyspace, by group; there by slot: address of the newest key, number of keys. */
  readonly #groups: (Int32Array[] | undefined)[] = [];
  #bytes = 0;

  constructor(arena: RecordArena) {
    this.#arena = arena;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Those that have keys, in their order. */
  keyspaces(): number[] {
    return [...this.#groups.keys()].filter((keyspace) => this.#groups[keyspace] !== undefined);
  }

  /** The address of the newest key, or 0. */
  headOf(keyspace: number, slot: number): number {
    return this.#groups[keyspace]?.[slot >>> GROUP_BITS]?.[(slot % GROUP_SLOTS) * 2] ?? 0;
  }

  countOf(keyspace: number, slot: number): number {
    return this.#groups[keyspace]?.[slot >>> GROUP_BITS]?.[(slot % GROUP_SLOTS) * 2 + 1] ?? 0;
  }

  /** `address` is the record of a new key whose `previous` is the head. */
  push(keyspace: number, slot: number, address: number): void {
    const groups = this.#groups[keyspace] ?? this.#open(keyspace);
    let group = groups[slot >>> GROUP_BITS] as Int32Array;
    if (group === NO_KEYS) {
      group = new Int32Array(GROUP_SLOTS * 2);
      groups[slot >>> GROUP_BITS] = group;
      this.#bytes += group.byteLength;
    }
    const at = (slot % GROUP_SLOTS) * 2;
    group[at] = address;
    group[at + 1] = (group[at + 1] as number) + 1;
  }

  /** Addresses of the newest `count` keys, newest first. */
  newest(keyspace: number, slot: number, count: number): Int32Array {
    const keys = new Int32Array(count);
    let address = this.headOf(keyspace, slot);
    for (let index = 0; index < count; index++) {
      keys[index] = address;
      address = this.#arena.previousOf(address);
    }
    return keys;
  }

  #open(keyspace: number): Int32Array[] {
    assert(keyspace >= 0 && keyspace < KEYSPACES, 'a keyspace has a number of 0 … 255');
    const groups = new Array<Int32Array>(SLOT_COUNT / GROUP_SLOTS).fill(NO_KEYS);
    this.#groups[keyspace] = groups;
    return groups;
  }
}
