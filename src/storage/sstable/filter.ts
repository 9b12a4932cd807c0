// The filter of a table: says of most absent keys that they are absent, and of no present one.
//
//   filter      number of partitions u16 · partition*
//   partition   seed u32 · bits of a segment u8 · starts u32 · fingerprints, one byte a place
//
// Which partition has a key is said by its hash. So building stays within the caches of the
// processor, needs scratch memory for one partition only, and can pause between two of them.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { assert } from '../../base/assert.ts';
import { ByteReader, ByteWriter, badBytes } from '../../base/bytes.ts';
import * as fuse from './fuse.ts';
import { finished } from './key-hash.ts';

/** Four times as many save 3.5 % of the bits and take twice to four times as long to build. */
const PARTITION_KEYS = 96 * 1024;
const PARTITIONS_MAX = 1024;
const HEADER_BYTES = 9;
/** Each fails with a chance far below a half; equal hashes are taken out after the second. */
const ATTEMPTS_MAX = 100;

/** Of 0 <= hash < 2^53. */
function partitionOf(hash: number, partitions: number): number {
  return Math.floor(hash * 2 ** -53 * partitions);
}

export class Filter {
  readonly #bytes: Buffer;
  readonly #partitions: number;
  /** Of each partition: where its fingerprints begin, seed, bits of a segment, starts. */
  readonly #shapes: Float64Array;

  /** `payload` is kept. Throws BAD_BYTES. */
  constructor(payload: Buffer) {
    const reader = new ByteReader(payload);
    this.#bytes = payload;
    this.#partitions = reader.u16();
    if (this.#partitions === 0 || this.#partitions * HEADER_BYTES > reader.left) {
      throw badBytes('a number of partitions');
    }
    this.#shapes = new Float64Array(4 * this.#partitions);
    for (let at = 0; at < this.#shapes.length; at += 4) {
      const seed = reader.u32();
      const segmentBits = reader.u8();
      const starts = reader.u32();
      if (segmentBits > fuse.SEGMENT_BITS_MAX || starts === 0) throw badBytes('a shape');
      this.#shapes.set([reader.at, seed, segmentBits, starts], at);
      reader.raw(fuse.placesOf({ seed, segmentBits, starts }));
    }
    reader.end();
  }

  /** What it holds in memory. */
  get bytes(): number {
    return this.#bytes.length + 32 * this.#partitions;
  }

  /** False: the key of that hash is not there. */
  mayContain(hash: number): boolean {
    const shape = 4 * partitionOf(hash, this.#partitions);
    const at = this.#shapes[shape] as number;
    const segmentBits = this.#shapes[shape + 2] as number;
    const first = fuse.firstMix(hash, this.#shapes[shape + 1] as number);
    const second = fuse.secondMix(hash, first);
    const start = fuse.startOf(first, this.#shapes[shape + 3] as number);
    const bytes = this.#bytes;
    const found =
      (bytes[at + start] as number) ^
      (bytes[at + fuse.placeOf(start, second, 1, segmentBits)] as number) ^
      (bytes[at + fuse.placeOf(start, second, 2, segmentBits)] as number) ^
      (bytes[at + fuse.placeOf(start, second, 3, segmentBits)] as number);
    return found === (first & 0xff);
  }
}

/** Gathers hashes, 8 bytes each; more or fewer than expected cost memory or bits, no more. */
export class FilterWriter {
  readonly #hashes: Float64Array[];
  readonly #counts: Uint32Array;

  constructor(expectedKeys: number, partitionKeys = PARTITION_KEYS) {
    const wanted = Math.ceil(expectedKeys / partitionKeys);
    const partitions = Math.max(1, Math.min(PARTITIONS_MAX, wanted));
    const room = Math.ceil((1.02 * expectedKeys) / partitions) + 64;
    this.#hashes = Array.from({ length: partitions }, () => new Float64Array(room));
    this.#counts = new Uint32Array(partitions);
  }

  add(hash: number): void {
    const partition = partitionOf(hash, this.#counts.length);
    const count = this.#counts[partition] as number;
    let hashes = this.#hashes[partition] as Float64Array;
    if (count === hashes.length) {
      hashes = new Float64Array(2 * count);
      hashes.set(this.#hashes[partition] as Float64Array);
      this.#hashes[partition] = hashes;
    }
    hashes[count] = hash;
    this.#counts[partition] = count + 1;
  }

  /** The filter in parts, to be written one after the other. */
  *finish(): Generator<Buffer, void> {
    const head = new ByteWriter(2);
    head.u16(this.#counts.length);
    yield head.view();
    for (const [partition, hashes] of this.#hashes.entries()) {
      yield encodePartition(hashes.subarray(0, this.#counts[partition]));
    }
  }
}

function encodePartition(all: Float64Array): Buffer {
  let hashes = all;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    if (attempt === 2) hashes = withoutRepetitions(hashes);
    const shape = fuse.fuseShapeOf(hashes.length, finished(attempt + 1) >>> 0);
    const fingerprints = fuse.buildFuse(hashes, shape);
    if (fingerprints === undefined) continue;
    const writer = new ByteWriter(HEADER_BYTES + fingerprints.length);
    writer.u32(shape.seed);
    writer.u8(shape.segmentBits);
    writer.u32(shape.starts);
    writer.raw(fingerprints);
    return writer.view();
  }
  assert(false, `a filter of ${hashes.length} keys is built within ${ATTEMPTS_MAX} attempts`);
}

function withoutRepetitions(hashes: Float64Array): Float64Array {
  const sorted = hashes.slice().sort();
  return sorted.filter((hash, index) => hash !== sorted[index - 1]);
}
