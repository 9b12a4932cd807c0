// Where a flush or a compaction puts large values: a value file that begins with the first of them,
// and another one when that is full. Like the tables that point to them, they are nothing until
// finish() has resolved and the directory was synced.

import type { Disk, DiskFile } from '../../host/host.ts';
import { valuesName } from './value-format.ts';
import type { ValuePointer } from './value-pointer.ts';
import { ValueWriter } from './value-writer.ts';

export interface OutletOptions {
  /** A number that no file of the directory has or had. */
  readonly takeNumber: () => number;
  /** A file that has reached this size is followed by another; without it there is one. */
  readonly bytesMax?: number;
}

interface OpenFile {
  readonly file: DiskFile;
  readonly writer: ValueWriter;
}

export class ValueOutlet {
  readonly #disk: Disk;
  readonly #options: OutletOptions;
  readonly #numbers: number[] = [];
  #open: OpenFile | undefined;
  #bytesWritten = 0;

  constructor(disk: Disk, options: OutletOptions) {
    this.#disk = disk;
    this.#options = options;
  }

  /** Of the files so far, ascending. */
  get numbers(): readonly number[] {
    return this.#numbers;
  }

  /** Of the files that are whole. */
  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /** Copies `value`; one after the other. Rejects with DISK_FULL or IO_ERROR. */
  put(value: Buffer): Promise<ValuePointer> {
    return this.#put((writer) => writer.add(value));
  }

  /** The same with a value of `valueBytes` that readContent() took from another file. */
  putContent(content: Buffer, valueBytes: number): Promise<ValuePointer> {
    return this.#put((writer) => writer.addContent(content, valueBytes));
  }

  /** Everything that was put is synced, but for the names. Rejects with DISK_FULL or IO_ERROR. */
  async finish(): Promise<void> {
    if (this.#open === undefined) return;
    this.#bytesWritten += await this.#open.writer.finish();
    const { file } = this.#open;
    this.#open = undefined;
    await file.close();
  }

  /** Takes everything back, as far as that is possible. */
  async remove(): Promise<void> {
    const unremoved = (): undefined => undefined;
    await this.#open?.file.close().catch(unremoved);
    // What cannot be removed is used by no table: recovery removes it.
    for (const number of this.#numbers) {
      await this.#disk.remove(valuesName(number)).catch(unremoved);
    }
  }

  async #put(add: (writer: ValueWriter) => ValuePointer): Promise<ValuePointer> {
    const { bytesMax = Number.POSITIVE_INFINITY } = this.#options;
    if (this.#open !== undefined && this.#open.writer.bytes >= bytesMax) await this.finish();
    const { writer } = this.#open ?? (await this.#begin());
    const pointer = add(writer);
    await writer.maybeWrite();
    return pointer;
  }

  async #begin(): Promise<OpenFile> {
    const number = this.#options.takeNumber();
    this.#numbers.push(number);
    const file = await this.#disk.create(valuesName(number));
    this.#open = { file, writer: new ValueWriter(file, number) };
    return this.#open;
  }
}
