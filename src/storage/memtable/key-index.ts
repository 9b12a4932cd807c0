// Where a key's record is: extendible hashing (Fagin et al., ACM TODS 1979) over open-addressing
// tables of bounded size, in typed arrays. The first bits of a hash choose the table, the last
// ones the place in it; a full table doubles until it has 8,192 places, and then splits in two.
// So no key ever waits for more than the moving of one table, a tenth of a millisecond, however
// many there are.
//
//   directory  ┌──┬──┬──┬──┐ 2^depth      table  ┌──────┬─────────┬──────┬─────────┬ …
//              │a │b │c │c │              of 8 B │ hash │ address │ hash │ address │
//              └──┴──┴──┴──┘              places └──────┴─────────┴──────┴─────────┴ …
//
// Invariant: a table of depth d stands in 2^(depth - d) neighbouring places of the directory, and
// the first d bits of the hashes in it are equal.

import type { KeySpan } from './change-view.ts';
import type { RecordArena } from './record-arena.ts';

const PLACES_MIN = 64;
const PLACES_MAX = 8192;
/** Deeper, tables double again: only hashes that somebody chose can make this happen. */
const DEPTH_MAX = 16;
const PLACE_BYTES = 8;

class Table {
  readonly depth: number;
  /** A power of two, minus one. */
  readonly mask: number;
  /** By place: hash, address. An address of 0 ends a run of places. */
  readonly words: Int32Array;
  used = 0;

  constructor(depth: number, places: number) {
    this.depth = depth;
    this.mask = places - 1;
    this.words = new Int32Array(places * 2);
  }

  /** At 3 of 4 places a miss looks at 8 on average, one cache line; at 7 of 8 already at 32. */
  get isFull(): boolean {
    return this.used >= this.mask - (this.mask >>> 2);
  }

  add(hash: number, address: number): void {
    const { words, mask } = this;
    let place = hash & mask;
    while (words[place * 2 + 1] !== 0) place = (place + 1) & mask;
    words[place * 2] = hash;
    words[place * 2 + 1] = address;
    this.used += 1;
  }
}

export class KeyIndex {
  readonly #arena: RecordArena;
  #directory = [new Table(0, PLACES_MIN)];
  #depth = 0;
  #bytes = PLACES_MIN * PLACE_BYTES;

  constructor(arena: RecordArena) {
    this.#arena = arena;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The address of the key's record, or 0. */
  find(hash: number, key: KeySpan): number {
    const { words, mask } = this.#tableOf(hash);
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const address = words[place * 2 + 1] as number;
      if (address === 0) return 0;
      if (words[place * 2] === hash && this.#arena.isKeyAt(address, key)) return address;
    }
  }

  /** The key is not there yet. */
  add(hash: number, address: number): void {
    let table = this.#tableOf(hash);
    while (table.isFull) {
      this.#grow(table, hash);
      table = this.#tableOf(hash);
    }
    table.add(hash, address);
  }

  #tableOf(hash: number): Table {
    return this.#directory[firstBits(hash, this.#depth)] as Table;
  }

  #grow(table: Table, hash: number): void {
    const places = table.mask + 1;
    const { depth } = table;
    this.#bytes += places * PLACE_BYTES;
    if (places < PLACES_MAX || depth === DEPTH_MAX) {
      const larger = new Table(depth, places * 2);
      this.#replace(table, larger, larger, hash);
    } else {
      if (depth === this.#depth) {
        this.#directory = this.#directory.flatMap((each) => [each, each]);
        this.#depth += 1;
      }
      this.#replace(table, new Table(depth + 1, places), new Table(depth + 1, places), hash);
    }
  }

  /** Moves everything in `table`, where `hash` belongs, into two tables, or twice the same one. */
  #replace(table: Table, low: Table, high: Table, hash: number): void {
    const { depth, words } = table;
    for (let word = 0; word < words.length; word += 2) {
      const address = words[word + 1] as number;
      if (address === 0) continue;
      const each = words[word] as number;
      const isHigh = each << depth < 0;
      (isHigh ? high : low).add(each, address);
    }
    const span = 2 ** (this.#depth - depth);
    const first = firstBits(hash, depth) * span;
    this.#directory.fill(low, first, first + span);
    if (high !== low) this.#directory.fill(high, first + span / 2, first + span);
  }
}

/** The first `count` bits of 32; `count` may be 0, which one shift cannot express. */
function firstBits(hash: number, count: number): number {
  return (hash >>> 1) >>> (31 - count);
}
