// Writing and reading of binary records: the one vocabulary in which every format of
// docs/formats.md is written (u8, u16, u32 big-endian; varint; length-prefixed bytes).
//
// A varint is LEB128: seven bits a byte, least significant first, up to 2^53 - 1 (8 bytes).
// The reader never trusts a length: it checks against what is there before it allocates.

import { assert } from './assert.ts';
import { KvorumError } from './errors.ts';

const EMPTY = Buffer.alloc(0);

export class ByteWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(initialCapacity = 256) {
    this.#buffer = Buffer.allocUnsafe(initialCapacity);
  }

  get length(): number {
    return this.#length;
  }

  /** Forgets everything written; the memory is kept for the next record. */
  clear(): void {
    this.#length = 0;
  }

  u8(value: number): void {
    this.#room(1);
    this.#buffer[this.#length++] = value;
  }

  u16(value: number): void {
    this.#room(2);
    this.#length = this.#buffer.writeUInt16BE(value, this.#length);
  }

  u32(value: number): void {
    this.#room(4);
    this.#length = this.#buffer.writeUInt32BE(value, this.#length);
  }

  varint(value: number): void {
    assert(value >= 0 && value <= Number.MAX_SAFE_INTEGER, 'a varint is 0 … 2^53 - 1');
    this.#room(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80;
      rest = rest < 0x8000_0000 ? rest >>> 7 : Math.floor(rest / 0x80);
    }
    this.#buffer[this.#length++] = rest;
  }

  /** The bytes themselves, without a length. */
  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** All that `other` has written. */
  append(other: ByteWriter): void {
    this.#room(other.#length);
    this.#length += other.#buffer.copy(this.#buffer, this.#length, 0, other.#length);
  }

  /** A varint length, then the bytes. */
  bytes(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** UTF-8 text as length-prefixed bytes. */
  text(text: string): void {
    this.bytes(Buffer.from(text, 'utf8'));
  }

  /** Overwrites four bytes written earlier: for lengths and checksums known only at the end. */
  patchU32(offset: number, value: number): void {
    assert(offset + 4 <= this.#length, 'a patch lies within what was written');
    this.#buffer.writeUInt32BE(value, offset);
  }

  /** What was written, as a view that the next write may overwrite. */
  view(from = 0): Buffer {
    return this.#buffer.subarray(from, this.#length);
  }

  /** What was written, as memory of its own. */
  copy(): Buffer {
    const bytes = Buffer.allocUnsafe(this.#length);
    this.#buffer.copy(bytes, 0, 0, this.#length);
    return bytes;
  }

  #room(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

/**
 * A copy for who keeps it for long: small buffers of Node.js are cut from pieces of 64 KiB, and
 * each keeps the whole of its piece from being freed.
 */
export function copyInOwnMemory(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}

/** Reads what ByteWriter wrote; every method throws BAD_BYTES where the bytes end too early. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get at(): number {
    return this.#at;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  u16(): number {
    return this.#bytes.readUInt16BE(this.#take(2));
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 0x80) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
    }
    throw badBytes(`a varint at offset ${this.#at} is longer than 53 bits`);
  }

  /** A view of the next `length` bytes; copy it if it must outlive the message. */
  raw(length: number): Buffer {
    if (length === 0) return EMPTY;
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** Passes over bytes; answers where they begin. */
  skip(length: number): number {
    return this.#take(length);
  }

  /** A view of length-prefixed bytes. */
  bytes(): Buffer {
    return this.raw(this.varint());
  }

  text(): string {
    return this.bytes().toString('utf8');
  }

  /** A view of everything that is left. */
  rest(): Buffer {
    return this.raw(this.left);
  }

  /** Throws BAD_BYTES unless everything was read. */
  end(): void {
    if (this.left !== 0) throw badBytes(`${this.left} bytes too many at offset ${this.#at}`);
  }

  #take(length: number): number {
    if (length > this.left) {
      throw badBytes(`${length} bytes wanted at offset ${this.#at}, ${this.left} there`);
    }
    const start = this.#at;
    this.#at += length;
    return start;
  }
}

export function badBytes(why: string): KvorumError {
  return new KvorumError('BAD_BYTES', `malformed record: ${why}`, 'Report it with the message.');
}
