// One compaction: input tables in, fewer and larger ones out, only the newest entry of each key,
// and not even that if it was dropped, or is a removal with nothing older below (as planned). Large
// values are not in tables and stay where they are, but for those in files that are given up.
// It runs on the thread of the jobs (in the simulator beside the node), knows the disk and nothing
// else, and changes nothing but the files that it makes:
//
//   1 open the inputs, past any cache          3 sync each output, and their names
//   2 merge, cut where the plan says           4 read outputs again, before anybody drops an input
//
// When it is cancelled or fails, what it wrote is removed again; what could not be removed is named
// by no manifest, and recovery removes it.

import type { Disk, JobPace } from '../../host/host.ts';
import type { Drop } from '../drops/drop-map.ts';
import { BlockCache } from '../sstable/block-cache.ts';
import { openTable, type Table } from '../sstable/table-reader.ts';
import { corruption } from '../storage-errors.ts';
import type { TableEntry } from '../table-entry.ts';
import { asBuffer, type TableInfo, tableName, thawed } from '../table-info.ts';
import { openValueFile } from '../values/value-file.ts';
import type { ValueMoves } from '../values/value-mover.ts';
import type { PlannedOutput } from './compaction-plan.ts';
import { type EntryBlocks, MergeCursor } from './merge-cursor.ts';
import { type Outputs, OutputTables } from './output-tables.ts';

export interface CompactionJob {
  readonly inputs: readonly TableInfo[];
  /** As planned: where tables begin, ascending, and at which level they will stand. */
  readonly outputs: readonly PlannedOutput[];
  /** A table that has grown to this size ends although its range does not. */
  readonly tableBytesMax: number;
  /** The outputs get numbers from here on; nobody else uses any of the next `numbersCount`. */
  readonly numbersFrom: number;
  readonly numbersCount: number;
  readonly moves: ValueMoves;
  /** Tables of levels from here on are compressed; the others will soon be read and rewritten. */
  readonly compressedFromLevel: number;
  readonly verifies: 'sample' | 'all';
  /** What they hide is left out. */
  readonly drops: readonly Drop[];
  /** All drops up to this sequence are among them. */
  readonly droppedUpTo: number;
}

export type CompactionResult = CompactionDone | { readonly kind: 'cancelled' };

export interface CompactionDone extends Outputs {
  readonly kind: 'done';
  /** Of tables, and of values that were moved. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Entries of the inputs that stand in no output: replaced, dropped, or removals at their end. */
  readonly entriesDropped: number;
}

/** Between two looks at the pace: 5 ms at 50 MB/s, so that a pause is felt at once. */
const PACE_BYTES = 256 * 1024;
/** One table in 20 is read whole; of the others, all that opening reads: 5 % finds a sick disk. */
const SAMPLE_EVERY = 20;

/**
 * Durable when it resolves. Rejects with CORRUPTION when an input cannot be read, with DISK_FULL or
 * IO_ERROR; the inputs are never touched.
 */
export async function runCompaction(
  disk: Disk,
  job: CompactionJob,
  pace: JobPace,
): Promise<CompactionResult> {
  const inputs: Table[] = [];
  const outputs = new OutputTables(disk, job);
  try {
    for (const { number } of job.inputs) inputs.push(await openTable(disk, number, NO_CACHE()));
    const merged = new MergeCursor(sourcesOf(job.inputs, inputs));
    await writeMerged(merged, outputs, pace);
    const written = pace.isCancelled ? undefined : await outputs.finish();
    if (written !== undefined) await verify(disk, written, job, pace);
    if (written === undefined || pace.isCancelled) {
      await outputs.remove();
      return { kind: 'cancelled' };
    }
    const entriesDropped = merged.dropped + outputs.dropped;
    return { kind: 'done', ...written, entriesDropped, ...bytesOf(job, written) };
  } catch (error) {
    await outputs.remove();
    throw error;
  } finally {
    for (const table of inputs) await table.close();
  }
}

/** Blocks are read once: whoever keeps them keeps them from others. */
const NO_CACHE = () => new BlockCache(0);

async function writeMerged(
  merged: MergeCursor,
  outputs: OutputTables,
  pace: JobPace,
): Promise<void> {
  let passed = 0;
  let paced = 0;
  while (!pace.isCancelled) {
    const next = merged.nextBlock();
    const block = next instanceof Promise ? await next : next;
    if (block === undefined) return;
    for (const entry of block) {
      const writing = outputs.add(entry);
      if (writing !== undefined) await writing;
      passed += entry.key.length + entry.value.length;
      const unpaced = passed + outputs.bytesMoved - paced;
      if (unpaced < PACE_BYTES) continue;
      await pace.spend(unpaced);
      if (pace.isCancelled) return;
      paced += unpaced;
    }
  }
}

/** The tables of a level from 1 on follow each other: one source. Those of level 0 overlap. */
function sourcesOf(infos: readonly TableInfo[], tables: readonly Table[]): EntryBlocks[] {
  const inputs = infos.map((info, place) => ({ info, table: tables[place] as Table }));
  const levels = Map.groupBy(inputs, ({ info }) => info.level);
  return [...levels].flatMap(([level, each]) => {
    each.sort((a, b) => a.info.firstKey.compare(b.info.firstKey));
    const inOrder = each.map(({ table }) => table);
    return level === 0 ? inOrder.map((table) => new TableRow([table])) : [new TableRow(inOrder)];
  });
}

/** Tables one behind the other, from the first key to the last. */
class TableRow implements EntryBlocks {
  readonly #tables: readonly Table[];
  #next = 0;
  #current: EntryBlocks | undefined;

  constructor(tables: readonly Table[]) {
    this.#tables = tables;
  }

  nextBlock(): ReturnType<EntryBlocks['nextBlock']> {
    for (;;) {
      this.#current ??= this.#open(this.#tables[this.#next++]);
      const block = this.#current?.nextBlock();
      if (block instanceof Promise) return block.then((each) => this.#orNext(each));
      if (block !== undefined || this.#current === undefined) return block;
      this.#current = undefined;
    }
  }

  #orNext(block: readonly TableEntry[] | undefined): ReturnType<EntryBlocks['nextBlock']> {
    if (block !== undefined) return block;
    this.#current = undefined;
    return this.nextBlock();
  }

  #open(table: Table | undefined): EntryBlocks | undefined {
    return table?.cursor(table.info.firstKey, undefined, { fillCache: false });
  }
}

function bytesOf(
  { inputs }: CompactionJob,
  { tables, moved }: Outputs,
): Pick<CompactionDone, 'bytesRead' | 'bytesWritten'> {
  const sum = (infos: readonly TableInfo[]) => infos.reduce((all, { bytes }) => all + bytes, 0);
  const bytesRead = sum(inputs) + moved.bytesMoved;
  return { bytesRead, bytesWritten: sum(tables) + moved.bytesWritten };
}

/** Reads the outputs again, as those who come later will; rejects with CORRUPTION. */
async function verify(
  disk: Disk,
  { tables, moved }: Outputs,
  { verifies }: CompactionJob,
  pace: JobPace,
): Promise<void> {
  const isWhole = (number: number) => verifies === 'all' || number % SAMPLE_EVERY === 0;
  for (const info of tables) {
    if (pace.isCancelled) return;
    await verifyTable(disk, info, isWhole(info.number), pace);
  }
  for (const number of moved.files) {
    if (pace.isCancelled) return;
    const file = await openValueFile(disk, number);
    try {
      if (isWhole(number)) await file.verify((bytes) => pace.spend(bytes));
    } finally {
      await file.close();
    }
  }
}

async function verifyTable(
  disk: Disk,
  info: TableInfo,
  isWhole: boolean,
  pace: JobPace,
): Promise<void> {
  const table = await openTable(disk, info.number, NO_CACHE());
  try {
    if (isWhole) await table.verify((bytes) => pace.spend(bytes));
    const { entries, firstKey, lastKey } = table.info;
    const isSame = firstKey.equals(info.firstKey) && lastKey.equals(info.lastKey);
    if (isSame && entries === info.entries) return;
    throw corruption(tableName(info.number), 'it was just written, and reads differently');
  } finally {
    await table.close();
  }
}

/** The body of the job "compaction": what came from another thread, as what it was there. */
export async function runJob(disk: Disk, order: unknown, pace: JobPace): Promise<unknown> {
  const job = order as CompactionJob;
  const outputs = job.outputs.map((each) => ({ ...each, from: asBuffer(each.from) }));
  return runCompaction(disk, { ...job, inputs: job.inputs.map(thawed), outputs }, pace);
}
