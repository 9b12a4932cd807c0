// The hash of a table key: 53 bits in one number, computed once per lookup for all tables, so that
// two keys of a table of 5 M share one with a chance of 1 in 700. Two lanes of 32 bits, mixed as
// in MurmurHash3, with multiplications of 32 bits only: a BigInt would cost more than the lookup.
//
// Pure: no clock, no disk, no network; dice are an argument.

import type { TableKey } from '../table-entry.ts';

/** 0 <= h < 2^53, uniform. Part of the format of tables: never change it. */
export function hashOfTableKey(key: TableKey): number {
  let a = key.length;
  let b = 0x9e3779b9 ^ key.length;
  const whole = key.length & ~3;
  for (let at = 0; at < whole; at += 4) {
    const word =
      (key[at] as number) |
      ((key[at + 1] as number) << 8) |
      ((key[at + 2] as number) << 16) |
      ((key[at + 3] as number) << 24);
    a = mixed(a, word, 0xcc9e2d51);
    b = mixed(b, word, 0x1b873593);
  }
  let rest = 0;
  for (let at = whole; at < key.length; at++) rest = (rest << 8) | (key[at] as number);
  a = mixed(a, rest, 0x85ebca6b);
  b = mixed(b, rest, 0xc2b2ae35);
  a = finished(a ^ (b >>> 7));
  b = finished(b ^ a);
  return (b >>> 11) * 2 ** 32 + (a >>> 0);
}

function mixed(lane: number, word: number, factor: number): number {
  let bits = Math.imul(word, factor);
  bits = Math.imul((bits << 15) | (bits >>> 17), 0x9e3779b1) ^ lane;
  return (Math.imul((bits << 13) | (bits >>> 19), 5) + 0xe6546b64) | 0;
}

/** The finalizer of MurmurHash3: every bit of the result depends on every bit of `bits`. */
export function finished(bits: number): number {
  let h = bits ^ (bits >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
