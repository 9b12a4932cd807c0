// The bytes of a table: one file table-0000000001.kvtable, written once, sorted by key.
//
//   table       block* · filter · index · properties · footer       nothing between or after them
//   piece       flag u8 · payload · crc32 u32        each block, the filter, index and properties
//               see piece.ts; only blocks are compressed, with LZ4
//
//   block       number of restarts u16 · length of the keys u32 · restart* · keyed* · record*
//   restart     u16 · u16: where its keyed and its record begin; every 16th, from the first on
//   keyed       shared varint · suffix length varint · length of the record varint · key suffix
//               shared: bytes that begin the key before as well, 0 at a restart
//   record      sequence × 4 + kind varint · value
//               kind 0: a value; 1: removed, and no value; 2: a pointer, see value-pointer.ts
//
//   filter      number of partitions u16 · partition*                            see filter.ts
//   index       number of blocks u32 · (shared varint · suffix bytes · length varint)*
//               a separator per block: above all keys before the block, not above its first one;
//               length: of the piece. Blocks follow each other from offset 0.
//   properties  entries varint · removals among them varint · sequence min, max varint ·
//               first key bytes · last key bytes · bytes of keys and values varint ·
//               uses of value files, see value-use.ts
//   footer      length of the blocks u64 · filter u32 · index u32 · properties u32 ·
//               table number u32 · format u32 · crc32 u32 · magic u32                  36 bytes
//
// The footer keeps its 36 bytes, and the last 16 of them their meaning, in every later format, so
// that rot in the format number is not mistaken for news; its checksum covers the 28 bytes before.
//
// Table 1 with user:1 = ada (sequence 9), user:17 = alan (300), user:2 removed (8) and user:3 at
// offset 4 of value file 2 (7), slot 2a07:
//
//   block       00 · 0001 · 00000018 · 0000 0000 · 00 09 04 002a07757365723a31 · 09 01 06 37 ·
//               08 01 01 32 · 08 01 05 33 · 24 616461 · b009 616c616e · 21 · 1e 02 04 12 0d ·
//               ef86758b
//   filter      00 · 0001 · 514e28b7 01 0000000a 000000f100008600002b000000d40000 · e1cd11a6
//   index       00 · 00000001 · 00 01 00 37 · 718108d3
//   properties  00 · 04 01 07 ac02 · 09 002a07757365723a31 · 09 002a07757365723a33 · 30 ·
//               01 02 01 16 · f82350dc
//   footer      0000000000000037 00000020 0000000d 00000023 00000001 00000003 4321526d 4b565442

import { crc32 } from '../../base/checksum.ts';
import { checkFormat, corruptionAt, decodingAt } from '../storage-errors.ts';
import { tableName } from '../table-info.ts';
import { openPiece } from './piece.ts';

export const TABLE_FORMAT = 3;
export const FOOTER_BYTES = 36;
/** "KVTB". */
const MAGIC = 0x4b565442;

/** Where the parts of a table lie; lengths are those of whole pieces. */
export interface Layout {
  readonly blocksBytes: number;
  readonly filterBytes: number;
  readonly indexBytes: number;
  readonly propertiesBytes: number;
}

/** The payload of `piece`, checked; memory of its own only if it was compressed. */
export function payloadOf(piece: Buffer, number: number, offset: number): Buffer {
  return openPiece(piece, tableName(number), { number, offset });
}

/** Runs `decode`; bytes that it cannot read are CORRUPTION of that place. */
export function decoding<T>(number: number, offset: number, decode: () => T): T {
  return decodingAt(tableName(number), offset, decode);
}

export function wrongAt(number: number, offset: number, what: string): Error {
  return corruptionAt(tableName(number), offset, what);
}

export function encodeFooter(layout: Layout, number: number): Buffer {
  const footer = Buffer.alloc(FOOTER_BYTES);
  footer.writeUIntBE(layout.blocksBytes, 2, 6);
  footer.writeUInt32BE(layout.filterBytes, 8);
  footer.writeUInt32BE(layout.indexBytes, 12);
  footer.writeUInt32BE(layout.propertiesBytes, 16);
  footer.writeUInt32BE(number, 20);
  footer.writeUInt32BE(TABLE_FORMAT, 24);
  footer.writeUInt32BE(crc32(footer.subarray(0, 28)), 28);
  footer.writeUInt32BE(MAGIC, 32);
  return footer;
}

/** `fileBytes`: the size of the file that ends with `footer`. */
export function decodeFooter(footer: Buffer, number: number, fileBytes: number): Layout {
  const offset = fileBytes - FOOTER_BYTES;
  if (offset < 0 || footer.length !== FOOTER_BYTES) {
    throw wrongAt(number, 0, `${fileBytes} bytes are too few for a table`);
  }
  if (footer.readUInt32BE(32) !== MAGIC) throw wrongAt(number, offset, 'the footer is no footer');
  if (footer.readUInt32BE(28) !== crc32(footer.subarray(0, 28))) {
    throw wrongAt(number, offset, 'the checksum of the footer is wrong');
  }
  const format = footer.readUInt32BE(24);
  checkFormat(tableName(number), format, TABLE_FORMAT);
  const found = footer.readUInt32BE(20);
  if (found !== number) throw wrongAt(number, offset, `the footer is that of table ${found}`);
  const layout = {
    blocksBytes: footer.readUIntBE(2, 6),
    filterBytes: footer.readUInt32BE(8),
    indexBytes: footer.readUInt32BE(12),
    propertiesBytes: footer.readUInt32BE(16),
  };
  const { blocksBytes, filterBytes, indexBytes, propertiesBytes } = layout;
  if (blocksBytes + filterBytes + indexBytes + propertiesBytes !== offset) {
    throw wrongAt(number, offset, 'the lengths in the footer are not those of the file');
  }
  return layout;
}
