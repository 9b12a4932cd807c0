// Dice from a seed. sfc32 (Chris Doty-Humphrey, PractRand): 128 bits of state, four additions a
// draw, passes the usual batteries.
//
// fork(label) gives a stream of its own that depends on the seed and the labels, not on how many
// numbers were drawn before. Each node and each purpose has its stream, so a draw added in one
// place does not shift all the others, and a failing seed stays comparable across small changes.
//
// Only + - * / and bit operations: Math.log may differ between versions of V8.

import { assert } from '../src/base/assert.ts';
import type { Random } from '../src/host/host.ts';

const WARM_UP_DRAWS = 12;

export class SimRandom implements Random {
  readonly #path: string;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number | string) {
    this.#path = String(seed);
    this.#a = hashOf(this.#path, 0x811c_9dc5);
    this.#b = hashOf(this.#path, 0x9e37_79b9);
    this.#c = hashOf(this.#path, 0x7f4a_7c15);
    for (let n = 0; n < WARM_UP_DRAWS; n++) this.u32();
  }

  /** The stream of that name below this one; the same label gives the same stream. */
  fork(label: string): SimRandom {
    return new SimRandom(`${this.#path}/${label}`);
  }

  u32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.allocUnsafe(count);
    for (let at = 0; at < count; at++) bytes[at] = this.u32() >>> 24;
    return bytes;
  }

  /** 0 <= x < 1. */
  unit(): number {
    return this.u32() / 2 ** 32;
  }

  /** True with probability `p`; draws in any case, so that `p` does not shift the stream. */
  chance(p: number): boolean {
    return this.unit() < p;
  }

  /** A whole number, both ends included. */
  between(low: number, high: number): number {
    assert(low <= high, `${low} <= ${high}`);
    return low + Math.floor(this.unit() * (high - low + 1));
  }

  pick<T>(list: readonly T[]): T {
    assert(list.length > 0, 'there is something to pick from');
    return list[this.between(0, list.length - 1)] as T;
  }

  /** A new list in random order (Fisher-Yates). */
  shuffle<T>(list: readonly T[]): T[] {
    const shuffled = [...list];
    for (let last = shuffled.length - 1; last > 0; last--) {
      const other = this.between(0, last);
      [shuffled[last], shuffled[other]] = [shuffled[other] as T, shuffled[last] as T];
    }
    return shuffled;
  }

  /**
   * Exponentially distributed with that mean, nearly: -log2(u) is taken as a line between powers
   * of two (0 … 32), whose mean is 1.5 instead of 1.44.
   */
  exponential(mean: number): number {
    const draw = this.u32() | 1;
    const zeros = Math.clz32(draw);
    const mantissa = (draw >>> 0) / 2 ** (32 - zeros);
    return (mean * (zeros + 2 - 2 * mantissa)) / 1.5;
  }
}

/** FNV-1a with another basis, then the finalizer of MurmurHash3. */
function hashOf(text: string, basis: number): number {
  let hash = basis;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x0100_0193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return hash ^ (hash >>> 16);
}
