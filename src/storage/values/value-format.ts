// The bytes of a value file, values-0000000001.kvvalues: written once beside the table of a flush
// or the tables of a compaction, which hold pointers to its values (Lu et al.: "WiscKey: Separating
// Keys from Values in SSD-Conscious Storage", FAST 2016).
//
//   file     record* · footer                                nothing between or after them
//   record   length of the piece u32 · piece                 the piece: the value, see piece.ts
//   footer   length of the records u64 · number of records u32 · file number u32 · format u32 ·
//            crc32 u32 · magic u32                                                     28 bytes
//
// A reader follows pointers and needs no lengths; they are for whoever walks through the file. The
// footer keeps its 28 bytes, and the last 16 of them their meaning, in every later format; its
// checksum covers the 20 bytes before it.
//
// File 2 with the values "a large value" and "another":
//
//   record   00000012 · 00 61206c617267652076616c7565 · 66b53086
//   record   0000000c · 00 616e6f74686572 · e24228e3
//   footer   0000000000000026 00000002 00000002 00000001 3f7f44d5 4b565646

import { crc32 } from '../../base/checksum.ts';
import { checkFormat, corruptionAt } from '../storage-errors.ts';

export const VALUES_FORMAT = 1;
export const FOOTER_BYTES = 28;
/** "KVVF". */
const MAGIC = 0x4b565646;

export interface ValueFooter {
  readonly recordsBytes: number;
  readonly records: number;
}

export function valuesName(number: number): string {
  return `values-${String(number).padStart(10, '0')}.kvvalues`;
}

/** The number of a value file; undefined for files that are none. */
export function valuesNumberOf(name: string): number | undefined {
  const match = /^values-(\d{10})\.kvvalues$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

export function encodeFooter({ recordsBytes, records }: ValueFooter, number: number): Buffer {
  const footer = Buffer.alloc(FOOTER_BYTES);
  footer.writeUIntBE(recordsBytes, 2, 6);
  footer.writeUInt32BE(records, 8);
  footer.writeUInt32BE(number, 12);
  footer.writeUInt32BE(VALUES_FORMAT, 16);
  footer.writeUInt32BE(crc32(footer.subarray(0, 20)), 20);
  footer.writeUInt32BE(MAGIC, 24);
  return footer;
}

/** `fileBytes`: of the file that `footer` ends. Throws CORRUPTION or the error of a format. */
export function decodeFooter(footer: Buffer, number: number, fileBytes: number): ValueFooter {
  const file = valuesName(number);
  const offset = fileBytes - FOOTER_BYTES;
  if (offset < 0 || footer.length !== FOOTER_BYTES) {
    throw corruptionAt(file, 0, `${fileBytes} bytes are too few for a value file`);
  }
  const wrong = (what: string) => corruptionAt(file, offset, what);
  if (footer.readUInt32BE(24) !== MAGIC) throw wrong('the footer is no footer');
  if (footer.readUInt32BE(20) !== crc32(footer.subarray(0, 20))) {
    throw wrong('the checksum of the footer is wrong');
  }
  const format = footer.readUInt32BE(16);
  checkFormat(file, format, VALUES_FORMAT);
  const found = footer.readUInt32BE(12);
  if (found !== number) throw wrong(`the footer is that of value file ${found}`);
  const recordsBytes = footer.readUIntBE(2, 6);
  if (recordsBytes !== offset) throw wrong('the length in the footer is not that of the file');
  return { recordsBytes, records: footer.readUInt32BE(8) };
}
