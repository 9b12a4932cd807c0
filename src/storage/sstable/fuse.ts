// A binary fuse filter with four places and fingerprints of 8 bits (Graf and Lemire: "Binary Fuse
// Filters: Fast and Smaller Than Xor Filters", 2022): false positives 1 in 256, for 9 bits a key.
//
// A key has one fingerprint and four places, in four neighbouring segments; it may be present when
// the bytes at its places XOR to its fingerprint:
//
//   segments    |  0  |  1  |  2  |  3  |  4  |  5  |  ...
//   some key          | x   |   x |  x  |x    |              start: any place but the last three
//                                                            segments; the others follow it
//
// Building solves these equations by peeling: as long as some place belongs to one key only, that
// key is put aside; then the keys are put back in reverse, each fixing the place that was its own.
// When a key is left and no such place, the caller tries another seed.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { finished } from './key-hash.ts';

export const SEGMENT_BITS_MAX = 10;

/** Everything that says where a key has its places. */
export interface FuseShape {
  readonly seed: number;
  readonly segmentBits: number;
  /** Places that may be the first of a key; three segments more follow. */
  readonly starts: number;
}

export function placesOf({ starts, segmentBits }: FuseShape): number {
  return starts + (3 << segmentBits);
}

/** The sizes that the authors found for four places, for so many keys. */
export function fuseShapeOf(keys: number, seed: number): FuseShape {
  const size = Math.max(keys, 2);
  const bits = Math.floor(Math.log(size) / Math.log(2.91) - 0.5);
  const segmentBits = Math.max(1, Math.min(SEGMENT_BITS_MAX, bits));
  const factor = Math.max(1.075, 0.77 + (0.305 * Math.log(600_000)) / Math.log(size));
  const segments = Math.max(4, Math.ceil((size * factor) / 2 ** segmentBits));
  return { seed, segmentBits, starts: (segments - 3) << segmentBits };
}

/** Its upper bits choose the start, its lowest eight are the fingerprint. */
export function firstMix(hash: number, seed: number): number {
  return finished((hash | 0) ^ Math.imul(hash / 2 ** 32, 0xc2b2ae35) ^ seed) >>> 0;
}

/** It chooses the three other places, ten bits for each. */
export function secondMix(hash: number, first: number): number {
  return finished((hash / 2 ** 32) ^ Math.imul(first, 0x9e3779b1));
}

export function startOf(first: number, starts: number): number {
  return Math.floor(first * starts * 2 ** -32);
}

/** Place number `way` (1 … 3) of a key. */
export function placeOf(start: number, second: number, way: number, segmentBits: number): number {
  const within = (second >>> (10 * (way - 1))) & ((1 << segmentBits) - 1);
  return (start + (way << segmentBits)) ^ within;
}

/** The fingerprints by place; undefined when the keys cannot be peeled off with this seed. */
export function buildFuse(hashes: Float64Array, shape: FuseShape): Uint8Array | undefined {
  const build = new FuseBuild(hashes, shape);
  return build.count() && build.peel() ? build.assign() : undefined;
}

class FuseBuild {
  readonly #hashes: Float64Array;
  readonly #shape: FuseShape;
  /** By place: how many keys have it, and the XOR of their indexes. */
  readonly #counts: Uint8Array;
  readonly #keys: Uint32Array;
  /** The keys in the order in which they were peeled off, and the place that was theirs alone. */
  readonly #peeledKeys: Uint32Array;
  readonly #peeledPlaces: Uint32Array;
  /** The places of the key that #locate() was asked for. */
  readonly #at = new Int32Array(4);

  constructor(hashes: Float64Array, shape: FuseShape) {
    const places = placesOf(shape);
    this.#hashes = hashes;
    this.#shape = shape;
    this.#counts = new Uint8Array(places);
    this.#keys = new Uint32Array(places);
    this.#peeledKeys = new Uint32Array(hashes.length);
    // It also holds the places that wait to be peeled: they are never more than keys are left.
    this.#peeledPlaces = new Uint32Array(places);
  }

  /** False when a place has more keys than can be counted. */
  count(): boolean {
    const at = this.#at;
    for (let key = 0; key < this.#hashes.length; key++) {
      this.#locate(key);
      for (let way = 0; way < 4; way++) {
        const place = at[way] as number;
        if (this.#counts[place] === 255) return false;
        this.#counts[place] = (this.#counts[place] as number) + 1;
        this.#keys[place] = (this.#keys[place] as number) ^ key;
      }
    }
    return true;
  }

  /** False when no place is left that belongs to one key only, but keys are. */
  peel(): boolean {
    const at = this.#at;
    const waiting = new Uint32Array(this.#counts.length);
    let waits = 0;
    for (let place = 0; place < this.#counts.length; place++) {
      if (this.#counts[place] === 1) waiting[waits++] = place;
    }
    let peeled = 0;
    while (waits > 0) {
      const own = waiting[--waits] as number;
      if (this.#counts[own] !== 1) continue;
      const key = this.#keys[own] as number;
      this.#peeledKeys[peeled] = key;
      this.#peeledPlaces[peeled++] = own;
      this.#locate(key);
      for (let way = 0; way < 4; way++) {
        const place = at[way] as number;
        this.#keys[place] = (this.#keys[place] as number) ^ key;
        const left = (this.#counts[place] as number) - 1;
        this.#counts[place] = left;
        if (left === 1) waiting[waits++] = place;
      }
    }
    return peeled === this.#hashes.length;
  }

  assign(): Uint8Array {
    const at = this.#at;
    const fingerprints = new Uint8Array(this.#counts.length);
    for (let peeled = this.#hashes.length - 1; peeled >= 0; peeled--) {
      let byte = this.#locate(this.#peeledKeys[peeled] as number) & 0xff;
      for (let way = 0; way < 4; way++) byte ^= fingerprints[at[way] as number] as number;
      fingerprints[this.#peeledPlaces[peeled] as number] = byte;
    }
    return fingerprints;
  }

  /** Fills #at; the first mix of the key. */
  #locate(key: number): number {
    const { seed, starts, segmentBits } = this.#shape;
    const hash = this.#hashes[key] as number;
    const first = firstMix(hash, seed);
    const second = secondMix(hash, first);
    const start = startOf(first, starts);
    this.#at[0] = start;
    for (let way = 1; way < 4; way++) this.#at[way] = placeOf(start, second, way, segmentBits);
    return first;
  }
}
