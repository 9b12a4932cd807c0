// Keys and values of the engine bench, the same for every engine: 16-byte keys in decimal and
// 100-byte values of which half is repetition, as db_bench makes them.

import type { KeyValue } from '../rivals/rival.ts';

export const KEY_BYTES = 16;
export const VALUE_BYTES = 100;
export const ENTRY_BYTES = KEY_BYTES + VALUE_BYTES;
export const LARGE_VALUE_BYTES = 64 * 1024;

const POOL_BYTES = 1024 * 1024;
const ZERO = 0x30;

export class Workload {
  readonly keys: number;
  readonly #pool = Buffer.alloc(POOL_BYTES + VALUE_BYTES);
  #state: number;

  constructor(keys: number, seed: number) {
    this.keys = keys;
    this.#state = seed * 2_654_435_761 + 1;
    for (let from = 0; from < POOL_BYTES; from += VALUE_BYTES) {
      for (let at = from; at < from + VALUE_BYTES / 2; at++) {
        const byte = this.u32() & 0xff;
        this.#pool[at] = byte;
        this.#pool[at + VALUE_BYTES / 2] = byte;
      }
    }
  }

  /** Xorshift: fast, and the same numbers for the same seed. */
  u32(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }

  /** Memory of its own: an engine may look at it until its promise resolves. */
  key(number: number): Buffer {
    const key = Buffer.allocUnsafe(KEY_BYTES);
    let rest = number;
    for (let at = KEY_BYTES - 1; at >= 0; at--) {
      const next = Math.floor(rest / 10);
      key[at] = ZERO + rest - next * 10;
      rest = next;
    }
    return key;
  }

  randomKey(): Buffer {
    return this.key(this.u32() % this.keys);
  }

  value(): Buffer {
    const from = this.u32() % POOL_BYTES;
    return this.#pool.subarray(from, from + VALUE_BYTES);
  }

  /** A 64 KiB picture or document, half of it repetition as well. */
  largeValue(): Buffer {
    const from = this.u32() % (POOL_BYTES - LARGE_VALUE_BYTES);
    return this.#pool.subarray(from, from + LARGE_VALUE_BYTES);
  }

  randomPut(): KeyValue {
    return { key: this.randomKey(), value: this.value() };
  }

  /** Every number below `keys` once, in random order. */
  shuffled(): Uint32Array {
    const order = Uint32Array.from({ length: this.keys }, (_, number) => number);
    for (let last = order.length - 1; last > 0; last--) {
      const other = this.u32() % (last + 1);
      const moved = order[last] as number;
      order[last] = order[other] as number;
      order[other] = moved;
    }
    return order;
  }
}
