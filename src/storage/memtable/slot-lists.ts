// Which keys are in a slot: their records are linked, newest first, and here are the heads of the
// lists and how long they are. So a scan costs as much as the slots that it looks at, while other
// slots fill, and a new key costs two stores.

import { assert } from '../../base/assert.ts';
import { SLOT_COUNT } from '../../base/ids.ts';
import type { RecordArena } from './record-arena.ts';

export class SlotLists {
  readonly #arena: RecordArena;
  /** By keyspace; by slot: address of the newest key, number of keys. */
  readonly #lists: (Int32Array | undefined)[] = [];
  #bytes = 0;

  constructor(arena: RecordArena) {
    this.#arena = arena;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Those that have keys, in their order. */
  keyspaces(): number[] {
    return [...this.#lists.keys()].filter((keyspace) => this.#lists[keyspace] !== undefined);
  }

  /** The address of the newest key, or 0. */
  headOf(keyspace: number, slot: number): number {
    return this.#lists[keyspace]?.[slot * 2] ?? 0;
  }

  countOf(keyspace: number, slot: number): number {
    return this.#lists[keyspace]?.[slot * 2 + 1] ?? 0;
  }

  /** `address` is the record of a new key whose `previous` is the head. */
  push(keyspace: number, slot: number, address: number): void {
    const list = this.#lists[keyspace] ?? this.#open(keyspace);
    list[slot * 2] = address;
    list[slot * 2 + 1] = (list[slot * 2 + 1] as number) + 1;
  }

  /** Writes the addresses of keys into `into`, from the newest but `skipped` on. */
  *collectSteps(place: SlotPlace, into: Int32Array, stepKeys: number): Generator<void> {
    let address = this.headOf(place.keyspace, place.slot);
    for (let skip = place.skipped; skip > 0; skip--) address = this.#arena.previousOf(address);
    for (let index = 0; index < into.length; index++) {
      into[index] = address;
      address = this.#arena.previousOf(address);
      if ((index + 1) % stepKeys === 0) yield;
    }
  }

  #open(keyspace: number): Int32Array {
    assert(keyspace >= 0 && keyspace < 256, 'a keyspace has a number of 0 … 255');
    const list = new Int32Array(SLOT_COUNT * 2);
    this.#lists[keyspace] = list;
    this.#bytes += list.byteLength;
    return list;
  }
}

export interface SlotPlace {
  readonly keyspace: number;
  readonly slot: number;
  /** So many of the newest keys are left out. */
  readonly skipped: number;
}
