// Moves the values of files that are given up, while a compaction passes over their pointers. A
// value that cannot be read stays where it is, and so does its pointer: whoever asks for it is told
// that it is damaged, and everything else is saved from the file.

import { hasCode } from '../../base/errors.ts';
import type { Disk } from '../../host/host.ts';
import { ELSEWHERE, type TableEntry } from '../table-entry.ts';
import { openValueFile, type ValueFile } from './value-file.ts';
import type { ValueOutlet } from './value-outlet.ts';
import { decodePointer, pointing, type ValuePointer } from './value-pointer.ts';

export class ValueMover {
  readonly #disk: Disk;
  readonly #files: ReadonlySet<number>;
  readonly #outlet: ValueOutlet;
  readonly #open = new Map<number, ValueFile>();
  readonly #unreadable = new Set<number>();
  #bytesMoved = 0;

  /** `files`: numbers of the value files that are given up; `outlet`: where their values go. */
  constructor(disk: Disk, files: ReadonlySet<number>, outlet: ValueOutlet) {
    this.#disk = disk;
    this.#files = files;
    this.#outlet = outlet;
  }

  /** Numbers of the files of which something could not be read. */
  get unreadable(): readonly number[] {
    return [...this.#unreadable];
  }

  /** Of values. */
  get bytesMoved(): number {
    return this.#bytesMoved;
  }

  /** Whether move() makes another entry of it. */
  concerns({ kind, value }: TableEntry): boolean {
    if (kind !== ELSEWHERE || this.#files.size === 0) return false;
    return this.#files.has(decodePointer(value).file);
  }

  /** An entry whose value stands in a file to stay. Rejects with DISK_FULL or IO_ERROR. */
  async move(entry: TableEntry): Promise<TableEntry> {
    const pointer = decodePointer(entry.value);
    const value = await this.#read(pointer);
    if (value === undefined) return entry;
    this.#bytesMoved += value.length;
    return pointing(entry, await this.#outlet.put(value));
  }

  async close(): Promise<void> {
    for (const file of this.#open.values()) await file.close();
  }

  /** Undefined when it is damaged. */
  async #read(pointer: ValuePointer): Promise<Buffer | undefined> {
    try {
      const file = this.#open.get(pointer.file) ?? (await this.#openFile(pointer.file));
      return await file.read(pointer);
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
