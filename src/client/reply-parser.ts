// Bytes from a server in, whole replies out: RESP2 and RESP3, strictly. Whatever is not the
// protocol throws BAD_BYTES, and the connection is of no use after it.
//
// A reply is read as far as its bytes are there; arrays that are not complete wait on a stack, so
// that no byte is looked at twice. Nothing is allocated by a declared length alone.

import { badBytes } from '../base/bytes.ts';

export type RespValue =
  | Buffer // bulk string, verbatim string (without its format)
  | string // simple string
  | number // integer within 2^53, double
  | bigint // larger integer, big number
  | boolean
  | null
  | ReplyError
  | readonly RespValue[]
  | ReadonlyMap<RespValue, RespValue> // a key that is a bulk string is decoded to a string
  | ReadonlySet<RespValue>;

/** An error reply: a value, because in a pipeline or an array it concerns one answer only. */
export class ReplyError {
  /** Its first word is the code: `ERR`, `MOVED`, `NOREPLICAS` … */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  get word(): string {
    return this.text.split(' ', 1)[0] as string;
  }
}

interface Aggregate {
  readonly type: string;
  readonly items: RespValue[];
  left: number;
}

const DEPTH_MAX = 32;
const LINE_BYTES_MAX = 64 * 1024;
/** Redis' own limit of a string. */
const BULK_BYTES_MAX = 512 * 1024 * 1024;
const CR = 0x0d;
const LF = 0x0a;

export class ReplyParser {
  readonly #onReply: (reply: RespValue) => void;
  readonly #onPush: (push: RespValue) => void;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #end = 0;
  /** Bytes after `#at` in which no line end was found. */
  #scanned = 0;
  readonly #stack: Aggregate[] = [];
  /** The bulk string whose body is awaited, if any. */
  #bulk: { readonly type: string; readonly length: number } | undefined;

  constructor(onReply: (reply: RespValue) => void, onPush: (push: RespValue) => void = () => {}) {
    this.#onReply = onReply;
    this.#onPush = onPush;
  }

  /** Throws BAD_BYTES. Values are copies: they outlive `chunk`. */
  push(chunk: Buffer): void {
    this.#append(chunk);
    while (this.#bulk === undefined ? this.#readLine() : this.#readBody(this.#bulk));
  }

  #readLine(): boolean {
    const found = this.#bytes.indexOf(LF, this.#at + this.#scanned);
    const isThere = found >= 0 && found < this.#end;
    if ((isThere ? found : this.#end) - this.#at > LINE_BYTES_MAX) {
      throw badBytes(`a line of a reply is longer than ${LINE_BYTES_MAX} bytes`);
    }
    if (!isThere) {
      this.#scanned = this.#end - this.#at;
      return false;
    }
    if (found === this.#at || this.#bytes[found - 1] !== CR) throw badBytes('a line without CR');
    const line = this.#bytes.toString('utf8', this.#at, found - 1);
    this.#at = found + 1;
    this.#scanned = 0;
    this.#takeLine(line[0] ?? '', line.slice(1));
    return true;
  }

  #takeLine(type: string, text: string): void {
    switch (type) {
      case '$':
      case '=':
      case '!':
        this.#beginBulk(type, text);
        break;
      case '*':
      case '%':
      case '~':
      case '>':
      case '|':
        this.#beginAggregate(type, text);
        break;
      default:
        this.#take(scalarFrom(type, text));
    }
  }

  #beginBulk(type: string, text: string): void {
    const length = lengthFrom(text);
    if (length > BULK_BYTES_MAX) throw badBytes(`a string of ${length} bytes`);
    if (length >= 0) this.#bulk = { type, length };
    else if (type === '$') this.#take(null);
    else throw badBytes(`a length of ${length}`);
  }

  #readBody({ type, length }: { readonly type: string; readonly length: number }): boolean {
    if (this.#end - this.#at < length + 2) return false;
    const stop = this.#at + length;
    if (this.#bytes[stop] !== CR || this.#bytes[stop + 1] !== LF) {
      throw badBytes(`a string does not end after its ${length} bytes`);
    }
    const body = Buffer.from(this.#bytes.subarray(this.#at, stop));
    this.#at = stop + 2;
    this.#bulk = undefined;
    if (type === '!') this.#take(new ReplyError(body.toString('utf8')));
    else if (type === '$') this.#take(body);
    else if (body[3] === 0x3a) this.#take(body.subarray(4));
    else throw badBytes('a verbatim string without its format');
    return true;
  }

  #beginAggregate(type: string, text: string): void {
    const count = lengthFrom(text);
    if (count < 0) {
      if (type !== '*') throw badBytes(`a count of ${count}`);
      this.#take(null);
      return;
    }
    if (this.#stack.length === DEPTH_MAX) throw badBytes(`more than ${DEPTH_MAX} arrays deep`);
    if (type === '>' && this.#stack.length > 0) throw badBytes('a push within a reply');
    const isPairs = type === '%' || type === '|';
    this.#stack.push({ type, items: [], left: isPairs ? 2 * count : count });
    if (count === 0) this.#closeFull();
  }

  #take(value: RespValue): void {
    const top = this.#stack.at(-1);
    if (top === undefined) {
      this.#onReply(value);
      return;
    }
    top.items.push(value);
    top.left -= 1;
    this.#closeFull();
  }

  /** Closes the innermost aggregate when it has all of its items. */
  #closeFull(): void {
    const top = this.#stack.at(-1);
    if (top === undefined || top.left > 0) return;
    this.#stack.pop();
    if (top.type === '|') return; // attributes: notes about the reply that follows
    if (top.type === '>') this.#onPush(top.items);
    else if (top.type === '%') this.#take(mapOf(top.items));
    else this.#take(top.type === '~' ? new Set(top.items) : top.items);
  }

  /** Doubles the buffer when it must grow, so that a long string is copied a few times only. */
  #append(chunk: Buffer): void {
    const left = this.#end - this.#at;
    if (this.#end + chunk.length > this.#bytes.length) {
      const needed = left + chunk.length;
      const larger = needed > this.#bytes.length / 2 ? Buffer.allocUnsafe(2 * needed) : this.#bytes;
      this.#bytes.copy(larger, 0, this.#at, this.#end);
      this.#bytes = larger;
      this.#at = 0;
      this.#end = left;
    }
    chunk.copy(this.#bytes, this.#end);
    this.#end += chunk.length;
  }
}

function mapOf(items: readonly RespValue[]): ReadonlyMap<RespValue, RespValue> {
  const map = new Map<RespValue, RespValue>();
  for (let i = 0; i < items.length; i += 2) {
    const key = items[i] as RespValue;
    map.set(Buffer.isBuffer(key) ? key.toString('utf8') : key, items[i + 1] as RespValue);
  }
  return map;
}

/** A reply that is one line. */
function scalarFrom(type: string, text: string): RespValue {
  switch (type) {
    case '+':
      return text;
    case '-':
      return new ReplyError(text);
    case ':':
    case '(':
      return integerFrom(text);
    case ',':
      return doubleFrom(text);
    case '_':
      if (text === '') return null;
      throw badBytes(`a null that says "${text}"`);
    case '#':
      if (text === 't' || text === 'f') return text === 't';
      throw badBytes(`"${text}" is no boolean`);
    default:
      throw badBytes(`there is no reply of type ${JSON.stringify(type)}`);
  }
}

function integerFrom(text: string): number | bigint {
  if (!/^[+-]?\d+$/.test(text)) throw badBytes(`"${text}" is no integer`);
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}

function doubleFrom(text: string): number {
  if (text === 'inf') return Number.POSITIVE_INFINITY;
  if (text === '-inf') return Number.NEGATIVE_INFINITY;
  if (text === 'nan') return Number.NaN;
  if (!/^[+-]?\d+(\.\d*)?([eE][+-]?\d+)?$/.test(text)) throw badBytes(`"${text}" is no double`);
  return Number(text);
}

function lengthFrom(text: string): number {
  if (!/^(-1|\d{1,10})$/.test(text)) throw badBytes(`"${text}" is no length`);
  return Number(text);
}
