// The memory of a memtable: keys and values as records in chunks outside the JavaScript heap,
// appended and never moved or reused, so that a view of one stays as it is for as long as anyone
// keeps it. The chunks go when the memtable and all views of them are forgotten.
//
//   key     ┌ length ┐  previous   value    length  keyspace  slot   key …   to a multiple
//           └ u32  ? ┘  u32        u32      u8      u8        u16 BE         of 4 bytes
//                                           ↑ the key's address, in words
//   value   ┌ length ┐  sequence   sequence >> 32, kind, length   value …    to a multiple
//           └ u32  ? ┘  u32, low   19, 2 and 11 bits                         of 4 bytes
//                       ↑ the value's address
//
// Lengths that do not fit stand in the word before, and all bits of their field are set. `value`
// is the newest one, or of the kind removal, and then empty; `previous` is the key that came into
// the same slot before (slot-lists.ts).
// An address is chunk number × 2^18 + word; 0 is none. 20 bytes a key, and what rounding takes.

import { assert } from '../../base/assert.ts';
import type { EngineKey } from '../engine.ts';
import {
  type EntryKind,
  TABLE_KEY_PREFIX_BYTES,
  type TableEntry,
  type TableKey,
} from '../table-entry.ts';

const CHUNK_BYTES = 1024 * 1024;
const WORD_BITS = 18;
const WORD_MASK = 2 ** WORD_BITS - 1;
/** Addresses stay below 2^31, so that they are small integers to JavaScript: 8 GiB of chunks. */
const CHUNKS_MAX = 2 ** (31 - WORD_BITS);
/** The first chunks are smaller, for the many memtables that never grow. */
const CHUNK_BYTES_MIN = 4096;
/** A record above a chunk's 8th gets a chunk of its own: none ends with much room unused. */
const SHARES_OF_CHUNK = 8;

const KEY_LENGTH_LONG = 0xff;
const VALUE_LENGTH_LONG = 0x7ff;
const SEQUENCE_HIGH_BITS = 19;
const SEQUENCE_HIGH_MASK = 2 ** SEQUENCE_HIGH_BITS - 1;
const KIND_MASK = 3;
const LENGTH_SHIFT = SEQUENCE_HIGH_BITS + 2;
/** Copying in JavaScript is faster up to about here: a call of the built-in costs 40 ns. */
const LOOP_BYTES_MAX = 32;

/** One, or its `bytes` as words of the machine's own byte order. */
class Chunk {
  readonly bytes: Buffer;
  readonly words: Int32Array;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size);
    this.words = new Int32Array(this.bytes.buffer, this.bytes.byteOffset, size >>> 2);
  }
}

export class RecordArena {
  /** Number 0 is empty, so that no address is 0. */
  readonly #chunks = [new Chunk(0)];
  /** The one that is being filled; the others are full, or made for one record. */
  #current = this.#chunks[0] as Chunk;
  #currentNumber = 0;
  #currentWords = 0;
  #chunkBytes = 0;

  /** Of all chunks, whether used or not. */
  get bytes(): number {
    return this.#chunkBytes;
  }

  /** Copies the key; answers its address. Its value is set by setValue(). */
  addKey({ keyspace, slot, key }: EngineKey, previous: number): number {
    const { length } = key;
    const isLong = length >= KEY_LENGTH_LONG;
    const first = this.#reserve((isLong ? 4 : 3) + ((length + 3) >>> 2));
    const address = isLong ? first + 3 : first + 2;
    const { bytes, words } = this.#chunkOf(address);
    const word = address & WORD_MASK;
    if (isLong) words[word - 3] = length;
    words[word - 2] = previous;
    words[word - 1] = 0;
    const at = word << 2;
    bytes[at] = isLong ? KEY_LENGTH_LONG : length;
    bytes[at + 1] = keyspace;
    bytes[at + 2] = slot >>> 8;
    bytes[at + 3] = slot & 0xff;
    copyInto(bytes, at + 4, key);
    return address;
  }

  /** Copies the value; answers its address. */
  addValue(kind: EntryKind, value: Buffer, sequence: number): number {
    const { length } = value;
    const isLong = length >= VALUE_LENGTH_LONG;
    const first = this.#reserve((isLong ? 3 : 2) + ((length + 3) >>> 2));
    const address = isLong ? first + 1 : first;
    const { bytes, words } = this.#chunkOf(address);
    const word = address & WORD_MASK;
    if (isLong) words[word - 1] = length;
    words[word] = sequence;
    const high = Math.floor(sequence / 2 ** 32);
    const short = isLong ? VALUE_LENGTH_LONG : length;
    words[word + 1] = high | (kind << SEQUENCE_HIGH_BITS) | (short << LENGTH_SHIFT);
    copyInto(bytes, (word + 2) << 2, value);
    return address;
  }

  setValue(key: number, value: number): void {
    this.#chunkOf(key).words[(key & WORD_MASK) - 1] = value;
  }

  /** The address of the key's newest value. */
  valueOf(key: number): number {
    return this.#chunkOf(key).words[(key & WORD_MASK) - 1] as number;
  }

  previousOf(key: number): number {
    return this.#chunkOf(key).words[(key & WORD_MASK) - 2] as number;
  }

  sequenceAt(value: number): number {
    const { words } = this.#chunkOf(value);
    const word = value & WORD_MASK;
    const high = (words[word + 1] as number) & SEQUENCE_HIGH_MASK;
    return high * 2 ** 32 + ((words[word] as number) >>> 0);
  }

  kindAt(value: number): EntryKind {
    const { words } = this.#chunkOf(value);
    const packed = words[(value & WORD_MASK) + 1] as number;
    return ((packed >>> SEQUENCE_HIGH_BITS) & KIND_MASK) as EntryKind;
  }

  /** A view. */
  valueAt(value: number): Buffer {
    const { bytes, words } = this.#chunkOf(value);
    const word = value & WORD_MASK;
    const short = (words[word + 1] as number) >>> LENGTH_SHIFT;
    const length = short === VALUE_LENGTH_LONG ? (words[word - 1] as number) : short;
    const at = (word + 2) << 2;
    return bytes.subarray(at, at + length);
  }

  /** The key and what is newest of it; views. */
  entryAt(key: number): TableEntry {
    const value = this.valueOf(key);
    return {
      key: this.tableKeyAt(key),
      kind: this.kindAt(value),
      sequence: this.sequenceAt(value),
      value: this.valueAt(value),
    };
  }

  /** A view of keyspace, slot and key, as tables sort them. */
  tableKeyAt(key: number): TableKey {
    const { bytes } = this.#chunkOf(key);
    const at = ((key & WORD_MASK) << 2) + 1;
    return bytes.subarray(at, at + TABLE_KEY_PREFIX_BYTES + this.keyLengthAt(key));
  }

  /** A view of the key alone. */
  keyAt(key: number): Buffer {
    const { bytes } = this.#chunkOf(key);
    const at = ((key & WORD_MASK) << 2) + 4;
    return bytes.subarray(at, at + this.keyLengthAt(key));
  }

  keyLengthAt(key: number): number {
    const { bytes, words } = this.#chunkOf(key);
    const word = key & WORD_MASK;
    const short = bytes[word << 2] as number;
    return short === KEY_LENGTH_LONG ? (words[word - 3] as number) : short;
  }

  isKeyAt(address: number, { keyspace, slot, key }: EngineKey): boolean {
    const { bytes } = this.#chunkOf(address);
    const { length } = key;
    const at = (address & WORD_MASK) << 2;
    if (bytes[at + 1] !== keyspace) return false;
    if (bytes[at + 2] !== slot >>> 8 || bytes[at + 3] !== (slot & 0xff)) return false;
    if (this.keyLengthAt(address) !== length) return false;
    if (length > LOOP_BYTES_MAX) {
      return bytes.compare(key, 0, length, at + 4, at + 4 + length) === 0;
    }
    for (let offset = 0; offset < length; offset++) {
      if (bytes[at + 4 + offset] !== key[offset]) return false;
    }
    return true;
  }

  /** Below 0 when the key at `address` sorts before `key`, without a look at their slots. */
  compareKeyAt(address: number, key: Buffer): number {
    const { bytes } = this.#chunkOf(address);
    const at = ((address & WORD_MASK) << 2) + 4;
    return bytes.compare(key, 0, key.length, at, at + this.keyLengthAt(address));
  }

  /** How many bytes both keys begin with, `lengthMax` at most; `from` of them are known to be. */
  commonLength(one: number, other: number, from: number, lengthMax: number): number {
    const oneBytes = this.#chunkOf(one).bytes;
    const otherBytes = this.#chunkOf(other).bytes;
    const oneAt = ((one & WORD_MASK) << 2) + 4;
    const otherAt = ((other & WORD_MASK) << 2) + 4;
    const end = Math.min(lengthMax, this.keyLengthAt(one), this.keyLengthAt(other));
    let length = from;
    while (length < end && oneBytes[oneAt + length] === otherBytes[otherAt + length]) length++;
    return length;
  }

  /**
   * `count` bytes of a key from `offset` on as digits of one number that sorts as they do: a byte
   * counts 1 … 256, the end of the key counts 0. Exact up to 6 of them.
   */
  digitsAt(address: number, offset: number, count: number): number {
    const { bytes } = this.#chunkOf(address);
    const at = ((address & WORD_MASK) << 2) + 4;
    const end = at + this.keyLengthAt(address);
    let number = 0;
    for (let digit = at + offset; digit < at + offset + count; digit++) {
      number = number * 257 + (digit < end ? (bytes[digit] as number) + 1 : 0);
    }
    return number;
  }

  #chunkOf(address: number): Chunk {
    return this.#chunks[address >>> WORD_BITS] as Chunk;
  }

  /** The address of the first of `words` words that lie together. */
  #reserve(words: number): number {
    const word = this.#currentWords;
    if (word + words > this.#current.words.length) return this.#reserveInNewChunk(words);
    this.#currentWords = word + words;
    return (this.#currentNumber << WORD_BITS) | word;
  }

  #reserveInNewChunk(words: number): number {
    const doubled = this.#chunkBytes - (this.#chunkBytes % CHUNK_BYTES_MIN);
    const size = Math.min(CHUNK_BYTES, Math.max(CHUNK_BYTES_MIN, doubled));
    if (words * 4 > size / SHARES_OF_CHUNK) return this.#addChunk(words * 4) << WORD_BITS;
    this.#currentNumber = this.#addChunk(size);
    this.#current = this.#chunks[this.#currentNumber] as Chunk;
    this.#currentWords = words;
    return this.#currentNumber << WORD_BITS;
  }

  #addChunk(size: number): number {
    assert(this.#chunks.length < CHUNKS_MAX, 'a memtable is sealed long before it has 8 GiB');
    this.#chunkBytes += size;
    return this.#chunks.push(new Chunk(size)) - 1;
  }
}

function copyInto(bytes: Buffer, at: number, from: Buffer): void {
  const { length } = from;
  if (length > LOOP_BYTES_MAX) {
    bytes.set(from, at);
    return;
  }
  for (let offset = 0; offset < length; offset++) bytes[at + offset] = from[offset] as number;
}
