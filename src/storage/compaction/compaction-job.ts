// One compaction: input tables in, fewer and larger ones out, only the newest entry of each key,
// and not even that if it is a removal with nothing older below (compaction-plan.ts says where).
// Large values are not in tables and stay where they are, but for those in files that are given up.
// It runs on the thread of the jobs (in the simulator beside the node), knows the disk and nothing
// else, and changes nothing but the files that it makes:
//
//   1 open the inputs, past any cache          3 sync each output, and their names
//   2 merge, cut where the plan says           4 read outputs again, before anybody drops an input
//
// When it is cancelled or fails, what it wrote is removed again; what could not be removed is named
// by no manifest, and recovery removes it.

import type { Disk, DiskFile, JobPace } from '../../host/host.ts';
import { BlockCache } from '../sstable/block-cache.ts';
import { openTable, type Table } from '../sstable/table-reader.ts';
import { TableWriter } from '../sstable/table-writer.ts';
import { corruption } from '../storage-errors.ts';
import { REMOVAL, type TableEntry, type TableKey } from '../table-entry.ts';
import { type TableInfo, tableName } from '../table-info.ts';
import { openValueFile } from '../values/value-file.ts';
import { type MovedValues, ValueMover, type ValueMoves } from '../values/value-mover.ts';
import type { PlannedOutput } from './compaction-plan.ts';
import { type EntryBlocks, MergeCursor } from './merge-cursor.ts';

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
}

export type CompactionResult = CompactionDone | { readonly kind: 'cancelled' };

export interface CompactionDone {
  readonly kind: 'done';
  /** In the order of their keys. */
  readonly tables: readonly TableInfo[];
  /** Of tables, and of values that were moved. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Entries of the inputs that stand in no output: overwritten, removed, or a done removal. */
  readonly entriesDropped: number;
  readonly moved: MovedValues;
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
  const mover = new ValueMover(disk, job.moves);
  const outputs = new OutputTables(disk, job);
  try {
    for (const { number } of job.inputs) inputs.push(await openTable(disk, number, NO_CACHE()));
    const merged = new MergeCursor(sourcesOf(job.inputs, inputs));
    await writeMerged(merged, mover, outputs, pace);
    if (!pace.isCancelled) {
      const moved = await mover.finish();
      const tables = await outputs.finish();
      await verify(disk, tables, moved, job, pace);
      if (!pace.isCancelled) {
        const entriesDropped = merged.dropped + outputs.dropped;
        return { kind: 'done', tables, moved, entriesDropped, ...bytesOf(job, tables, moved) };
      }
    }
    await outputs.remove();
    await mover.remove();
    return { kind: 'cancelled' };
  } catch (error) {
    await outputs.remove();
    await mover.remove();
    throw error;
  } finally {
    await mover.close();
    for (const table of inputs) await table.close();
  }
}

/** Blocks are read once: whoever keeps them keeps them from others. */
const NO_CACHE = () => new BlockCache(0);

async function writeMerged(
  merged: MergeCursor,
  mover: ValueMover,
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
      const writing = outputs.add(mover.concerns(entry) ? await mover.move(entry) : entry);
      if (writing !== undefined) await writing;
      passed += entry.key.length + entry.value.length;
      const unpaced = passed + mover.bytesMoved - paced;
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

/** What the job writes: at most one table at a time is unfinished. */
class OutputTables {
  readonly #disk: Disk;
  readonly #job: CompactionJob;
  readonly #expectedEntries: number;
  readonly #names: string[] = [];
  readonly #infos: TableInfo[] = [];
  /** The place in job.outputs of the range that is being written, and where the next one begins. */
  #range = 0;
  #nextFrom: TableKey | undefined;
  #file: DiskFile | undefined;
  #writer: TableWriter | undefined;
  /** Removals that have nothing left to hide. */
  dropped = 0;

  constructor(disk: Disk, job: CompactionJob) {
    this.#disk = disk;
    this.#job = job;
    const entries = job.inputs.reduce((sum, info) => sum + info.entries, 0);
    this.#expectedEntries = Math.ceil(entries / Math.max(1, job.outputs.length));
    this.#nextFrom = job.outputs[1]?.from;
  }

  /** A promise when the entry is not taken yet: wait for it. */
  add(entry: TableEntry): void | Promise<void> {
    if (this.#isBeyondRange(entry)) return this.#addToItsRange(entry);
    if (entry.kind === REMOVAL && this.#output.isBottom) {
      this.dropped += 1;
      return;
    }
    const writer = this.#writer;
    return writer === undefined || this.#isFull(writer)
      ? this.#addToNewTable(entry)
      : writer.add(entry);
  }

  /** Each range that is still to come needs one of the numbers that are left. */
  #isFull(writer: TableWriter): boolean {
    const { outputs, numbersCount, tableBytesMax } = this.#job;
    const rangesLeft = outputs.length - 1 - this.#range;
    const numbersLeft = numbersCount - this.#names.length;
    return writer.estimatedBytes >= tableBytesMax && numbersLeft > rangesLeft;
  }

  #isBeyondRange({ key }: TableEntry): boolean {
    return this.#nextFrom !== undefined && key.compare(this.#nextFrom) >= 0;
  }

  async #addToItsRange(entry: TableEntry): Promise<void> {
    await this.#end();
    while (this.#isBeyondRange(entry)) {
      this.#range += 1;
      this.#nextFrom = this.#job.outputs[this.#range + 1]?.from;
    }
    await this.add(entry);
  }

  async #addToNewTable(entry: TableEntry): Promise<void> {
    await this.#end();
    await (await this.#begin()).add(entry);
  }

  /** The infos, when everything is durable. */
  async finish(): Promise<readonly TableInfo[]> {
    await this.#end();
    await this.#disk.syncDirectory();
    return this.#infos;
  }

  async remove(): Promise<void> {
    const unremoved = (): undefined => undefined;
    await this.#file?.close().catch(unremoved);
    for (const name of this.#names) await this.#disk.remove(name).catch(unremoved);
  }

  get #output(): PlannedOutput {
    return this.#job.outputs[this.#range] as PlannedOutput;
  }

  async #begin(): Promise<TableWriter> {
    const { numbersFrom, compressedFromLevel } = this.#job;
    const number = numbersFrom + this.#names.length;
    this.#names.push(tableName(number));
    this.#file = await this.#disk.create(tableName(number));
    const compression = this.#output.level >= compressedFromLevel;
    const expectedEntries = this.#expectedEntries;
    this.#writer = new TableWriter(this.#file, number, { compression, expectedEntries });
    return this.#writer;
  }

  async #end(): Promise<void> {
    if (this.#writer === undefined) return;
    this.#infos.push({ ...(await this.#writer.finish()), level: this.#output.level });
    this.#writer = undefined;
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }
}

function bytesOf(
  { inputs }: CompactionJob,
  outputs: readonly TableInfo[],
  moved: MovedValues,
): Pick<CompactionDone, 'bytesRead' | 'bytesWritten'> {
  const sum = (tables: readonly TableInfo[]) => tables.reduce((all, { bytes }) => all + bytes, 0);
  const bytesRead = sum(inputs) + moved.bytesMoved;
  return { bytesRead, bytesWritten: sum(outputs) + moved.bytesWritten };
}

/** Reads the outputs again, as those who come later will; rejects with CORRUPTION. */
async function verify(
  disk: Disk,
  tables: readonly TableInfo[],
  { files }: MovedValues,
  { verifies }: CompactionJob,
  pace: JobPace,
): Promise<void> {
  const isWhole = (number: number) => verifies === 'all' || number % SAMPLE_EVERY === 0;
  for (const info of tables) {
    if (pace.isCancelled) return;
    await verifyTable(disk, info, isWhole(info.number), pace);
  }
  for (const number of files) {
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

/** A TableInfo that was copied between threads, where Buffers become plain arrays of bytes. */
export function thawed(info: TableInfo): TableInfo {
  return { ...info, firstKey: asBuffer(info.firstKey), lastKey: asBuffer(info.lastKey) };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
