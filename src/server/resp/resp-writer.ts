// Replies in, bytes of RESP2 or RESP3 out: one per connection, so that everything a connection
// has to say in one turn of the event loop leaves in one write of contiguous bytes.
//
// A buffer that was taken belongs to the socket until it is sent, so each batch gets a new one,
// as large as the last batch turned out to be: small batches come from Node's pool of buffers
// and cost next to nothing, and an idle connection holds no memory at all.
//
// The replies of pipelined GET and SET (+OK, bulk, null, small integers) are written byte by byte
// without an intermediate string or buffer.

import type { Reply, ReplyNode } from './reply.ts';
import { OK } from './reply.ts';

const CR = 0x0d;
const LF = 0x0a;
const ZERO = 0x30;
const MINUS = 0x2d;
const TYPE = {
  simple: 0x2b, // +
  error: 0x2d, // -
  integer: 0x3a, // :
  bulk: 0x24, // $
  array: 0x2a, // *
  map: 0x25, // %
  set: 0x7e, // ~
  verbatim: 0x3d, // =
} as const;

const OK_BYTES = Buffer.from('+OK\r\n');
const NULL_BULK = Buffer.from('$-1\r\n');
const NULL_ARRAY = Buffer.from('*-1\r\n');
const NULL = Buffer.from('_\r\n');
const EMPTY = Buffer.alloc(0);

/** Room for a type byte, the digits of any length, and CR LF. */
const HEAD_BYTES_MAX = 20;
/** Below it a loop of our own beats the call into native memcpy. */
const SHORT_BYTES_MAX = 40;
const FIRST_CAPACITY = 64;
/** A batch rarely outgrows this; it also bounds what one batch reserves on suspicion. */
const CAPACITY_ON_TRUST_MAX = 16 * 1024;

export class RespWriter {
  /** Of the replies that follow; HELLO changes it between two replies. */
  protocol: 2 | 3 = 2;
  #bytes: Buffer = EMPTY;
  #length = 0;
  #nextCapacity = FIRST_CAPACITY;

  /** Bytes written and not yet taken. */
  get length(): number {
    return this.#length;
  }

  /** Everything written since the last call; the caller owns it. */
  take(): Buffer {
    const batch = this.#bytes.subarray(0, this.#length);
    const rounded = this.#length <= FIRST_CAPACITY ? FIRST_CAPACITY : this.#length * 2;
    this.#nextCapacity = Math.min(rounded, CAPACITY_ON_TRUST_MAX);
    this.#bytes = EMPTY;
    this.#length = 0;
    return batch;
  }

  write(reply: Reply): void {
    if (reply === OK) this.#raw(OK_BYTES);
    else if (reply === null) this.#raw(this.protocol === 3 ? NULL : NULL_BULK);
    else if (typeof reply === 'number') this.#integer(reply);
    else if (typeof reply === 'string') this.#text(TYPE.bulk, reply);
    else if (reply instanceof Uint8Array) this.#bulk(reply);
    else if ('kind' in reply) this.#node(reply);
    else this.#items(TYPE.array, reply);
  }

  #node(reply: ReplyNode): void {
    const isThree = this.protocol === 3;
    switch (reply.kind) {
      case 'simple':
        this.#line(TYPE.simple, reply.text);
        break;
      case 'error':
        if (reply.encoded === undefined) this.#line(TYPE.error, reply.text);
        else this.#raw(reply.encoded);
        break;
      case 'map':
        this.#map(reply.entries);
        break;
      case 'set':
        this.#items(isThree ? TYPE.set : TYPE.array, reply.items);
        break;
      case 'verbatim':
        if (isThree) this.#text(TYPE.verbatim, `txt:${reply.text}`);
        else this.#text(TYPE.bulk, reply.text);
        break;
      case 'null-array':
        this.#raw(isThree ? NULL : NULL_ARRAY);
        break;
      case 'silence':
        break;
    }
  }

  #items(type: number, items: readonly Reply[]): void {
    this.#head(type, items.length);
    for (const item of items) this.write(item);
  }

  #map(entries: readonly (readonly [Reply, Reply])[]): void {
    if (this.protocol === 3) this.#head(TYPE.map, entries.length);
    else this.#head(TYPE.array, entries.length * 2);
    for (const [key, value] of entries) {
      this.write(key);
      this.write(value);
    }
  }

  #bulk(bytes: Uint8Array): void {
    this.#room(HEAD_BYTES_MAX + bytes.length + 2);
    this.#head(TYPE.bulk, bytes.length);
    this.#raw(bytes);
    this.#lineEnd();
  }

  #text(type: number, text: string): void {
    const length = Buffer.byteLength(text);
    this.#room(HEAD_BYTES_MAX + length + 2);
    this.#head(type, length);
    this.#length += this.#bytes.write(text, this.#length);
    this.#lineEnd();
  }

  /** A simple string or error is one line: what would end it early becomes a space. */
  #line(type: number, text: string): void {
    const line = /[\r\n]/.test(text) ? text.replace(/[\r\n]+/g, ' ') : text;
    this.#room(3 + line.length * 3);
    this.#bytes[this.#length++] = type;
    this.#length += this.#bytes.write(line, this.#length);
    this.#lineEnd();
  }

  #integer(value: number): void {
    this.#room(HEAD_BYTES_MAX + 1);
    this.#bytes[this.#length++] = TYPE.integer;
    if (value < 0) this.#bytes[this.#length++] = MINUS;
    this.#length += this.#digits(Math.abs(value), this.#length);
    this.#lineEnd();
  }

  /** `type`, a number that is not negative, CR LF. */
  #head(type: number, value: number): void {
    this.#room(HEAD_BYTES_MAX);
    this.#bytes[this.#length++] = type;
    this.#length += this.#digits(value, this.#length);
    this.#lineEnd();
  }

  /** Writes the digits of a whole number at `at`; how many there were. */
  #digits(value: number, at: number): number {
    if (value < 10) {
      this.#bytes[at] = ZERO + value;
      return 1;
    }
    if (value > 999_999_999) return this.#bytes.write(value.toFixed(0), at);
    let count = 1;
    for (let power = 10; power <= value; power *= 10) count++;
    let rest = value;
    for (let i = at + count - 1; i >= at; i--) {
      const tenth = (rest / 10) | 0;
      this.#bytes[i] = ZERO + rest - tenth * 10;
      rest = tenth;
    }
    return count;
  }

  #lineEnd(): void {
    this.#bytes[this.#length++] = CR;
    this.#bytes[this.#length++] = LF;
  }

  #raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    if (bytes.length <= SHORT_BYTES_MAX) {
      const target = this.#bytes;
      let at = this.#length;
      for (let i = 0; i < bytes.length; i++) target[at++] = bytes[i] as number;
    } else {
      this.#bytes.set(bytes, this.#length);
    }
    this.#length += bytes.length;
  }

  #room(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2, this.#nextCapacity));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
