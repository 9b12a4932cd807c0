// How far the check of the files is, in the file `scrub`, so that a node that restarts often gets
// through all the same:
//
//   magic "KVSC" u32 · format u32 · began varint · next varint · end varint ·
//   checked as of varint · crc32 u32 of everything before
//
// What they mean is in scrub-pass.ts; times are in milliseconds since 1970.
//
// Nothing depends on it: one that cannot be read costs a pass that begins anew.

import { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { crc32 } from '../../base/checksum.ts';
import { KvorumError } from '../../base/errors.ts';
import type { Disk } from '../../host/host.ts';
import { readWhole, replaceWhole } from '../whole-file.ts';
import type { ScrubPass } from './scrub-pass.ts';

export const SCRUB_NAME = 'scrub';
const FORMAT = 1;
/** "KVSC". */
const MAGIC = 0x4b565343;

export interface ScrubProgress {
  readonly pass: ScrubPass;
  /** When the last pass began that came to its end; 0: none did. */
  readonly checkedAsOfMs: number;
}

/** Undefined where there is none that can be read. Rejects with IO_ERROR. */
export async function readScrubProgress(disk: Disk): Promise<ScrubProgress | undefined> {
  const bytes = await readWhole(disk, SCRUB_NAME);
  return bytes === undefined ? undefined : decodeScrubProgress(bytes);
}

export function writeScrubProgress(disk: Disk, progress: ScrubProgress): Promise<void> {
  return replaceWhole(disk, SCRUB_NAME, encodeScrubProgress(progress));
}

export function encodeScrubProgress({ pass, checkedAsOfMs }: ScrubProgress): Buffer {
  const writer = new ByteWriter(64);
  writer.u32(MAGIC);
  writer.u32(FORMAT);
  writer.varint(pass.beganMs);
  writer.varint(pass.next);
  writer.varint(pass.end);
  writer.varint(checkedAsOfMs);
  writer.u32(crc32(writer.view()));
  return writer.copy();
}

/** Undefined when the bytes are not what was written, or of another format. */
export function decodeScrubProgress(bytes: Buffer): ScrubProgress | undefined {
  const body = bytes.subarray(0, -4);
  if (bytes.length < 12 || crc32(body) !== bytes.readUInt32BE(body.length)) return undefined;
  const reader = new ByteReader(body);
  if (reader.u32() !== MAGIC || reader.u32() !== FORMAT) return undefined;
  try {
    const pass = { beganMs: reader.varint(), next: reader.varint(), end: reader.varint() };
    const checkedAsOfMs = reader.varint();
    reader.end();
    return { pass, checkedAsOfMs };
  } catch (error) {
    if (!(error instanceof KvorumError)) throw error;
    return undefined;
  }
}
