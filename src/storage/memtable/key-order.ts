// Sorts keys of one slot by their bytes: a radix sort of words (MSD, as in Sedgewick and Wayne,
// Algorithms, 5.1). Few keys: five bytes beyond their common beginning and the key's number make
// one float64, typed arrays sort those in native code, and keys that are equal so far go the same
// way from there on. Many keys: one byte splits them first, in steps between which the caller may
// let others run.

import type { RecordArena } from './record-arena.ts';

/** 2^12 × 257^5 < 2^53: a key's number and five digits are one exact float64. About 1 ms. */
const FEW_KEYS = 4096;
const DIGITS = 5;
const DIGIT_VALUES = 257;

export class KeyOrder {
  readonly #arena: RecordArena;

  constructor(arena: RecordArena) {
    this.#arena = arena;
  }

  /** Sorts addresses of keys of one slot in place, in steps of about a millisecond. */
  *sortSteps(keys: Int32Array, depth = 0): Generator<void> {
    if (keys.length <= FEW_KEYS) {
      this.#sortFew(keys, depth);
      return;
    }
    const common = yield* this.#commonSteps(keys, depth);
    const digits = new Uint16Array(keys.length);
    const ends = new Int32Array(DIGIT_VALUES);
    for (let index = 0; index < keys.length; index++) {
      const digit = this.#arena.digitsAt(keys[index] as number, common, 1);
      digits[index] = digit;
      ends[digit] = (ends[digit] as number) + 1;
      if (index % FEW_KEYS === 0) yield;
    }
    for (let digit = 1; digit < DIGIT_VALUES; digit++) {
      ends[digit] = (ends[digit] as number) + (ends[digit - 1] as number);
    }
    const starts = ends.slice();
    const before = keys.slice();
    for (let index = keys.length - 1; index >= 0; index--) {
      const digit = digits[index] as number;
      const place = (starts[digit] as number) - 1;
      starts[digit] = place;
      keys[place] = before[index] as number;
    }
    yield;
    for (let digit = 1; digit < DIGIT_VALUES; digit++) {
      const bucket = keys.subarray(starts[digit], ends[digit]);
      yield* this.sortSteps(bucket, common + 1);
      if (bucket.length > FEW_KEYS / 8) yield;
    }
  }

  #sortFew(keys: Int32Array, depth: number): void {
    const count = keys.length;
    if (count < 2) return;
    const packed = new Float64Array(count);
    const before = keys.slice();
    let common = Number.MAX_SAFE_INTEGER;
    const first = keys[0] as number;
    for (let index = 1; index < count; index++) {
      common = this.#arena.commonLength(first, keys[index] as number, depth, common);
    }
    for (let index = 0; index < count; index++) {
      const key = keys[index] as number;
      packed[index] = this.#arena.digitsAt(key, common, DIGITS) * FEW_KEYS + index;
    }
    packed.sort();
    const ties: [number, number][] = [];
    let tied = 0;
    let digitsBefore = -1;
    for (let index = 0; index < count; index++) {
      const number = packed[index] as number;
      const digits = Math.floor(number / FEW_KEYS);
      keys[index] = before[number - digits * FEW_KEYS] as number;
      if (digits === digitsBefore) continue;
      if (index - tied > 1) ties.push([tied, index]);
      tied = index;
      digitsBefore = digits;
    }
    if (count - tied > 1) ties.push([tied, count]);
    for (const [from, to] of ties) this.#sortFew(keys.subarray(from, to), common + DIGITS);
  }

  /** How many bytes all keys begin with; `depth` of them are known to be. */
  *#commonSteps(keys: Int32Array, depth: number): Generator<void, number> {
    const first = keys[0] as number;
    let common = this.#arena.keyLengthAt(first);
    for (let index = 1; index < keys.length && common > depth; index++) {
      common = this.#arena.commonLength(first, keys[index] as number, depth, common);
      if (index % FEW_KEYS === 0) yield;
    }
    return common;
  }
}
