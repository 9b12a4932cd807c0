// Which keys are in a slot: their records are linked, newest first, and here are the heads of the
// lists and how long they are. So a scan costs as much as the slots that it looks at, while other
// slots fill, and a new key costs two stores.

import { assert } from '../../base/assert.ts';
import { SLOT_COUNT } from '../../base/ids.ts';
import type { RecordArena } from './record-arena.ts';

const KEYSPACES = 256;
/** Stands for the slots of keyspaces that have no keys. */
const NO_KEYS = new Int32Array(SLOT_COUNT * 2);

export class SlotLists {
  readonly #arena: RecordArena;
  /** By keyspace, by slot: address of the newest key, number of keys. */
  readonly #rows = new Array<Int32Array>(KEYSPACES).fill(NO_KEYS);
  #bytes = 0;

  constructor(arena: RecordArena) {
    this.#arena = arena;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The address of the newest key, or 0. */
  headOf(keyspace: number, slot: number): number {
    return (this.#rows[keyspace] as Int32Array)[slot * 2] as number;
  }

  countOf(keyspace: number, slot: number): number {
    return (this.#rows[keyspace] as Int32Array)[slot * 2 + 1] as number;
  }

  /** `address` is the record of a new key whose `previous` is the head. */
  push(keyspace: number, slot: number, address: number): void {
    let row = this.#rows[keyspace] as Int32Array;
    if (row === NO_KEYS) row = this.#open(keyspace);
    row[slot * 2] = address;
    row[slot * 2 + 1] = (row[slot * 2 + 1] as number) + 1;
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

  #open(keyspace: number): Int32Array {
    assert(keyspace >= 0 && keyspace < KEYSPACES, 'a keyspace has a number of 0 … 255');
    const row = new Int32Array(SLOT_COUNT * 2);
    this.#rows[keyspace] = row;
    this.#bytes += row.byteLength;
    return row;
  }
}
