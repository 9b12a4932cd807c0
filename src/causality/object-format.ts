// The bytes of an object, on disk and between nodes. The front of an object is its version, so
// readVersion reads either; values come last, so that encoding copies each of them once.
//
//   u8      format, 1
//   vector  the context (version-vector.ts)
//   varint  number of siblings; then for each, ascending by dot:
//     u8      flags: 1 tombstone, 2 expires
//     varint  actor, as its index in the vector
//     varint  the vector's counter of that actor minus the dot's, 0 as a rule
//     u56     hybrid time
//     varint  expiry in milliseconds, with flag 2 only
//   ------  a version ends here
//   varint  length of the value, for each sibling that is no tombstone
//   raw     the values, in the same order
//
// The object with one value "hi", written as 300 by actor (5, 1) at 1,800,000,000,000 ms:
//
//   01                        format
//   01  05 01 ac 02           context: one entry, actor (5, 1), counter 300
//   01                        one sibling
//   00  00 00                 no flags; entry 0 of the context; its very counter
//   0d 18 c2 e2 80 00 00      time 1,800,000,000,000 · 2048
//   02                        the value has two bytes
//   68 69                     "hi"
//
// Bytes beside the values: one writer 18 to 23 (7 of them the time, 1 to 5 the counter), each
// further one about 6 more, each further sibling about 11. The time has a fixed length because a
// varint of it takes 8 bytes and three times as long.
//
// Invariant: what decodes is sound. A sibling that the context does not cover, or a value in a
// tombstone, cannot even be written down.
// Pure: no clock, no disk, no network; dice are an argument.

import { assert } from '../base/assert.ts';
import { ByteReader, ByteWriter, badBytes } from '../base/bytes.ts';
import { compareDots, type Dot } from './dot.ts';
import type { HybridTime } from './hybrid-clock.ts';
import type { ObjectVersion, Sibling, SiblingFacts, StoredObject } from './siblings.ts';
import { readVector, type VersionVector, writeVector } from './version-vector.ts';

const FORMAT = 1;
const TOMBSTONE = 1;
const EXPIRES = 2;
const SIBLING_BYTES_MIN = 10;
const TIME_HIGH_MAX = 2 ** 21 - 1;

// Everything but the values is written here first, which tells the exact size to allocate.
const scratch = new ByteWriter(1024);

export function encodeObject(object: StoredObject): Buffer {
  scratch.clear();
  writeFront(scratch, object);
  const front = scratch.view();
  let size = front.length;
  for (const sibling of object.siblings) size += sibling.value.length;
  // From the pool: 0.07 µs, where memory of its own (allocUnsafeSlow) costs 1 µs.
  const bytes = Buffer.allocUnsafe(size);
  bytes.set(front, 0);
  let at = front.length;
  for (const { value } of object.siblings) {
    bytes.set(value, at);
    at += value.length;
  }
  return bytes;
}

/** The values are views of `bytes`. Throws BAD_BYTES unless all of it is one object. */
export function decodeObject(bytes: Buffer): StoredObject {
  const r = new ByteReader(bytes);
  const object = readObject(r);
  r.end();
  return object;
}

export function writeObject(w: ByteWriter, object: StoredObject): void {
  writeFront(w, object);
  for (const { value } of object.siblings) w.raw(value);
}

/** The values are views of what the reader reads. Throws BAD_BYTES. */
export function readObject(r: ByteReader): StoredObject {
  const { context, siblings: facts } = readVersion(r);
  const lengths: number[] = [];
  for (const { isTombstone } of facts) lengths.push(isTombstone ? 0 : r.varint());
  const siblings: Sibling[] = [];
  for (let i = 0; i < facts.length; i++) {
    const { dot, time, expiresAt, isTombstone } = facts[i]!;
    siblings.push({ dot, time, expiresAt, isTombstone, value: r.raw(lengths[i]!) });
  }
  return { context, siblings };
}

export function writeVersion(w: ByteWriter, version: ObjectVersion): void {
  w.u8(FORMAT);
  writeVector(w, version.context);
  w.varint(version.siblings.length);
  for (const sibling of version.siblings) writeFacts(w, version.context, sibling);
}

/** Reads a version, or the front of an object. Throws BAD_BYTES. */
export function readVersion(r: ByteReader): ObjectVersion {
  const format = r.u8();
  if (format !== FORMAT) throw badBytes(`an object has format ${format}, not ${FORMAT}`);
  const context = readVector(r);
  const count = r.varint();
  if (count * SIBLING_BYTES_MIN > r.left) throw badBytes(`${count} siblings in ${r.left} bytes`);
  const siblings: SiblingFacts[] = [];
  for (let i = 0; i < count; i++) {
    const facts = readFacts(r, context);
    if (i > 0 && compareDots(siblings[i - 1]!.dot, facts.dot) >= 0) {
      throw badBytes('the siblings of an object are not ascending');
    }
    siblings.push(facts);
  }
  return { context, siblings };
}

function writeFront(w: ByteWriter, object: StoredObject): void {
  writeVersion(w, object);
  for (const { isTombstone, value } of object.siblings) {
    if (isTombstone) assert(value.length === 0, 'a tombstone has no value');
    else w.varint(value.length);
  }
}

function writeFacts(w: ByteWriter, context: VersionVector, sibling: SiblingFacts): void {
  const { dot, time, expiresAt, isTombstone } = sibling;
  const index = indexOf(context, dot);
  w.u8((isTombstone ? TOMBSTONE : 0) | (expiresAt === 0 ? 0 : EXPIRES));
  w.varint(index);
  w.varint(context[index]!.counter - dot.counter);
  writeTime(w, time);
  if (expiresAt !== 0) w.varint(expiresAt);
}

function readFacts(r: ByteReader, context: VersionVector): SiblingFacts {
  const flags = r.u8();
  if (flags > (TOMBSTONE | EXPIRES)) throw badBytes(`a sibling has unknown flags ${flags}`);
  const dot = readDot(r, context);
  const time = readTime(r);
  const expires = (flags & EXPIRES) !== 0;
  const expiresAt = expires ? r.varint() : 0;
  if (expires && expiresAt === 0) throw badBytes('a sibling expires at 0');
  return { dot, time, expiresAt, isTombstone: (flags & TOMBSTONE) !== 0 };
}

function writeTime(w: ByteWriter, time: HybridTime): void {
  const high = Math.floor(time / 2 ** 32);
  assert(high >= 0 && high <= TIME_HIGH_MAX, 'a hybrid time has 53 bits');
  w.u8(high >>> 16);
  w.u16(high & 0xffff);
  w.u32(time >>> 0);
}

function readTime(r: ByteReader): HybridTime {
  const high = r.u8() * 2 ** 16 + r.u16();
  if (high > TIME_HIGH_MAX) throw badBytes('a hybrid time has more than 53 bits');
  return high * 2 ** 32 + r.u32();
}

function readDot(r: ByteReader, context: VersionVector): Dot {
  const entry = context[r.varint()];
  const gap = r.varint();
  if (entry === undefined || gap >= entry.counter) {
    throw badBytes('a sibling is not covered by the context of its object');
  }
  const isDot = gap === 0 && !entry.isClosed;
  return isDot ? entry : { actor: entry.actor, counter: entry.counter - gap };
}

function indexOf(context: VersionVector, dot: Dot): number {
  let index = 0;
  while (index < context.length && context[index]!.actor !== dot.actor) index++;
  assert(index < context.length, 'the context of an object covers its siblings');
  return index;
}
