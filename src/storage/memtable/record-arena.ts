// The records of a memtable in one piece of memory, which the thread that flushes them shares: keys
// from the front, values from the back, appended and never moved or reused while the memtable is
// there. Keys stand together so that lookups touch few pages, and a flush reads them in a row.
//
//   ┌ 0 ┬ key ┬ key ┬ key ┬──►      free      ◄──┬ value ┬ value ┬ value ┐
//   └───┴─────┴─────┴─────┴──────────────────────┴───────┴───────┴───────┘
//
//   key     ┌ length ┐  previous   value    length  keyspace  slot   key …   to a multiple
//           └ u32  ? ┘  u32        u32      u8      u8        u16 BE         of 4 bytes
//                                           ↑ the key's address: words from the front
//   value   ┌ length ┐  sequence   sequence >> 32, kind, length   value …    to a multiple
//           └ u32  ? ┘  u32, low   19, 2 and 11 bits                         of 4 bytes
//                       ↑ the value's address: words from the end of the memory
//
// Lengths that do not fit stand in the word before, and all bits of their field are set; with a key
// that word also has its highest bit set, which tells it from a `previous`. `value` is the newest
// one; a removal is an empty one of that kind. `previous` is the key that came into the same slot
// before (slot-lists.ts). 0 is no address. 20 bytes a key, and what rounding takes.

import { assert } from '../../base/assert.ts';
import {
  type EntryKind,
  type KeyState,
  TABLE_KEY_PREFIX_BYTES,
  type TableEntry,
  type TableKey,
} from '../table-entry.ts';
import type { ByteSpan, KeySpan } from './change-view.ts';

/** Addresses stay below 2^31, so that they are small integers to JavaScript. */
export const ARENA_BYTES_MAX = 2 ** 31 * 4 - 8;

const KEY_LENGTH_LONG = 0xff;
const LONG_KEY_MARK = 0x8000_0000;
const VALUE_LENGTH_LONG = 0x7ff;
const SEQUENCE_HIGH_BITS = 19;
const SEQUENCE_HIGH_MASK = 2 ** SEQUENCE_HIGH_BITS - 1;
const KIND_MASK = 3;
const LENGTH_SHIFT = SEQUENCE_HIGH_BITS + 2;
/** Copying in JavaScript is faster up to about here: a call of the built-in costs 40 ns. */
const LOOP_BYTES_MAX = 32;

/** What a thread needs to read the records that another one wrote. */
export interface ArenaImage {
  readonly memory: SharedArrayBuffer;
  readonly keysEnd: number;
}

export class RecordArena {
  #memory: SharedArrayBuffer;
  #bytes: Buffer;
  /** The same as words of the machine's own byte order. */
  #words: Int32Array;
  /** The first word behind the keys. */
  #keysEnd: number;
  /** At the end of the memory. */
  #valueWords = 0;
  /** Of no use, but that touch() is not optimized away. */
  readonly #touched = new Int32Array(1);

  /** `memory` is empty, or an image that is only read. */
  constructor(memory: SharedArrayBuffer, keysEnd = 1) {
    assert(memory.byteLength <= ARENA_BYTES_MAX && memory.byteLength % 4 === 0, 'words that fit');
    this.#memory = memory;
    this.#bytes = Buffer.from(memory);
    this.#words = new Int32Array(memory);
    this.#keysEnd = keysEnd;
  }

  get image(): ArenaImage {
    return { memory: this.#memory, keysEnd: this.#keysEnd };
  }

  /** What the records take. */
  get bytes(): number {
    return (this.#keysEnd + this.#valueWords) * 4;
  }

  get freeBytes(): number {
    return this.#memory.byteLength - this.bytes;
  }

  /** Copies the key; answers its address. Its value is set by setValue(). */
  addKey(key: KeySpan, previous: number): number {
    const { keyspace, slot, length } = key;
    const isLong = length >= KEY_LENGTH_LONG;
    const size = (isLong ? 4 : 3) + ((length + 3) >>> 2);
    this.#makeRoom(size);
    const address = this.#keysEnd + (isLong ? 3 : 2);
    this.#keysEnd += size;
    const words = this.#words;
    if (isLong) words[address - 3] = length | LONG_KEY_MARK;
    words[address - 2] = previous;
    words[address - 1] = 0;
    const at = address * 4;
    const bytes = this.#bytes;
    bytes[at] = isLong ? KEY_LENGTH_LONG : length;
    bytes[at + 1] = keyspace;
    bytes[at + 2] = slot >>> 8;
    bytes[at + 3] = slot & 0xff;
    copyInto(bytes, at + 4, key);
    return address;
  }

  /** Copies the value; answers its address. */
  addValue(kind: EntryKind, value: ByteSpan, sequence: number): number {
    const { length } = value;
    const isLong = length >= VALUE_LENGTH_LONG;
    const size = (isLong ? 3 : 2) + ((length + 3) >>> 2);
    this.#makeRoom(size);
    this.#valueWords += size;
    const address = this.#valueWords - (isLong ? 1 : 0);
    const words = this.#words;
    const word = words.length - address;
    if (isLong) words[word - 1] = length;
    words[word] = sequence;
    const high = Math.floor(sequence / 2 ** 32);
    const short = isLong ? VALUE_LENGTH_LONG : length;
    words[word + 1] = high | (kind << SEQUENCE_HIGH_BITS) | (short << LENGTH_SHIFT);
    copyInto(this.#bytes, (word + 2) * 4, value);
    return address;
  }

  setValue(key: number, value: number): void {
    this.#words[key - 1] = value;
  }

  /** The address of the key's newest value. */
  valueOf(key: number): number {
    return this.#words[key - 1] as number;
  }

  previousOf(key: number): number {
    return this.#words[key - 2] as number;
  }

  /** The address of the key that came first, or 0. */
  get firstKey(): number {
    return this.#keyFrom(1);
  }

  /** The address of the key that came next, or 0. */
  keyAfter(key: number): number {
    return this.#keyFrom(key + 1 + ((this.keyLengthAt(key) + 3) >>> 2));
  }

  sequenceAt(value: number): number {
    const word = this.#words.length - value;
    const high = (this.#words[word + 1] as number) & SEQUENCE_HIGH_MASK;
    return high * 2 ** 32 + ((this.#words[word] as number) >>> 0);
  }

  kindAt(value: number): EntryKind {
    const packed = this.#words[this.#words.length - value + 1] as number;
    return ((packed >>> SEQUENCE_HIGH_BITS) & KIND_MASK) as EntryKind;
  }

  valueLengthAt(value: number): number {
    const word = this.#words.length - value;
    const short = (this.#words[word + 1] as number) >>> LENGTH_SHIFT;
    return short === VALUE_LENGTH_LONG ? (this.#words[word - 1] as number) : short;
  }

  keyLengthAt(key: number): number {
    const short = this.#bytes[key * 4] as number;
    return short === KEY_LENGTH_LONG ? (this.#words[key - 3] as number) & ~LONG_KEY_MARK : short;
  }

  /**
   * Reads a word of each key and one of its value. None of their places depends on another, so that
   * the processor waits for many lines of memory at once: who looks at them next finds them near.
   */
  touch(keys: Int32Array): void {
    const words = this.#words;
    let sum = 0;
    for (const key of keys) sum ^= words[key - 1] as number;
    for (const key of keys) sum ^= words[words.length - (words[key - 1] as number)] as number;
    this.#touched[0] = sum;
  }

  /** The key and what is newest of it, as views for as long as the memtable is there. */
  entryAt(key: number): TableEntry {
    const value = this.valueOf(key);
    return {
      key: this.tableKeyAt(key),
      kind: this.kindAt(value),
      sequence: this.sequenceAt(value),
      value: this.valueAt(value),
    };
  }

  /** The same as memory of its own. */
  entryCopyAt(key: number): TableEntry {
    return { key: this.tableKeyCopyAt(key), ...this.stateCopyAt(key) };
  }

  /** What is newest of a key, as memory of its own. */
  stateCopyAt(key: number): KeyState {
    const value = this.valueOf(key);
    return {
      kind: this.kindAt(value),
      sequence: this.sequenceAt(value),
      value: this.valueCopyAt(value),
    };
  }

  /** A view, for as long as the memtable is there. */
  valueAt(value: number): Buffer {
    const at = (this.#words.length - value + 2) * 4;
    return this.#bytes.subarray(at, at + this.valueLengthAt(value));
  }

  /** Memory of its own. */
  valueCopyAt(value: number): Buffer {
    return this.#copyOf((this.#words.length - value + 2) * 4, this.valueLengthAt(value));
  }

  /** A view of the key as tables sort it, for as long as the memtable is there. */
  tableKeyAt(key: number): TableKey {
    const at = key * 4 + 1;
    return this.#bytes.subarray(at, at + TABLE_KEY_PREFIX_BYTES + this.keyLengthAt(key));
  }

  /** A view of the key alone. */
  keyAt(key: number): Buffer {
    const at = key * 4 + 4;
    return this.#bytes.subarray(at, at + this.keyLengthAt(key));
  }

  /** Memory of its own. */
  tableKeyCopyAt(key: number): TableKey {
    return this.#copyOf(key * 4 + 1, TABLE_KEY_PREFIX_BYTES + this.keyLengthAt(key));
  }

  isKeyAt(address: number, key: KeySpan): boolean {
    const { keyspace, slot, from, length } = key;
    const bytes = this.#bytes;
    const at = address * 4;
    if (bytes[at + 1] !== keyspace) return false;
    if (bytes[at + 2] !== slot >>> 8 || bytes[at + 3] !== (slot & 0xff)) return false;
    if (this.keyLengthAt(address) !== length) return false;
    if (length > LOOP_BYTES_MAX) {
      return bytes.compare(key.bytes, from, from + length, at + 4, at + 4 + length) === 0;
    }
    for (let offset = 0; offset < length; offset++) {
      if (bytes[at + 4 + offset] !== key.bytes[from + offset]) return false;
    }
    return true;
  }

  /** Below 0 when the key at `address` sorts before `key`, without a look at their slots. */
  compareKeyAt(address: number, key: Buffer): number {
    const at = address * 4 + 4;
    return this.#bytes.compare(key, 0, key.length, at, at + this.keyLengthAt(address));
  }

  /** How many bytes both keys begin with, `lengthMax` at most; `from` of them are known to be. */
  commonLength(one: number, other: number, from: number, lengthMax: number): number {
    const bytes = this.#bytes;
    const oneAt = one * 4 + 4;
    const otherAt = other * 4 + 4;
    const end = Math.min(lengthMax, this.keyLengthAt(one), this.keyLengthAt(other));
    let length = from;
    while (length < end && bytes[oneAt + length] === bytes[otherAt + length]) length++;
    return length;
  }

  /**
   * `count` bytes of a key from `offset` on as digits of one number that sorts as they do: a byte
   * counts 1 … 256, the end of the key counts 0. Exact up to 6 of them.
   */
  digitsAt(address: number, offset: number, count: number): number {
    const bytes = this.#bytes;
    const at = address * 4 + 4;
    const end = at + this.keyLengthAt(address);
    let number = 0;
    for (let digit = at + offset; digit < at + offset + count; digit++) {
      number = number * 257 + (digit < end ? (bytes[digit] as number) + 1 : 0);
    }
    return number;
  }

  keyspaceAt(key: number): number {
    return this.#bytes[key * 4 + 1] as number;
  }

  slotAt(key: number): number {
    const at = key * 4 + 2;
    return ((this.#bytes[at] as number) << 8) | (this.#bytes[at + 1] as number);
  }

  /** The key whose record begins with that word. */
  #keyFrom(word: number): number {
    if (word >= this.#keysEnd) return 0;
    return word + ((this.#words[word] as number) < 0 ? 3 : 2);
  }

  #copyOf(at: number, length: number): Buffer {
    const copy = Buffer.allocUnsafe(length);
    if (length > LOOP_BYTES_MAX) {
      this.#bytes.copy(copy, 0, at, at + length);
      return copy;
    }
    for (let offset = 0; offset < length; offset++)
      copy[offset] = this.#bytes[at + offset] as number;
    return copy;
  }

  #makeRoom(words: number): void {
    const free = this.#words.length - this.#keysEnd - this.#valueWords;
    if (words > free) this.#grow(words - free);
  }

  /** Into memory of twice the size: for a single write that is larger than a memtable. */
  #grow(words: number): void {
    const wanted = Math.max(2 * this.#memory.byteLength, this.#memory.byteLength + words * 4);
    const { memory, bytes } = { memory: this.#memory, bytes: this.#bytes };
    assert(memory.byteLength < ARENA_BYTES_MAX, 'a memtable is sealed long before it has 8 GiB');
    const larger = new SharedArrayBuffer(Math.min(ARENA_BYTES_MAX, wanted));
    this.#memory = larger;
    this.#bytes = Buffer.from(larger);
    this.#words = new Int32Array(larger);
    const valueBytes = this.#valueWords * 4;
    this.#bytes.set(bytes.subarray(0, this.#keysEnd * 4));
    this.#bytes.set(bytes.subarray(bytes.length - valueBytes), this.#bytes.length - valueBytes);
  }
}

function copyInto(bytes: Buffer, at: number, { bytes: source, from, length }: ByteSpan): void {
  if (length > LOOP_BYTES_MAX) {
    // Not bytes.set(source): into shared memory that takes three times as long.
    source.copy(bytes, at, from, from + length);
    return;
  }
  for (let offset = 0; offset < length; offset++) {
    bytes[at + offset] = source[from + offset] as number;
  }
}
