// Reading of one data block: the payload that BlockWriter made. A lookup jumps to the last restart
// point that is not above the key and walks from there without building a single key: while an
// entry shares more bytes with the one before than that one shares with the key, it is smaller
// as well; when it shares fewer, the key is not there.
//
// Checksums have been verified before; what is malformed all the same throws BAD_BYTES.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { badBytes } from '../../base/bytes.ts';
import type { TableEntry, TableKey } from '../table-entry.ts';

/** Walks over the entries of a block; the fields are those of the entry that next() found. */
class BlockWalk {
  readonly #block: Buffer;
  readonly #end: number;
  #next = 0;
  shared = 0;
  suffixAt = 0;
  suffixLength = 0;
  valueLength = 0;
  sequence = 0;

  constructor(block: Buffer, end: number) {
    this.#block = block;
    this.#end = end;
  }

  get valueAt(): number {
    return this.suffixAt + this.suffixLength;
  }

  seek(offset: number): void {
    if (offset >= this.#end) throw badBytes(`a restart at ${offset} of ${this.#end}`);
    this.#next = offset;
  }

  next(): boolean {
    if (this.#next >= this.#end) return false;
    this.shared = this.#varint();
    this.suffixLength = this.#varint();
    this.valueLength = this.#varint();
    this.sequence = this.#varint();
    this.suffixAt = this.#next;
    this.#next += this.suffixLength + this.valueLength;
    if (this.#next > this.#end) throw badBytes(`an entry ends at ${this.#next} of ${this.#end}`);
    return true;
  }

  value(): Buffer {
    return this.#block.subarray(this.valueAt, this.valueAt + this.valueLength);
  }

  #varint(): number {
    const first = this.#block[this.#next++] as number;
    return first < 0x80 ? first : this.#longVarint(first & 0x7f);
  }

  #longVarint(low: number): number {
    let value = low;
    for (let scale = 0x80; scale <= 2 ** 49; scale *= 0x80) {
      const byte = this.#block[this.#next++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw badBytes(`a varint before offset ${this.#next} is longer than 53 bits`);
  }
}

/** The entry of `key`; `key` itself becomes its key, the value is a view of the block. */
export function findInBlock(block: Buffer, key: TableKey): TableEntry | undefined {
  const restarts = restartsOf(block);
  const walk = new BlockWalk(block, restarts.at);
  walk.seek(lastRestartNotAbove(block, restarts, key, walk));
  let matched = 0;
  while (walk.next()) {
    if (walk.shared > matched) continue;
    if (walk.shared < matched) return undefined;
    const end = Math.min(key.length, matched + walk.suffixLength);
    const shift = walk.suffixAt - matched;
    while (matched < end && block[shift + matched] === key[matched]) matched += 1;
    if (matched === end) {
      const length = walk.shared + walk.suffixLength;
      if (length === key.length) return { key, sequence: walk.sequence, value: walk.value() };
      if (length > key.length) return undefined;
    } else if ((block[shift + matched] as number) > (key[matched] as number)) return undefined;
  }
  return undefined;
}

/** All entries; the keys share one memory of their own, the values are views of the block. */
export function entriesOf(block: Buffer): TableEntry[] {
  const walk = new BlockWalk(block, restartsOf(block).at);
  let keyBytes = 0;
  while (walk.next()) keyBytes += walk.shared + walk.suffixLength;
  const keys = Buffer.allocUnsafe(keyBytes);
  const entries: TableEntry[] = [];
  walk.seek(0);
  for (let start = 0, last = 0, end = 0; walk.next(); last = start, start = end) {
    if (walk.shared > start - last) throw badBytes('a key shares more than there is');
    end = start + walk.shared;
    for (let to = start, from = last; to < end; ) keys[to++] = keys[from++] as number;
    for (let from = walk.suffixAt; from < walk.valueAt; ) keys[end++] = block[from++] as number;
    const key = keys.subarray(start, end);
    entries.push({ key, sequence: walk.sequence, value: walk.value() });
  }
  return entries;
}

interface Restarts {
  /** Where their offsets stand, which is where the entries end. */
  readonly at: number;
  readonly count: number;
}

function restartsOf(block: Buffer): Restarts {
  const count = block.length < 2 ? 0 : block.readUInt16BE(block.length - 2);
  const at = block.length - 2 - 2 * count;
  if (count === 0 || at <= 0) throw badBytes(`${count} restarts in ${block.length} bytes`);
  return { at, count };
}

function lastRestartNotAbove(
  block: Buffer,
  restarts: Restarts,
  key: TableKey,
  walk: BlockWalk,
): number {
  let low = 0;
  for (let high = restarts.count - 1; low < high; ) {
    const middle = (low + high + 1) >>> 1;
    walk.seek(block.readUInt16BE(restarts.at + 2 * middle));
    walk.next();
    if (isAbove(block, walk.suffixAt, walk.suffixLength, key)) high = middle - 1;
    else low = middle;
  }
  return block.readUInt16BE(restarts.at + 2 * low);
}

/** Whether the `length` bytes at `at` sort after `key`. */
function isAbove(block: Buffer, at: number, length: number, key: TableKey): boolean {
  const common = Math.min(length, key.length);
  for (let index = 0; index < common; index++) {
    const difference = (block[at + index] as number) - (key[index] as number);
    if (difference !== 0) return difference > 0;
  }
  return length > key.length;
}
