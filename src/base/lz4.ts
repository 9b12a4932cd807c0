// LZ4 blocks (Collet: "LZ4 Block Format Description"), for the blocks of tables. Our own, because
// the codecs of Node.js make a native object per call: a block of 8 KiB of JSON took 50 µs to
// decompress with zstd and takes 9 µs here, at 41 % instead of 25 % of its length.
//
//   block      sequence*                          the last one ends with its literals
//   sequence   token u8 · literal length* · literals · distance u16 LE · match length*
//   token      literals, 15 and more go on behind it (255 means: and more) << 4 | match length - 4
//
// A match repeats what stands `distance` bytes before, itself included as it grows. The last 5
// bytes of a block are literals, and no match begins in its last 12.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { badBytes } from './bytes.ts';

const MATCH_BYTES_MIN = 4;
const DISTANCE_MAX = 0xffff;
const LITERALS_AT_END = 5;
const NO_MATCH_IN_LAST = 12;
/** A length of four bits that goes on. */
const LONG = 15;
/** Copying in JavaScript is faster up to about here: a call of the built-in costs 40 ns. */
const LOOP_BYTES_MAX = 32;

/** 16 KiB of places: all of it stays in the first cache of a processor. */
const HASH_BITS = 12;
/** After so many misses in a row the search takes larger steps, and larger ones after as many. */
const STEP_AFTER_BITS = 5;
/** By the hash of four bytes: where they stood last, plus 1. */
const places = new Int32Array(2 ** HASH_BITS);

/** The most that compress() makes of so many bytes. */
export function compressedBytesMax(length: number): number {
  return length + Math.ceil(length / 255) + 16;
}

/** Writes `from` as a block to the start of `to`, which has compressedBytesMax(); its length. */
export function compress(from: Uint8Array, to: Uint8Array): number {
  places.fill(0);
  const lastMatch = from.length - NO_MATCH_IN_LAST;
  let written = 0;
  let anchor = 0;
  for (let at = 0, misses = 0; at < lastMatch; ) {
    const hash = hashAt(from, at);
    const match = (places[hash] as number) - 1;
    places[hash] = at + 1;
    if (match < 0 || at - match > DISTANCE_MAX || !isSameAt(from, match, at)) {
      at += 1 + (misses++ >> STEP_AFTER_BITS);
      continue;
    }
    const length = matchLength(from, match, at);
    written = writeLiterals(from, anchor, at, to, written, length - MATCH_BYTES_MIN);
    to[written++] = (at - match) & 0xff;
    to[written++] = (at - match) >>> 8;
    written = writeLength(to, written, length - MATCH_BYTES_MIN);
    at += length;
    anchor = at;
    misses = 0;
  }
  return writeLiterals(from, anchor, from.length, to, written, 0);
}

/** Memory of its own, `length` bytes; throws BAD_BYTES when the block is not of that length. */
export function decompress(block: Uint8Array, length: number): Buffer {
  // No block grows more when it is unpacked: never allocate for a length that cannot be.
  if (length > 255 * block.length) throw badBytes(`lz4: ${length} bytes from ${block.length}`);
  const to = Buffer.allocUnsafeSlow(length);
  let written = 0;
  for (let at = 0; ; ) {
    if (at >= block.length) throw bad('a token is missing', at);
    const token = block[at++] as number;
    let literals = token >>> 4;
    if (literals === LONG) {
      literals += longLength(block, at);
      at += longLengthBytes(literals);
    }
    if (at + literals > block.length || written + literals > length) throw bad('literals', at);
    copyInto(to, written, block, at, literals);
    at += literals;
    written += literals;
    if (at === block.length) break;
    const distance = (block[at] as number) | ((block[at + 1] as number) << 8);
    at += 2;
    if (distance === 0 || distance > written) throw bad(`a distance of ${distance}`, at);
    let match = token & LONG;
    if (match === LONG) {
      match += longLength(block, at);
      at += longLengthBytes(match);
    }
    match += MATCH_BYTES_MIN;
    if (written + match > length) throw bad('a match', at);
    repeat(to, written, distance, match);
    written += match;
  }
  if (written !== length) throw badBytes(`lz4: ${written} bytes instead of ${length}`);
  return to;
}

function bad(what: string, at: number): Error {
  return badBytes(`lz4: ${what} at ${at}`);
}

function hashAt(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
  const high = (bytes[at + 2] as number) | ((bytes[at + 3] as number) << 8);
  return Math.imul(low | (high << 16), 0x9e3779b1) >>> (32 - HASH_BITS);
}

function isSameAt(bytes: Uint8Array, one: number, other: number): boolean {
  return (
    bytes[one] === bytes[other] &&
    bytes[one + 1] === bytes[other + 1] &&
    bytes[one + 2] === bytes[other + 2] &&
    bytes[one + 3] === bytes[other + 3]
  );
}

function matchLength(bytes: Uint8Array, match: number, at: number): number {
  const end = bytes.length - LITERALS_AT_END;
  let next = at + MATCH_BYTES_MIN;
  while (next < end && bytes[next] === bytes[match + next - at]) next += 1;
  return next - at;
}

/** Token, literal length and literals; where they end. `match`: its length beyond the minimum. */
function writeLiterals(
  from: Uint8Array,
  start: number,
  end: number,
  to: Uint8Array,
  written: number,
  match: number,
): number {
  const literals = end - start;
  to[written] = (Math.min(literals, LONG) << 4) | Math.min(match, LONG);
  const at = writeLength(to, written + 1, literals);
  copyInto(to, at, from, start, literals);
  return at + literals;
}

/** What does not fit into the token. */
function writeLength(to: Uint8Array, written: number, length: number): number {
  if (length < LONG) return written;
  let at = written;
  let rest = length - LONG;
  for (; rest >= 255; rest -= 255) to[at++] = 255;
  to[at++] = rest;
  return at;
}

/** The length beyond 15 that stands at `start`; a block that ends within it gives one too long. */
function longLength(block: Uint8Array, start: number): number {
  let length = 0;
  let at = start;
  while (block[at] === 255) {
    length += 255;
    at += 1;
  }
  return length + (block[at] ?? Number.POSITIVE_INFINITY);
}

/** How many bytes longLength() has read, by what the length became. */
function longLengthBytes(length: number): number {
  return Math.floor((length - LONG) / 255) + 1;
}

function copyInto(
  to: Uint8Array,
  at: number,
  from: Uint8Array,
  start: number,
  length: number,
): void {
  if (length > LOOP_BYTES_MAX) {
    to.set(from.subarray(start, start + length), at);
    return;
  }
  for (let index = 0; index < length; index++) to[at + index] = from[start + index] as number;
}

/** Appends `length` bytes at `at`, each the one `distance` before it. */
function repeat(bytes: Uint8Array, at: number, distance: number, length: number): void {
  if (length > LOOP_BYTES_MAX && distance >= length) {
    bytes.copyWithin(at, at - distance, at - distance + length);
    return;
  }
  for (let to = at, from = at - distance; to < at + length; ) {
    bytes[to++] = bytes[from++] as number;
  }
}
