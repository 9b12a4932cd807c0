// What a compaction writes: tables cut where the plan says, and value files with what it moves. At
// most one of each is unfinished at a time. What was dropped, and removals that are done, go no
// further than here.

import type { Disk, DiskFile } from '../../host/host.ts';
import { type DropMap, NO_DROPS } from '../drops/drop-map.ts';
import { TableWriter } from '../sstable/table-writer.ts';
import { REMOVAL, type TableEntry, type TableKey } from '../table-entry.ts';
import { type TableInfo, tableName } from '../table-info.ts';
import { type MovedValues, ValueMover } from '../values/value-mover.ts';
import type { CompactionJob } from './compaction-job.ts';
import type { PlannedOutput } from './compaction-plan.ts';

export interface Outputs {
  /** In the order of their keys. */
  readonly tables: readonly TableInfo[];
  readonly moved: MovedValues;
}

export class OutputTables {
  readonly #disk: Disk;
  readonly #job: CompactionJob;
  readonly #drops: DropMap;
  readonly #mover: ValueMover;
  readonly #expectedEntries: number;
  readonly #names: string[] = [];
  readonly #infos: TableInfo[] = [];
  /** The place in job.outputs of the range that is being written, and where the next one begins. */
  #range = 0;
  #nextFrom: TableKey | undefined;
  #file: DiskFile | undefined;
  #writer: TableWriter | undefined;
  /** Removals that have nothing left to hide, and what is hidden itself. */
  dropped = 0;

  constructor(disk: Disk, job: CompactionJob) {
    this.#disk = disk;
    this.#job = job;
    this.#drops = NO_DROPS.with(job.drops);
    this.#mover = new ValueMover(disk, job.moves);
    const entries = job.inputs.reduce((sum, info) => sum + info.entries, 0);
    this.#expectedEntries = Math.ceil(entries / Math.max(1, job.outputs.length));
    this.#nextFrom = job.outputs[1]?.from;
  }

  /** Of values that went from one file to another, so far. */
  get bytesMoved(): number {
    return this.#mover.bytesMoved;
  }

  /** A promise when the entry is not taken yet: wait for it. */
  add(entry: TableEntry): void | Promise<void> {
    if (this.#isBeyondRange(entry)) return this.#addToItsRange(entry);
    const isDone = entry.kind === REMOVAL && this.#output.isBottom;
    if (isDone || this.#drops.hides(entry.key, entry.sequence)) {
      this.dropped += 1;
      return;
    }
    return this.#mover.concerns(entry) ? this.#move(entry) : this.#keep(entry);
  }

  async #move(entry: TableEntry): Promise<void> {
    await this.#keep(await this.#mover.move(entry));
  }

  #keep(entry: TableEntry): void | Promise<void> {
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

  /** When it resolves everything is durable. */
  async finish(): Promise<Outputs> {
    const moved = await this.#mover.finish();
    await this.#end();
    await this.#disk.syncDirectory();
    return { tables: this.#infos, moved };
  }

  /** Takes everything back, as far as that is possible. */
  async remove(): Promise<void> {
    await this.#mover.remove();
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
    const { level } = this.#output;
    const { droppedUpTo } = this.#job;
    this.#infos.push({ ...(await this.#writer.finish()), level, droppedUpTo });
    this.#writer = undefined;
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }
}
