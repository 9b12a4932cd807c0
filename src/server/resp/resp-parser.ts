// Bytes from a client in, whole commands out: RESP arrays of bulk strings, and inline commands.
//
//   *2\r\n  $3\r\n  GET\r\n  $5\r\n  hello\r\n
//   #left   #bulk   body     #bulk   body          state between two chunks
//
// Words are views of the chunks that they came in; nothing is copied while whole elements lie in
// the chunk. Only an element that a chunk cuts apart moves to a buffer of our own, which doubles
// up to the length that the element declared and never runs ahead of what was received: memory
// is bounded by twice the bytes that the client really sent, whatever lengths it claims.
// That buffer is only ever appended to, so views into it stay valid as well.
//
// How the bytes are cut into chunks changes neither commands nor errors. Errors are Redis' words;
// we are stricter in one point: a length line and a body must end in CR LF. After an error
// nothing more is parsed.

import { splitInlineWords } from './inline-words.ts';
import { KnownNames } from './known-names.ts';
import type { RespLimits } from './server-info.ts';

const LF = 0x0a;
const CR = 0x0d;
const DOLLAR = 0x24;
const ASTERISK = 0x2a;
const ZERO = 0x30;

const EMPTY = Buffer.alloc(0);

/** What a length line can say besides a length. */
const NEGATIVE = -1;
const INVALID = -2;
const INCOMPLETE = -3;
/** Stands for every length beyond it: more than any limit, and still a small integer. */
const HUGE = 2 ** 30 - 1;

export type ParserLimits = Pick<
  RespLimits,
  'argumentsMax' | 'bulkBytesMax' | 'inlineBytesMax' | 'commandBytesMax'
>;

export class RespParser {
  readonly #limits: ParserLimits;
  readonly #names: KnownNames;
  /** Unparsed bytes are `#bytes[#at … #end)`; beyond `#end` there may be room to append. */
  #bytes: Buffer = EMPTY;
  #at = 0;
  #end = 0;
  #isOwnBuffer = false;
  /** Bytes from `#at` in which no line end was found, so that they are looked at once. */
  #scanned = 0;
  #words: Buffer[] = [];
  /** Words that the command still lacks; 0 between two commands. */
  #left = 0;
  /** Length of the word whose body comes next; -1: its length line comes first. */
  #bulk = -1;
  #commandBytes = 0;
  #error: string | undefined;
  #wantsMore = false;

  constructor(limits: ParserLimits, names = new KnownNames()) {
    this.#limits = limits;
    this.#names = names;
  }

  /** Set once the client broke the protocol: the text of the error reply, first word included. */
  get error(): string | undefined {
    return this.#error;
  }

  /** Whether a command has begun whose rest has not arrived. */
  get isHalfway(): boolean {
    return this.#wantsMore && (this.#left > 0 || this.#at < this.#end);
  }

  /** Takes bytes of which nobody may change one as long as words that came of them are in use. */
  push(chunk: Buffer): void {
    if (this.#error !== undefined) return;
    this.#wantsMore = false;
    if (this.#at === this.#end) {
      this.#bytes = chunk;
      this.#at = 0;
      this.#end = chunk.length;
      this.#isOwnBuffer = false;
    } else {
      this.#append(chunk);
    }
  }

  /** The next whole command, never empty; undefined: it needs more bytes, or there is an error. */
  next(): Buffer[] | undefined {
    while (this.#left === 0) {
      if (this.#at === this.#end || this.#error !== undefined) return this.#nothing();
      if (this.#bytes[this.#at] !== ASTERISK) {
        const words = this.#readInline();
        if (words === undefined || words.length > 0) return words;
      } else if (!this.#readCount()) {
        return this.#nothing();
      }
    }
    while (this.#left > 0) {
      if (this.#bulk < 0 && !this.#readBulkLength()) return this.#nothing();
      if (!this.#readBody()) return this.#nothing();
    }
    const words = this.#words;
    this.#words = [];
    return words;
  }

  #nothing(): undefined {
    this.#wantsMore = true;
    return undefined;
  }

  #fail(why: string): false {
    this.#error = `ERR Protocol error: ${why}`;
    this.#bytes = EMPTY;
    this.#words = [];
    this.#at = this.#end = this.#left = 0;
    return false;
  }

  #readCount(): boolean {
    const count = this.#readLength('too big mbulk count string');
    if (count === INCOMPLETE) return false;
    if (count === INVALID) return this.#fail('invalid multibulk length');
    const max = this.#limits.argumentsMax;
    if (count > max) return this.#fail(`invalid multibulk length (at most ${max} words)`);
    this.#left = Math.max(0, count);
    this.#commandBytes = 0;
    return true;
  }

  #readBulkLength(): boolean {
    if (this.#at === this.#end) return false;
    const first = this.#bytes[this.#at] as number;
    const length = this.#readLength('too big bulk count string');
    if (length === INCOMPLETE) return false;
    if (first !== DOLLAR) return this.#fail(`expected '$', got '${printable(first)}'`);
    if (length < 0) return this.#fail('invalid bulk length');
    const { bulkBytesMax, commandBytesMax } = this.#limits;
    if (length > bulkBytesMax) {
      return this.#fail(`invalid bulk length (at most ${bulkBytesMax} bytes)`);
    }
    this.#commandBytes += length;
    if (this.#commandBytes > commandBytesMax) {
      return this.#fail(`invalid bulk length (at most ${commandBytesMax} bytes in one command)`);
    }
    this.#bulk = length;
    return true;
  }

  #readBody(): boolean {
    const start = this.#at;
    const stop = start + this.#bulk;
    if (stop + 2 > this.#end) return false;
    if (this.#bytes[stop] !== CR || this.#bytes[stop + 1] !== LF) {
      return this.#fail('invalid bulk length');
    }
    const words = this.#words;
    if (words.length === 0) words.push(this.#names.name(this.#bytes, start, stop));
    else words.push(this.#bytes.subarray(start, stop));
    this.#at = stop + 2;
    this.#bulk = -1;
    this.#left--;
    return true;
  }

  /** The number in the line at `#at`, after its first byte; INCOMPLETE also after an error. */
  #readLength(tooBig: string): number {
    const bytes = this.#bytes;
    const first = this.#at + 1;
    let at = first;
    let value = 0;
    for (; at < this.#end && value < HUGE / 16; at++) {
      const digit = (bytes[at] as number) - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    const isPlain = at > first && (bytes[first] !== ZERO || at === first + 1);
    if (isPlain && at + 1 < this.#end && bytes[at] === CR && bytes[at + 1] === LF) {
      this.#consume(at + 2 - this.#at);
      return value;
    }
    return this.#readOddLength(tooBig);
  }

  #readOddLength(tooBig: string): number {
    const length = this.#lineLength(CR, tooBig);
    if (length < 0) return INCOMPLETE;
    const start = this.#at;
    if (start + length + 1 === this.#end) return INCOMPLETE;
    const digits = this.#bytes.toString('latin1', start + 1, start + length);
    const isLine = this.#bytes[start + length + 1] === LF;
    this.#consume(length + 2);
    if (!isLine || !/^(0|-?[1-9][0-9]*)$/.test(digits)) return INVALID;
    return digits.startsWith('-') ? NEGATIVE : Math.min(HUGE, Number(digits));
  }

  /** Words of an inline command, possibly none; undefined: incomplete, or an error. */
  #readInline(): Buffer[] | undefined {
    const length = this.#lineLength(LF, 'too big inline request');
    if (length < 0) return this.#nothing();
    const start = this.#at;
    const hasReturn = length > 0 && this.#bytes[start + length - 1] === CR;
    const words = splitInlineWords(
      this.#bytes.subarray(start, start + length - (hasReturn ? 1 : 0)),
    );
    this.#consume(length + 1);
    const max = this.#limits.argumentsMax;
    if (words === undefined) this.#fail('unbalanced quotes in request');
    else if (words.length > max) this.#fail(`too big inline request (at most ${max} words)`);
    else if (isHttp(words)) this.#fail('this is HTTP, and this port speaks the Redis protocol');
    else return this.#withKnownName(words);
    return undefined;
  }

  #withKnownName(words: Buffer[]): Buffer[] {
    const [name] = words;
    if (name !== undefined) words[0] = this.#names.name(name, 0, name.length);
    return words;
  }

  /** Bytes before the first `end` at or after `#at`; -1: none yet, or too many (an error). */
  #lineLength(end: number, tooBig: string): number {
    const start = this.#at;
    const found = this.#bytes.subarray(start + this.#scanned, this.#end).indexOf(end);
    const length = found < 0 ? -1 : found + this.#scanned;
    const seen = length < 0 ? this.#end - start : length;
    if (seen > this.#limits.inlineBytesMax) {
      this.#fail(tooBig);
      return -1;
    }
    this.#scanned = length < 0 ? seen : 0;
    return length;
  }

  #consume(count: number): void {
    this.#at += count;
    this.#scanned = 0;
  }

  /** Joins what is left with `chunk`; a byte is copied a constant number of times on average. */
  #append(chunk: Buffer): void {
    const left = this.#end - this.#at;
    const needed = left + chunk.length;
    if (!this.#isOwnBuffer || this.#end + chunk.length > this.#bytes.length) {
      const wanted = this.#bulk < 0 ? 2 * needed : Math.min(2 * needed, this.#bulk + 2);
      const larger = Buffer.allocUnsafe(Math.max(needed, wanted));
      this.#bytes.copy(larger, 0, this.#at, this.#end);
      this.#bytes = larger;
      this.#at = 0;
      this.#end = left;
      this.#isOwnBuffer = true;
    }
    chunk.copy(this.#bytes, this.#end);
    this.#end += chunk.length;
  }
}

/**
 * A web page can make its reader's browser send commands to a port of this machine, as the body of
 * a POST. Like Redis, we read nothing behind the first line that only HTTP has.
 */
function isHttp(words: readonly Buffer[]): boolean {
  const name = words[0]?.toString('latin1', 0, 'host:'.length + 1).toLowerCase();
  return name === 'post' || name === 'host:';
}

function printable(byte: number): string {
  if (byte >= 0x20 && byte < 0x7f) return String.fromCharCode(byte);
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}
