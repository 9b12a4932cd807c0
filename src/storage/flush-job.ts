// The job that makes a table of level 0 of a sealed memtable, on the thread of the jobs: the keys
// sorted, the entries written in their order, the table synced and its name made durable. The
// records are read where they are: their memory is shared, and a sealed memtable does not change.
//
// When it is cancelled or fails, what it wrote is removed again; what could not be removed is named
// by no manifest, and recovery removes it.

import type { Disk, DiskFile, JobPace } from '../host/host.ts';
import { type ArenaImage, RecordArena } from './memtable/record-arena.ts';
import { sortedKeys } from './memtable/sorted-keys.ts';
import { TableWriter } from './sstable/table-writer.ts';
import { type TableInfo, tableName } from './table-info.ts';

export interface FlushJob {
  readonly image: ArenaImage;
  /** Of the table. */
  readonly number: number;
}

export type FlushResult =
  | { readonly kind: 'done'; readonly table: TableInfo }
  | { readonly kind: 'cancelled' };

/** Durable when it resolves. Rejects with DISK_FULL or IO_ERROR. */
export async function runFlush(
  disk: Disk,
  { image, number }: FlushJob,
  pace: JobPace,
): Promise<FlushResult> {
  const file = await disk.create(tableName(number));
  try {
    const arena = new RecordArena(image.memory, image.keysEnd);
    const table = await writeTable(file, number, arena, pace);
    await file.close();
    if (table === undefined) {
      await disk.remove(tableName(number));
      return { kind: 'cancelled' };
    }
    await disk.syncDirectory();
    return { kind: 'done', table };
  } catch (error) {
    const unremoved = (): undefined => undefined;
    await file.close().catch(unremoved);
    await disk.remove(tableName(number)).catch(unremoved);
    throw error;
  }
}

/** Undefined when the job is cancelled. */
async function writeTable(
  file: DiskFile,
  number: number,
  arena: RecordArena,
  pace: JobPace,
): Promise<TableInfo | undefined> {
  const keys = sortedKeys(arena);
  // A level-0 table is compacted soon: compressing it costs more than its bytes.
  const options = { compression: false, expectedEntries: keys.length };
  const writer = new TableWriter(file, number, options);
  for (const key of keys) {
    const writing = writer.add(arena.entryAt(key));
    if (writing === undefined) continue;
    await writing;
    if (pace.isCancelled) return undefined;
  }
  return { ...(await writer.finish()), level: 0 };
}

/** The body of the job "flush". */
export function runJob(disk: Disk, order: unknown, pace: JobPace): Promise<FlushResult> {
  return runFlush(disk, order as FlushJob, pace);
}
