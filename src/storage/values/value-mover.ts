// Moves the values of files that are given up, while a compaction passes over their pointers. A
// value that cannot be read stays where it is, and so does its pointer: whoever asks for it is told
// that it is damaged, and everything else is saved from the file.

import { assert } from '../../base/assert.ts';
import { hasCode } from '../../base/errors.ts';
import type { Disk } from '../../host/host.ts';
import { ELSEWHERE, type TableEntry } from '../table-entry.ts';
import { openValueFile, type ValueFile } from './value-file.ts';
import { ValueOutlet } from './value-outlet.ts';
import { decodePointer, pointing, type ValuePointer } from './value-pointer.ts';

/** Plain data, for another thread. */
export interface ValueMoves {
  /** Numbers of the value files that are given up. */
  readonly from: readonly number[];
  /** New files get numbers from here on; nobody else uses any of the next `numbersCount`. */
  readonly numbersFrom: number;
  readonly numbersCount: number;
  /** A new file that has reached this size is followed by another. */
  readonly fileBytesMax: number;
}

/** Plain data likewise. */
export interface MovedValues {
  /** Numbers of the new files, ascending. */
  readonly files: readonly number[];
  /** Of values that were moved, as they stand on the disk. */
  readonly bytesMoved: number;
  /** Of the new files. */
  readonly bytesWritten: number;
  /** Numbers of files of which something could not be read. */
  readonly unreadable: readonly number[];
}

export class ValueMover {
  readonly #disk: Disk;
  readonly #from: ReadonlySet<number>;
  readonly #outlet: ValueOutlet;
  readonly #open = new Map<number, ValueFile>();
  readonly #unreadable = new Set<number>();
  #bytesMoved = 0;

  constructor(disk: Disk, { from, numbersFrom, numbersCount, fileBytesMax }: ValueMoves) {
    this.#disk = disk;
    this.#from = new Set(from);
    let number = numbersFrom;
    const takeNumber = () => {
      assert(number < numbersFrom + numbersCount, 'there are numbers for all that is moved');
      return number++;
    };
    this.#outlet = new ValueOutlet(disk, { takeNumber, bytesMax: fileBytesMax });
  }

  /** Of values, so far. */
  get bytesMoved(): number {
    return this.#bytesMoved;
  }

  /** Whether move() makes another entry of it. */
  concerns({ kind, value }: TableEntry): boolean {
    if (kind !== ELSEWHERE || this.#from.size === 0) return false;
    return this.#from.has(decodePointer(value).file);
  }

  /**
   * The entry with its value in a new file, or as it is when that cannot be read. Rejects with
   * DISK_FULL or IO_ERROR.
   */
  async move(entry: TableEntry): Promise<TableEntry> {
    const pointer = decodePointer(entry.value);
    const content = await this.#read(pointer);
    if (content === undefined) return entry;
    this.#bytesMoved += pointer.pieceBytes;
    return pointing(entry, await this.#outlet.putContent(content, pointer.valueBytes));
  }

  /** Everything is synced, but for the names. Rejects with DISK_FULL or IO_ERROR. */
  async finish(): Promise<MovedValues> {
    await this.#close();
    await this.#outlet.finish();
    const { numbers, bytesWritten } = this.#outlet;
    const unreadable = [...this.#unreadable];
    return { files: numbers, bytesMoved: this.#bytesMoved, bytesWritten, unreadable };
  }

  /** Takes everything back, as far as that is possible. */
  async remove(): Promise<void> {
    await this.#close();
    await this.#outlet.remove();
  }

  async #close(): Promise<void> {
    for (const file of this.#open.values()) await file.close();
    this.#open.clear();
  }

  /** Undefined when it is damaged. */
  async #read(pointer: ValuePointer): Promise<Buffer | undefined> {
    try {
      const file = this.#open.get(pointer.file) ?? (await this.#openFile(pointer.file));
      return await file.readContent(pointer);
    } catch (error) {
      if (!hasCode(error, 'CORRUPTION')) throw error;
      this.#unreadable.add(pointer.file);
      return undefined;
    }
  }

  async #openFile(number: number): Promise<ValueFile> {
    const file = await openValueFile(this.#disk, number);
    this.#open.set(number, file);
    return file;
  }
}
