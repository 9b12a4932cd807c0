// The manifest: which tables are live, and where the log goes on that is not in them. It is the one
// word on what a directory holds; a table file that it does not name is half-written or obsolete.
//
//   file     magic "KVMF" u32 · format u32 · flushed sequence varint · first segment varint ·
//            next table varint · number of tables varint · table* ·
//            number of drops varint · drop* · summary · crc32 u32 of everything before
//   table    number varint · level varint · flags u8 · bytes varint · entries varint ·
//            removals varint · first key bytes · last key bytes · lowest sequence varint ·
//            highest sequence varint · uses of value files (values/value-use.ts) ·
//            drops heeded up to varint
//   summary  newest time varint · counts (see slot-counts.ts) · digests (see slot-digests.ts)
//   flags    1: suspect, a part of it could not be read (see table-set.ts)
//   drop     keyspace u8 · first slot u16 · last slot u16 · sequence varint   (see live-drops.ts)
//
// The checksum stays at the end in every later format. The file is replaced whole; a few hundred
// tables are some 20 KB, the counts and digests of a keyspace up to 192, per flush and compaction.
//
// Invariants, which make every order of crashes harmless:
// - tables that it names were durable, names included, before it was;
// - what has a sequence up to `flushedSequence` is in the tables, all else in the log from
//   `firstSegment` on; only after the manifest is durable are older segments removed;
// - the summary is of what has a sequence up to `flushedSequence`, and of nothing else;
// - inputs of a compaction are removed only after the manifest that names its outputs is durable.

import { ByteReader, ByteWriter, badBytes } from '../../base/bytes.ts';
import { crc32 } from '../../base/checksum.ts';
import { KvorumError } from '../../base/errors.ts';
import type { Disk } from '../../host/host.ts';
import type { Drop } from '../drops/drop-map.ts';
import { readSlotRange, writeSlotRange } from '../drops/slot-range.ts';
import { checkFormat, corruption } from '../storage-errors.ts';
import { Summary } from '../summary/summary.ts';
import type { TableInfo } from '../table-info.ts';
import { decodeUses, encodeUses } from '../values/value-use.ts';
import { readWhole, replaceWhole } from '../whole-file.ts';

export const MANIFEST_NAME = 'manifest';
const FORMAT = 4;
/** "KVMF". */
const MAGIC = 0x4b564d46;
const SUSPECT = 1;
/** Well above the last level: what walks over levels must end. */
const LEVEL_MAX = 255;
/** Keyspace and slot. */
const KEY_BYTES_MIN = 3;

export interface Manifest {
  readonly flushedSequence: number;
  readonly firstSegment: number;
  /** Every table so far has a lower number. */
  readonly nextTable: number;
  /** In no particular order. */
  readonly tables: readonly ManifestTable[];
  /** Up to `flushedSequence`, without overlap. */
  readonly drops: readonly Drop[];
  /** Of everything up to the flushed sequence; it never changes. */
  readonly summary: Summary;
}

export interface ManifestTable {
  readonly info: TableInfo;
  readonly isSuspect: boolean;
}

export const EMPTY_MANIFEST: Manifest = {
  flushedSequence: 0,
  firstSegment: 1,
  nextTable: 1,
  tables: [],
  drops: [],
  summary: new Summary(),
};

/** Undefined in a directory that never had one. Rejects with CORRUPTION or a format's error. */
export async function readManifest(disk: Disk): Promise<Manifest | undefined> {
  const bytes = await readWhole(disk, MANIFEST_NAME);
  return bytes === undefined ? undefined : decodeManifest(bytes);
}

/** Durable when it resolves; see replaceWhole() for what holds when it rejects. */
export function writeManifest(disk: Disk, manifest: Manifest): Promise<void> {
  return replaceWhole(disk, MANIFEST_NAME, encodeManifest(manifest));
}

export function encodeManifest(manifest: Manifest): Buffer {
  const writer = new ByteWriter(4096);
  writer.u32(MAGIC);
  writer.u32(FORMAT);
  writer.varint(manifest.flushedSequence);
  writer.varint(manifest.firstSegment);
  writer.varint(manifest.nextTable);
  writer.varint(manifest.tables.length);
  for (const { info, isSuspect } of manifest.tables) {
    writer.varint(info.number);
    writer.varint(info.level);
    writer.u8(isSuspect ? SUSPECT : 0);
    writer.varint(info.bytes);
    writer.varint(info.entries);
    writer.varint(info.removals);
    writer.bytes(info.firstKey);
    writer.bytes(info.lastKey);
    writer.varint(info.sequenceMin);
    writer.varint(info.sequenceMax);
    encodeUses(writer, info.values);
    writer.varint(info.droppedUpTo);
  }
  writer.varint(manifest.drops.length);
  for (const drop of manifest.drops) {
    writeSlotRange(writer, drop);
    writer.varint(drop.sequence);
  }
  manifest.summary.writeTo(writer);
  writer.u32(crc32(writer.view()));
  return writer.copy();
}

/** Throws CORRUPTION, NEWER_FORMAT or OLDER_FORMAT. */
export function decodeManifest(bytes: Buffer): Manifest {
  const body = bytes.subarray(0, -4);
  if (bytes.length < 12 || crc32(body) !== bytes.readUInt32BE(body.length)) {
    throw corruption(MANIFEST_NAME, `its checksum is wrong (bytes 0 to ${bytes.length - 1})`);
  }
  const reader = new ByteReader(body);
  if (reader.u32() !== MAGIC) throw corruption(MANIFEST_NAME, 'it is no manifest (offset 0)');
  const format = reader.u32();
  checkFormat(MANIFEST_NAME, format, FORMAT);
  try {
    return decodeBody(reader);
  } catch (error) {
    if (!(error instanceof KvorumError)) throw error;
    throw corruption(MANIFEST_NAME, `it cannot be read at offset ${reader.at}`, error);
  }
}

function decodeBody(reader: ByteReader): Manifest {
  const flushedSequence = reader.varint();
  const firstSegment = reader.varint();
  const nextTable = reader.varint();
  const tables: ManifestTable[] = [];
  const numbers = new Set<number>();
  for (let left = reader.varint(); left > 0; left--) {
    const table = decodeTable(reader);
    const { number } = table.info;
    if (number >= nextTable || numbers.has(number)) throw badBytes(`a second table ${number}`);
    numbers.add(number);
    tables.push(table);
  }
  const drops: Drop[] = [];
  for (let left = reader.varint(); left > 0; left--) {
    drops.push(decodeDrop(reader, flushedSequence));
  }
  const summary = Summary.readFrom(reader);
  reader.end();
  return { flushedSequence, firstSegment, nextTable, tables, drops, summary };
}

function decodeTable(reader: ByteReader): ManifestTable {
  const number = reader.varint();
  const level = reader.varint();
  const flags = reader.u8();
  const info: TableInfo = {
    number,
    level,
    bytes: reader.varint(),
    entries: reader.varint(),
    removals: reader.varint(),
    firstKey: Buffer.from(reader.bytes()),
    lastKey: Buffer.from(reader.bytes()),
    sequenceMin: reader.varint(),
    sequenceMax: reader.varint(),
    values: decodeUses(reader),
    droppedUpTo: reader.varint(),
  };
  checkTable(info);
  return { info, isSuspect: (flags & SUSPECT) !== 0 };
}

/** Throws BAD_BYTES for a table that no writer makes and that planning would stumble over. */
function checkTable({ number, level, entries, firstKey, lastKey, ...rest }: TableInfo): void {
  const isSound =
    level <= LEVEL_MAX &&
    entries > 0 &&
    rest.removals <= entries &&
    rest.sequenceMin <= rest.sequenceMax &&
    firstKey.length >= KEY_BYTES_MIN &&
    firstKey.compare(lastKey) <= 0;
  if (!isSound) throw badBytes(`table ${number} cannot be`);
}

/** Throws BAD_BYTES for one that would hide what came after the tables. */
function decodeDrop(reader: ByteReader, flushedSequence: number): Drop {
  const drop = { ...readSlotRange(reader), sequence: reader.varint() };
  if (drop.sequence > flushedSequence) throw badBytes(`a drop of sequence ${drop.sequence}`);
  return drop;
}
