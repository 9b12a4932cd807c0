// Any number of keys whose values nobody has to remember: value n follows from n alone, with a
// checksum over key and content, so that every one can be verified, from whichever node, after
// whatever happened. Values of one run cannot pass for those of another: the seed is part of them.

import { crc32 } from 'node:zlib';

const POOL_BYTES = 1024 * 1024;
const HEAD_BYTES = 20;

export class BulkKeys {
  readonly count: number;
  readonly valueBytes: number;
  readonly #pool: Buffer;

  /** `valueBytes` from 20 up. */
  constructor(options: { readonly count: number; readonly valueBytes: number; seed: number }) {
    this.count = options.count;
    this.valueBytes = options.valueBytes;
    this.#pool = noise(POOL_BYTES + options.valueBytes, options.seed);
  }

  key(n: number): string {
    return `bulk:${n.toString().padStart(11, '0')}`;
  }

  /** `n in 11 digits │ checksum in hex, 8 │ ' ' │ content`: content differs from key to key. */
  value(n: number): Buffer {
    const value = Buffer.allocUnsafe(this.valueBytes);
    const from = Math.imul(n, 0x9e3779b1) >>> 12;
    this.#pool.copy(value, HEAD_BYTES, from, from + this.valueBytes - HEAD_BYTES);
    const checksum = crc32(value.subarray(HEAD_BYTES), n >>> 0);
    const head = `${n.toString().padStart(11, '0')}${checksum.toString(16).padStart(8, '0')} `;
    value.write(head, 0, 'latin1');
    return value;
  }

  isRight(n: number, value: Buffer): boolean {
    return value.equals(this.value(n));
  }
}

/** The same for the same seed (xorshift). */
function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let x = (seed ^ 0x2545f491) | 1;
  for (let at = 0; at < length; at++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    bytes[at] = x;
  }
  return bytes;
}
