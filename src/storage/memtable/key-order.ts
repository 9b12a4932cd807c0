// Sorts keys of one slot by their bytes: a radix sort of words (MSD, as in Sedgewick and Wayne,
// Algorithms, 5.1). Few keys: five bytes beyond their common beginning and the key's number make
// one float64, typed arrays sort those in native code, and keys that are equal so far go the same
// way from there on. Many keys: one byte splits them first.

import type { RecordArena } from './record-arena.ts';

/** 2^12 × 257^5 < 2^53: a key's number and five digits are one exact float64. About 1 ms. */
const FEW_KEYS = 4096;
const DIGITS = 5;
const DIGIT_VALUES = 257;

/** Sorts addresses of keys of one slot in place; the first `depth` bytes are known to be equal. */
export function sortKeys(arena: RecordArena, keys: Int32Array, depth = 0): void {
  if (keys.length < 2) return;
  const common = commonLength(arena, keys, depth);
  if (keys.length <= FEW_KEYS) sortFew(arena, keys, common);
  else sortMany(arena, keys, common);
}

/** How many bytes all keys begin with; `depth` of them are known to be. */
function commonLength(arena: RecordArena, keys: Int32Array, depth: number): number {
  const first = keys[0] as number;
  let common = arena.keyLengthAt(first);
  for (let index = 1; index < keys.length && common > depth; index++) {
    common = arena.commonLength(first, keys[index] as number, depth, common);
  }
  return common;
}

function sortFew(arena: RecordArena, keys: Int32Array, common: number): void {
  const count = keys.length;
  const packed = new Float64Array(count);
  for (let index = 0; index < count; index++) {
    packed[index] = arena.digitsAt(keys[index] as number, common, DIGITS) * FEW_KEYS + index;
  }
  packed.sort();
  const before = keys.slice();
  let tied = 0;
  let digitsBefore = -1;
  for (let index = 0; index < count; index++) {
    const number = packed[index] as number;
    const digits = Math.floor(number / FEW_KEYS);
    keys[index] = before[number - digits * FEW_KEYS] as number;
    if (digits === digitsBefore) continue;
    if (index - tied > 1) sortKeys(arena, keys.subarray(tied, index), common + DIGITS);
    tied = index;
    digitsBefore = digits;
  }
  if (count - tied > 1) sortKeys(arena, keys.subarray(tied), common + DIGITS);
}

function sortMany(arena: RecordArena, keys: Int32Array, common: number): void {
  const digits = new Uint16Array(keys.length);
  const ends = new Int32Array(DIGIT_VALUES);
  for (let index = 0; index < keys.length; index++) {
    const digit = arena.digitsAt(keys[index] as number, common, 1);
    digits[index] = digit;
    ends[digit] = (ends[digit] as number) + 1;
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
  for (let digit = 1; digit < DIGIT_VALUES; digit++) {
    sortKeys(arena, keys.subarray(starts[digit], ends[digit]), common + 1);
  }
}
