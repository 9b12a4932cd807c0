// What is known of a table without opening it: the manifest keeps it, compaction plans with it.

import type { TableKey } from './table-entry.ts';
import type { ValueUse } from './values/value-use.ts';

/** What the file itself says. */
export interface TableFile {
  /** Its file is table-0000000001.kvtable; numbers are never used twice in a directory. */
  readonly number: number;
  /** Size of the file. */
  readonly bytes: number;
  readonly entries: number;
  /** How many of the entries say that a key is gone. */
  readonly removals: number;
  /** What it refers to in value files, ascending by file. */
  readonly values: readonly ValueUse[];
  /** Both inclusive. */
  readonly firstKey: TableKey;
  readonly lastKey: TableKey;
  readonly sequenceMin: number;
  readonly sequenceMax: number;
}

export interface TableInfo extends TableFile {
  /** 0: flushed; tables of a level > 0 do not overlap each other. */
  readonly level: number;
  /** Drops up to this sequence were heeded when it was written: it has nothing that they hide. */
  readonly droppedUpTo: number;
}

export function tableName(number: number): string {
  return `table-${String(number).padStart(10, '0')}.kvtable`;
}

/** The number of a table file; undefined for files that are none. */
export function tableNumberOf(name: string): number | undefined {
  const match = /^table-(\d{10})\.kvtable$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** One that was copied between threads, where Buffers become plain arrays of bytes. */
export function thawed(info: TableInfo): TableInfo {
  return { ...info, firstKey: asBuffer(info.firstKey), lastKey: asBuffer(info.lastKey) };
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
