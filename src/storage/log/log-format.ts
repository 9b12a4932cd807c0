// The bytes of the commit log: segment files log-0000000001.kvlog, log-0000000002.kvlog …
//
//   segment   header batch* zeros
//   header    magic u32 · format u32 · segment number u32 · crc32 u32 of the 12 bytes before
//   batch     magic u32 · crc32 u32 · payload length u32 · payload
//   payload   first sequence varint · number of writes u32 · newest time u64 · write*
//   write     number of entries varint · entry*                  one sequence each
//   entry     head u8 · what its kind asks for
//     put       keyspace u8 · slot u16 · key length varint · key · value length varint · value
//     removal   keyspace u8 · slot u16 · key length varint · key
//     drop      keyspace u8 · first slot u16 · last slot u16       alone in its write
//             and a digest u64 behind the slot, in a put or removal whose head says so
//   head      bits 0-1 the kind: 0 put, 1 removal, 2 drop
//             bits 2-3 by how much the slot's number of keys grows: 0 not, 1 by one, 2 it shrinks
//             (a drop has 0 and leaves none)
//             bit 4: there is a digest; the others are 0
//   time      the greatest that its writes came with; 0: none
//
// The checksum of a batch covers its length and its payload and is seeded with its place (crc32
// of segment number u32 · offset u32), so that a batch in the wrong file or at the wrong offset
// is a bad one. The header keeps its 16 bytes and their meaning in every later format, so that
// rot in the format number is not mistaken for news.
//
// Zeros stand where batches will come, in a segment that was made ready (segment-supply.ts), and no
// batch begins with a zero.
//
// Invariant: a batch is the unit of syncing. Nothing is written before the batch before it is
// durable; hence a crash can tear only the last one, and a bad batch with a good one after it is
// rot in what was acknowledged.

import { crc32 } from '../../base/checksum.ts';
import type { Growth } from '../engine.ts';
import { checkFormat, corruption } from '../storage-errors.ts';

export const LOG_FORMAT = 3;
export const SEGMENT_HEADER_BYTES = 16;
export const BATCH_HEADER_BYTES = 12;

/** "KVLG". */
const SEGMENT_MAGIC = 0x4b564c47;
/** 0xf5 "KVB": no UTF-8 text contains the first byte, so that values rarely look like batches. */
export const BATCH_MAGIC = 0xf54b5642;

/** Of the head of an entry. */
export const PUT = 0;
export const REMOVAL = 1;
export const DROP = 2;
export const KIND_MASK = 3;
export const GROWTH_SHIFT = 2;
export const GROWTH_MASK = 3;
export const SHRINKS = 2;
export const HAS_DIGEST = 16;
/** By what stands in the head. */
export const GROWTHS: readonly Growth[] = [0, 1, -1];

const seedPlace = Buffer.alloc(8);

export function segmentName(number: number): string {
  return `log-${String(number).padStart(10, '0')}.kvlog`;
}

/** The number of a segment file; undefined for files that are none. */
export function segmentNumberOf(name: string): number | undefined {
  const match = /^log-(\d{10})\.kvlog$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

export function encodeSegmentHeader(number: number): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  header.writeUInt32BE(SEGMENT_MAGIC, 0);
  header.writeUInt32BE(LOG_FORMAT, 4);
  header.writeUInt32BE(number, 8);
  header.writeUInt32BE(crc32(header.subarray(0, 12)), 12);
  return header;
}

/** Throws CORRUPTION, NEWER_FORMAT or OLDER_FORMAT unless `header` begins segment `number`. */
export function checkSegmentHeader(header: Buffer, number: number): void {
  const file = segmentName(number);
  if (!isSegmentHeaderWhole(header))
    throw corruption(file, 'its header (bytes 0 to 15) is damaged');
  const format = header.readUInt32BE(4);
  checkFormat(file, format, LOG_FORMAT);
  const found = header.readUInt32BE(8);
  if (found !== number) throw corruption(file, `its header at offset 8 says segment ${found}`);
}

export function isSegmentHeaderWhole(header: Buffer): boolean {
  return (
    header.length === SEGMENT_HEADER_BYTES &&
    header.readUInt32BE(0) === SEGMENT_MAGIC &&
    header.readUInt32BE(12) === crc32(header.subarray(0, 12))
  );
}

/** Of a whole batch, magic included, that stands at `offset` of segment `segmentNumber`. */
export function batchChecksum(batch: Buffer, segmentNumber: number, offset: number): number {
  seedPlace.writeUInt32BE(segmentNumber, 0);
  seedPlace.writeUInt32BE(offset, 4);
  return crc32(batch.subarray(8), crc32(seedPlace));
}
