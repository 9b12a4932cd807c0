// Where a key's record is: extendible hashing (Fagin et al., ACM TODS 1979) over open-addressing
// tables of one size, side by side in one piece of memory. The first bits of a hash choose the
// table, the last ones the place in it; a full table splits in two. So no key ever waits for more
// than the moving of one table, some 20 µs, however many there are; and a look-up waits for one
// line of memory as a rule, since all else is small enough for the caches.
//
//   directory  ┌──┬──┬──┬──┐ 2^depth      table  ┌──────┬─────────┬──────┬─────────┬ …
//              │a │b │c │c │              of 8 B │ hash │ address │ hash │ address │
//              └──┴──┴──┴──┘              places └──────┴─────────┴──────┴─────────┴ …
//
// Invariant: a table of depth d stands in 2^(depth - d) neighbouring places of the directory, and
// the first d bits of the hashes in it are equal.

import { assert } from '../../base/assert.ts';
import type { KeySpan } from './change-view.ts';
import type { RecordArena } from './record-arena.ts';

const PLACES = 1024;
const PLACE_MASK = PLACES - 1;
/** At 7 of 8 places a miss looks at 4 cache lines on average; at half of them, at one. */
const FULL_PLACES = PLACES - PLACES / 8;
const TABLE_WORDS = PLACES * 2;
/** Keyed hashes spread: deeper, the first bits of a whole table would be equal by chance. */
const DEPTH_MAX = 24;

export class KeyIndex {
  readonly #arena: RecordArena;
  /** Tables: by place, hash and address. An address of 0 ends a run of places. */
  #words: Int32Array;
  #tables = 0;
  /** By table: keys in it, and its depth. */
  #used = new Int32Array(16);
  #depths = new Uint8Array(16);
  /** By the first bits of a hash: the number of its table. */
  #directory = new Int32Array(1);
  #depth = 0;

  /** `memory` may hold anything. */
  constructor(arena: RecordArena, memory: SharedArrayBuffer) {
    this.#arena = arena;
    this.#words = new Int32Array(memory);
    this.#addTable(0);
  }

  get bytes(): number {
    return this.#tables * TABLE_WORDS * 4 + this.#directory.byteLength;
  }

  /** The address of the key's record, or 0. */
  find(hash: number, key: KeySpan): number {
    const words = this.#words;
    const first = this.#tableOf(hash) * TABLE_WORDS;
    for (let place = hash & PLACE_MASK; ; place = (place + 1) & PLACE_MASK) {
      const word = first + place * 2;
      const address = words[word + 1] as number;
      if (address === 0) return 0;
      if (words[word] === hash && this.#arena.isKeyAt(address, key)) return address;
    }
  }

  /** The key is not there yet. */
  add(hash: number, address: number): void {
    let table = this.#tableOf(hash);
    while (this.#used[table] === FULL_PLACES) {
      this.#split(table, hash);
      table = this.#tableOf(hash);
    }
    this.#put(table, hash, address);
  }

  #tableOf(hash: number): number {
    return this.#directory[firstBits(hash, this.#depth)] as number;
  }

  #put(table: number, hash: number, address: number): void {
    const words = this.#words;
    const first = table * TABLE_WORDS;
    let place = hash & PLACE_MASK;
    while (words[first + place * 2 + 1] !== 0) place = (place + 1) & PLACE_MASK;
    words[first + place * 2] = hash;
    words[first + place * 2 + 1] = address;
    this.#used[table] = (this.#used[table] as number) + 1;
  }

  /** The hashes of `low`, where `hash` belongs, with another first bit go into a new table. */
  #split(low: number, hash: number): void {
    const depth = this.#depths[low] as number;
    assert(depth < DEPTH_MAX, 'keyed hashes spread');
    if (depth === this.#depth) this.#doubleDirectory();
    const high = this.#addTable(depth + 1);
    const span = 2 ** (this.#depth - depth);
    const half = firstBits(hash, depth) * span + span / 2;
    this.#directory.fill(high, half, half + span / 2);
    const first = low * TABLE_WORDS;
    const before = this.#words.slice(first, first + TABLE_WORDS);
    this.#clear(low, depth + 1);
    for (let word = 0; word < TABLE_WORDS; word += 2) {
      const address = before[word + 1] as number;
      if (address === 0) continue;
      const each = before[word] as number;
      this.#put(each << depth < 0 ? high : low, each, address);
    }
  }

  #doubleDirectory(): void {
    const before = this.#directory;
    this.#directory = new Int32Array(before.length * 2).map(
      (_, place) => before[place >>> 1] as number,
    );
    this.#depth += 1;
  }

  #addTable(depth: number): number {
    const table = this.#tables++;
    if (this.#words.length < this.#tables * TABLE_WORDS) {
      this.#words = larger(this.#words, new Int32Array(2 * this.#tables * TABLE_WORDS));
    }
    if (this.#used.length < this.#tables) {
      this.#used = larger(this.#used, new Int32Array(2 * this.#tables));
      this.#depths = larger(this.#depths, new Uint8Array(2 * this.#tables));
    }
    this.#clear(table, depth);
    return table;
  }

  #clear(table: number, depth: number): void {
    this.#words.fill(0, table * TABLE_WORDS, (table + 1) * TABLE_WORDS);
    this.#used[table] = 0;
    this.#depths[table] = depth;
  }
}

function larger<T extends Int32Array | Uint8Array>(before: T, after: T): T {
  after.set(before);
  return after;
}

/** The first `count` bits of 32; `count` may be 0, which one shift cannot express. */
function firstBits(hash: number, count: number): number {
  return (hash >>> 1) >>> (31 - count);
}
