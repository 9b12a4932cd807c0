// Where a large value stands: what a table holds in its place.
//
//   pointer   file number varint · offset varint · length of the piece varint · of the value varint
//
// Pure: no clock, no disk, no network; dice are an argument.

import { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { ELSEWHERE, type TableEntry } from '../table-entry.ts';

/** Of a record in a value file, before the piece. */
export const LENGTH_BYTES = 4;

export interface ValuePointer {
  /** Number of the value file. */
  readonly file: number;
  /** Where its piece begins. */
  readonly offset: number;
  readonly pieceBytes: number;
  /** Of the value itself: before it is read, a scan knows how much of it fits. */
  readonly valueBytes: number;
}

/** What the value takes of its file. */
export function recordBytesOf({ pieceBytes }: ValuePointer): number {
  return LENGTH_BYTES + pieceBytes;
}

/** The entry with its value at `pointer`. */
export function pointing({ key, sequence }: TableEntry, pointer: ValuePointer): TableEntry {
  return { key, kind: ELSEWHERE, sequence, value: encodePointer(pointer) };
}

export function encodePointer({ file, offset, pieceBytes, valueBytes }: ValuePointer): Buffer {
  const writer = new ByteWriter(32);
  writer.varint(file);
  writer.varint(offset);
  writer.varint(pieceBytes);
  writer.varint(valueBytes);
  return writer.view();
}

/** Throws BAD_BYTES. */
export function decodePointer(bytes: Buffer): ValuePointer {
  const reader = new ByteReader(bytes);
  const pointer = {
    file: reader.varint(),
    offset: reader.varint(),
    pieceBytes: reader.varint(),
    valueBytes: reader.varint(),
  };
  reader.end();
  return pointer;
}
