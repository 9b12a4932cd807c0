// The job that makes a table of level 0 of a sealed memtable, on the thread of the jobs: the keys
// sorted, the entries written in their order, the table synced and its name made durable. Large
// values go into a value file beside it. What was dropped since stays behind, and there is no table
// when nothing else was there. The records are read where they are: their memory is shared, and a
// sealed memtable does not change.
//
// When it is cancelled or fails, what it wrote is removed again; what could not be removed is named
// by no manifest, and recovery removes it.

import type { Disk, DiskFile, JobPace } from '../host/host.ts';
import { type Drop, NO_DROPS } from './drops/drop-map.ts';
import { type ArenaImage, RecordArena } from './memtable/record-arena.ts';
import { SortedKeys } from './memtable/sorted-keys.ts';
import { TableWriter } from './sstable/table-writer.ts';
import { VALUE } from './table-entry.ts';
import { type TableInfo, tableName } from './table-info.ts';
import { ValueOutlet } from './values/value-outlet.ts';
import { pointing } from './values/value-pointer.ts';

export interface FlushJob {
  readonly image: ArenaImage;
  /** Of the table, and of a value file if there is one. */
  readonly number: number;
  readonly valuesNumber: number;
  /** From this length on a value stands in the value file. */
  readonly largeValueBytes: number;
  /** What they hide is left out. */
  readonly drops: readonly Drop[];
  /** All drops up to this sequence are among them. */
  readonly droppedUpTo: number;
}

export type FlushResult = FlushDone | { readonly kind: 'cancelled' };

export interface FlushDone {
  readonly kind: 'done';
  /** One, or none. */
  readonly tables: readonly TableInfo[];
}

/** Durable when it resolves. Rejects with DISK_FULL or IO_ERROR. */
export async function runFlush(disk: Disk, job: FlushJob, pace: JobPace): Promise<FlushResult> {
  const name = tableName(job.number);
  const file = await disk.create(name);
  const large = new ValueOutlet(disk, { takeNumber: () => job.valuesNumber });
  try {
    const table = await writeTable(file, large, job, pace);
    await file.close();
    if (table !== undefined) {
      await disk.syncDirectory();
      return { kind: 'done', tables: [table] };
    }
    await disk.remove(name);
    await large.remove();
    return pace.isCancelled ? { kind: 'cancelled' } : { kind: 'done', tables: [] };
  } catch (error) {
    const unremoved = (): undefined => undefined;
    await file.close().catch(unremoved);
    await disk.remove(name).catch(unremoved);
    await large.remove();
    throw error;
  }
}

/** Undefined when the job was cancelled, or everything was dropped. */
async function writeTable(
  file: DiskFile,
  large: ValueOutlet,
  { image, number, largeValueBytes, drops, droppedUpTo }: FlushJob,
  pace: JobPace,
): Promise<TableInfo | undefined> {
  const arena = new RecordArena(image.memory, image.keysEnd);
  const sorted = new SortedKeys(arena);
  const hidden = NO_DROPS.with(drops);
  // A level-0 table is compacted soon: compressing it costs more than its bytes.
  const options = { compression: false, expectedEntries: sorted.count };
  const writer = new TableWriter(file, number, options);
  let entries = 0;
  for (const keys of sorted.slots()) {
    for (const key of keys) {
      const entry = arena.entryAt(key);
      if (hidden.hides(entry.key, entry.sequence)) continue;
      entries += 1;
      const isLarge = entry.kind === VALUE && entry.value.length >= largeValueBytes;
      const kept = isLarge ? pointing(entry, await large.put(entry.value)) : entry;
      const writing = writer.add(kept);
      if (writing !== undefined) await writing;
      if (pace.isCancelled) return undefined;
    }
  }
  await large.finish();
  return entries === 0 ? undefined : { ...(await writer.finish()), level: 0, droppedUpTo };
}

/** The body of the job "flush". */
export function runJob(disk: Disk, order: unknown, pace: JobPace): Promise<FlushResult> {
  return runFlush(disk, order as FlushJob, pace);
}
