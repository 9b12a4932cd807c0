// The filters that were considered for tables; what was chosen is src/storage/sstable/filter.ts.
//
//   bloom           k bits anywhere (Bloom, 1970)
//   blocked bloom   k bits within one line of 64 bytes (Putze, Sanders, Singler, 2007)
//   xor             three places anywhere, one in each third (Graf and Lemire, 2020)
//   binary fuse     three places in neighbouring segments (Graf and Lemire, 2022)

import { assert } from '../src/base/assert.ts';
import { firstMix, secondMix } from '../src/storage/sstable/fuse.ts';

export interface BuiltFilter {
  readonly bytes: number;
  mayContain(hash: number): boolean;
}

export interface Candidate {
  readonly name: string;
  build(hashes: Float64Array): BuiltFilter;
}

export function bloom(bitsPerKey: number, probes: number): Candidate {
  return {
    name: `bloom, ${bitsPerKey} bits`,
    build: (hashes) => new Bloom(hashes, bitsPerKey, probes),
  };
}

export function blockedBloom(bitsPerKey: number, probes: number): Candidate {
  return {
    name: `blocked bloom, ${bitsPerKey} bits`,
    build: (hashes) => new BlockedBloom(hashes, bitsPerKey, probes),
  };
}

export const XOR: Candidate = {
  name: 'xor, 8 bits',
  build: (hashes) => peeled(hashes, thirdsOf(hashes.length)),
};

export const FUSE_3: Candidate = {
  name: 'binary fuse, 3 places, 8 bits',
  build: (hashes) => peeled(hashes, segmentsOf(hashes.length)),
};

class Bloom implements BuiltFilter {
  readonly #words: Uint32Array;
  readonly #bits: number;
  readonly #probes: number;

  constructor(hashes: Float64Array, bitsPerKey: number, probes: number) {
    this.#words = new Uint32Array(Math.ceil((hashes.length * bitsPerKey) / 32));
    this.#bits = 32 * this.#words.length;
    this.#probes = probes;
    for (const hash of hashes) {
      let at = firstMix(hash, 0);
      const step = secondMix(hash, at) | 1;
      for (let probe = 0; probe < probes; probe++, at = (at + step) >>> 0) {
        const bit = Math.floor(at * this.#bits * 2 ** -32);
        this.#words[bit >>> 5] = (this.#words[bit >>> 5] as number) | (1 << (bit & 31));
      }
    }
  }

  get bytes(): number {
    return 4 * this.#words.length;
  }

  mayContain(hash: number): boolean {
    let at = firstMix(hash, 0);
    const step = secondMix(hash, at) | 1;
    for (let probe = 0; probe < this.#probes; probe++, at = (at + step) >>> 0) {
      const bit = Math.floor(at * this.#bits * 2 ** -32);
      if ((((this.#words[bit >>> 5] as number) >>> (bit & 31)) & 1) === 0) return false;
    }
    return true;
  }
}

class BlockedBloom implements BuiltFilter {
  readonly #words: Uint32Array;
  readonly #lines: number;
  readonly #probes: number;

  constructor(hashes: Float64Array, bitsPerKey: number, probes: number) {
    this.#lines = Math.ceil((hashes.length * bitsPerKey) / 512);
    this.#words = new Uint32Array(16 * this.#lines);
    this.#probes = probes;
    for (const hash of hashes) {
      const first = firstMix(hash, 0);
      const line = 16 * Math.floor(first * this.#lines * 2 ** -32);
      let at = secondMix(hash, first);
      for (let probe = 0; probe < probes; probe++, at = Math.imul(at, 0x9e3779b1)) {
        const word = line + (at >>> 28);
        this.#words[word] = (this.#words[word] as number) | (1 << ((at >>> 23) & 31));
      }
    }
  }

  get bytes(): number {
    return 4 * this.#words.length;
  }

  mayContain(hash: number): boolean {
    const first = firstMix(hash, 0);
    const line = 16 * Math.floor(first * this.#lines * 2 ** -32);
    let at = secondMix(hash, first);
    for (let probe = 0; probe < this.#probes; probe++, at = Math.imul(at, 0x9e3779b1)) {
      const word = this.#words[line + (at >>> 28)] as number;
      if (((word >>> ((at >>> 23) & 31)) & 1) === 0) return false;
    }
    return true;
  }
}

/** Where a key has its three places. */
interface Places {
  readonly count: number;
  place(first: number, second: number, way: number): number;
}

function thirdsOf(keys: number): Places {
  const third = Math.ceil((32 + 1.23 * keys) / 3);
  return {
    count: 3 * third,
    place(first, second, way) {
      const bits = way === 0 ? first : way === 1 ? second : Math.imul(first ^ (second >>> 7), 5);
      return way * third + Math.floor((bits >>> 0) * third * 2 ** -32);
    },
  };
}

/** The sizes of the authors for three places. */
function segmentsOf(keys: number): Places {
  const bits = Math.min(14, Math.floor(Math.log(keys) / Math.log(3.33) + 2.25));
  const factor = Math.max(1.125, 0.875 + (0.25 * Math.log(1e6)) / Math.log(keys));
  const starts = (Math.ceil((keys * factor) / 2 ** bits) - 2) << bits;
  const mask = (1 << bits) - 1;
  return {
    count: starts + (2 << bits),
    place(first, second, way) {
      const start = Math.floor(first * starts * 2 ** -32);
      return way === 0 ? start : (start + (way << bits)) ^ ((second >>> (14 * (way - 1))) & mask);
    },
  };
}

function peeled(hashes: Float64Array, places: Places): BuiltFilter {
  for (let seed = 1; seed < 100; seed++) {
    const fingerprints = peel(hashes, places, seed);
    if (fingerprints === undefined) continue;
    return {
      bytes: fingerprints.length,
      mayContain(hash) {
        const first = firstMix(hash, seed);
        const second = secondMix(hash, first);
        const found =
          (fingerprints[places.place(first, second, 0)] as number) ^
          (fingerprints[places.place(first, second, 1)] as number) ^
          (fingerprints[places.place(first, second, 2)] as number);
        return found === (first & 0xff);
      },
    };
  }
  assert(false, 'a filter is built within 100 attempts');
}

/** As in src/storage/sstable/fuse.ts, for three places and without its partitions. */
function peel(hashes: Float64Array, places: Places, seed: number): Uint8Array | undefined {
  const counts = new Uint8Array(places.count);
  const keys = new Uint32Array(places.count);
  const change = (key: number, by: number, alone: (place: number) => void) => {
    const first = firstMix(hashes[key] as number, seed);
    const second = secondMix(hashes[key] as number, first);
    for (let way = 0; way < 3; way++) {
      const place = places.place(first, second, way);
      counts[place] = (counts[place] as number) + by;
      keys[place] = (keys[place] as number) ^ key;
      if (counts[place] === 1) alone(place);
    }
  };
  for (let key = 0; key < hashes.length; key++) change(key, 1, () => undefined);
  const waiting = new Uint32Array(places.count);
  let waits = 0;
  for (let place = 0; place < places.count; place++) {
    if (counts[place] === 1) waiting[waits++] = place;
  }
  const order = new Uint32Array(2 * hashes.length);
  let peeledCount = 0;
  while (waits > 0) {
    const own = waiting[--waits] as number;
    if (counts[own] !== 1) continue;
    const key = keys[own] as number;
    order[2 * peeledCount] = key;
    order[2 * peeledCount++ + 1] = own;
    change(key, -1, (place) => {
      waiting[waits++] = place;
    });
  }
  return peeledCount < hashes.length ? undefined : assign(hashes, places, { order, seed });
}

function assign(
  hashes: Float64Array,
  places: Places,
  { order, seed }: { readonly order: Uint32Array; readonly seed: number },
): Uint8Array {
  const fingerprints = new Uint8Array(places.count);
  for (let at = order.length - 2; at >= 0; at -= 2) {
    const key = order[at] as number;
    const first = firstMix(hashes[key] as number, seed);
    const second = secondMix(hashes[key] as number, first);
    let byte = first & 0xff;
    for (let way = 0; way < 3; way++) {
      byte ^= fingerprints[places.place(first, second, way)] as number;
    }
    fingerprints[order[at + 1] as number] = byte;
  }
  return fingerprints;
}
