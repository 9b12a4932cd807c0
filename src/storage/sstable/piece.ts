// A piece: how bytes stand in files that are written once, tables and value files, so that each can
// be checked when it is read alone.
//
//   piece   flag u8 · payload · crc32 u32
//   flag    0: the payload as it is; 1: raw length u32 · LZ4 block
//
// The checksum is seeded with the place of the piece (crc32 of file number u32 · offset u64), so
// that a piece in the wrong file or at the wrong offset is a bad one. Tables and value files take
// their numbers from one row: no two files of a directory have the same.

import type { ByteWriter } from '../../base/bytes.ts';
import { crc32 } from '../../base/checksum.ts';
import { compress, compressedBytesMax, decompress } from '../../base/lz4.ts';
import { corruptionAt, decodingAt } from '../storage-errors.ts';

export const PLAIN = 0;
const LZ4 = 1;

export interface Place {
  /** Of the file. */
  readonly number: number;
  readonly offset: number;
}

const seedPlace = Buffer.alloc(12);

/** What the checksum of bytes that stand at `offset` of file `number` begins with. */
export function seedOf(number: number, offset: number): number {
  seedPlace.writeUInt32BE(number, 0);
  seedPlace.writeUIntBE(0, 4, 2);
  seedPlace.writeUIntBE(offset, 6, 6);
  return crc32(seedPlace);
}

/** Appends a piece that will stand at `place`; compressed where that saves an eighth. */
export function writePiece(
  to: ByteWriter,
  payload: Buffer,
  { number, offset }: Place,
  compression: boolean,
): void {
  const block = compression ? compressed(payload) : undefined;
  const start = to.length;
  to.u8(block === undefined ? PLAIN : LZ4);
  to.raw(block ?? payload);
  to.u32(crc32(to.view(start), seedOf(number, offset)));
}

/** Appends a piece with the content of another one. */
export function writeContent(to: ByteWriter, content: Buffer, { number, offset }: Place): void {
  to.raw(content);
  to.u32(crc32(content, seedOf(number, offset)));
}

/**
 * The payload of a piece of `file`, checked; memory of its own only if it was compressed. Throws
 * CORRUPTION.
 */
export function openPiece(piece: Buffer, file: string, place: Place): Buffer {
  const content = contentOf(piece, file, place);
  const flag = content[0];
  if (flag === PLAIN) return content.subarray(1);
  const { offset } = place;
  if (flag !== LZ4 || content.length < 5) {
    throw corruptionAt(file, offset, `flag ${flag} means nothing`);
  }
  return decodingAt(file, offset, () => decompress(content.subarray(5), content.readUInt32BE(1)));
}

/** Flag and payload as they stand there, checked: a view. Throws CORRUPTION. */
export function contentOf(piece: Buffer, file: string, { number, offset }: Place): Buffer {
  const end = piece.length - 4;
  const content = piece.subarray(0, end);
  const isRight = end >= 1 && crc32(content, seedOf(number, offset)) === piece.readUInt32BE(end);
  if (!isRight) throw corruptionAt(file, offset, 'the checksum is wrong');
  return content;
}

/** Raw length u32 · LZ4 block; undefined when that saves less than an eighth. */
function compressed(payload: Buffer): Buffer | undefined {
  const room = Buffer.allocUnsafe(4 + compressedBytesMax(payload.length));
  room.writeUInt32BE(payload.length, 0);
  const length = 4 + compress(payload, room.subarray(4));
  return length > payload.length - payload.length / 8 ? undefined : room.subarray(0, length);
}
