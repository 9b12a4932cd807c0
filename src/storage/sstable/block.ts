// Reading of one data block: the payload that BlockWriter made. A lookup jumps to the last restart
// point that is not above the key and walks from there without building a single key: while an
// entry shares more bytes with the one before than that one shares with the key, it is smaller
// as well; when it shares fewer, the key is not there.
//
// The walk keeps its state in local variables, not in an object: that took a quarter off a lookup.
// Checksums have been verified before; what is malformed all the same throws BAD_BYTES.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { badBytes } from '../../base/bytes.ts';
import { ELSEWHERE, REMOVAL, type TableEntry, type TableKey, VALUE } from '../table-entry.ts';

const HEAD_BYTES = 6;
const RESTART_BYTES = 4;
const RECORD_KIND_MASK = 3;
/** Up to here a shift takes the kind off, which is cheaper than a division. */
const SMALL_MAX = 2 ** 32 - 1;

/** The entry of `key`; `key` itself becomes its key, the value is a view of the block. */
export function findInBlock(block: Buffer, key: TableKey): TableEntry | undefined {
  const { restarts, keysAt, keysEnd } = headOf(block);
  const restart = HEAD_BYTES + RESTART_BYTES * lastRestartNotAbove(block, restarts, key);
  let at = keysAt + u16At(block, restart);
  let record = keysEnd + u16At(block, restart + 2);
  let matched = 0;
  while (at < keysEnd) {
    const shared = varintAt(block, at);
    at += bytesOf(shared);
    const suffix = varintAt(block, at);
    at += bytesOf(suffix);
    const recordBytes = varintAt(block, at);
    at += bytesOf(recordBytes);
    if (shared < matched) return undefined;
    if (shared === matched) {
      const end = Math.min(key.length, matched + suffix);
      const shift = at - matched;
      while (matched < end && block[shift + matched] === key[matched]) matched += 1;
      if (matched < end) {
        if ((block[shift + matched] as number) > (key[matched] as number)) return undefined;
      } else {
        if (shared + suffix === key.length) return entryAt(block, record, recordBytes, key);
        if (shared + suffix > key.length) return undefined;
      }
    }
    at += suffix;
    record += recordBytes;
  }
  return undefined;
}

/** All entries; the keys share one memory of their own, the values are views of the block. */
export function entriesOf(block: Buffer): TableEntry[] {
  const { keysAt, keysEnd } = headOf(block);
  const keys = Buffer.allocUnsafe(keyBytesOf(block, keysAt, keysEnd));
  const entries: TableEntry[] = [];
  let at = keysAt;
  let record = keysEnd;
  for (let start = 0, last = 0, end = 0; at < keysEnd; last = start, start = end) {
    const shared = varintAt(block, at);
    at += bytesOf(shared);
    const suffix = varintAt(block, at);
    at += bytesOf(suffix);
    const recordBytes = varintAt(block, at);
    at += bytesOf(recordBytes);
    if (shared > start - last) throw badBytes('a key shares more than there is');
    end = start + shared;
    for (let to = start, from = last; to < end; ) keys[to++] = keys[from++] as number;
    for (const suffixEnd = at + suffix; at < suffixEnd; ) keys[end++] = block[at++] as number;
    entries.push(entryAt(block, record, recordBytes, keys.subarray(start, end)));
    record += recordBytes;
  }
  if (at !== keysEnd || record !== block.length) throw badBytes('a block has bytes too many');
  return entries;
}

function headOf(block: Buffer): { restarts: number; keysAt: number; keysEnd: number } {
  const restarts = u16At(block, 0);
  const keysAt = HEAD_BYTES + RESTART_BYTES * restarts;
  const keysEnd = keysAt + u16At(block, 2) * 2 ** 16 + u16At(block, 4);
  if (block.length < HEAD_BYTES || restarts === 0 || keysEnd > block.length) {
    throw badBytes('the head of a block');
  }
  return { restarts, keysAt, keysEnd };
}

/** Of all keys together, unabridged. */
function keyBytesOf(block: Buffer, keysAt: number, keysEnd: number): number {
  let bytes = 0;
  for (let at = keysAt; at < keysEnd; ) {
    const shared = varintAt(block, at);
    at += bytesOf(shared);
    const suffix = varintAt(block, at);
    at += bytesOf(suffix);
    at += bytesOf(varintAt(block, at)) + suffix;
    bytes += shared + suffix;
    if (at > keysEnd || shared >= keysEnd) throw badBytes(`a key ends at ${at} of ${keysEnd}`);
  }
  return bytes;
}

function lastRestartNotAbove(block: Buffer, restarts: number, key: TableKey): number {
  const keysAt = HEAD_BYTES + RESTART_BYTES * restarts;
  let low = 0;
  for (let high = restarts - 1; low < high; ) {
    const middle = (low + high + 1) >>> 1;
    // Behind the byte that says that nothing is shared.
    let at = keysAt + u16At(block, HEAD_BYTES + RESTART_BYTES * middle) + 1;
    const length = varintAt(block, at);
    at += bytesOf(length);
    at += bytesOf(varintAt(block, at));
    if (isAbove(block, at, length, key)) high = middle - 1;
    else low = middle;
  }
  return low;
}

/** Whether the `length` bytes at `at` sort after `key`. */
function isAbove(block: Buffer, at: number, length: number, key: TableKey): boolean {
  const common = Math.min(length, key.length);
  for (let index = 0; index < common; index++) {
    const byte = block[at + index] as number;
    if (byte !== key[index]) return byte > (key[index] as number);
  }
  return length > key.length;
}

function entryAt(block: Buffer, at: number, bytes: number, key: TableKey): TableEntry {
  const end = at + bytes;
  const tag = varintAt(block, at);
  const valueAt = at + bytesOf(tag);
  if (valueAt > end || end > block.length) throw badBytes(`a record ends at ${end}`);
  const kind = tag & RECORD_KIND_MASK;
  const isKnown = kind === VALUE || kind === ELSEWHERE || (kind === REMOVAL && valueAt === end);
  if (!isKnown) throw badBytes('the kind of a record');
  const sequence = tag <= SMALL_MAX ? tag >>> 2 : Math.floor(tag / 4);
  return { key, kind, sequence, value: block.subarray(valueAt, end) };
}

function u16At(block: Buffer, at: number): number {
  return ((block[at] as number) << 8) | (block[at + 1] as number);
}

function varintAt(block: Buffer, at: number): number {
  const first = block[at] as number;
  return first < 0x80 ? first : longVarintAt(block, at);
}

function longVarintAt(block: Buffer, start: number): number {
  let value = 0;
  for (let at = start, scale = 1; scale <= 2 ** 49; at++, scale *= 0x80) {
    const byte = block[at] as number;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
  }
  throw badBytes(`a varint at offset ${start} is longer than 53 bits`);
}

/** How many bytes the varint of `value` has: writers never pad. */
function bytesOf(value: number): number {
  if (value < 0x80) return 1;
  let bytes = 2;
  for (let rest = value / 0x4000; rest >= 1; rest /= 0x80) bytes += 1;
  return bytes;
}
