// Writes one value file; the bytes are drawn in value-format.ts. Values are compressed where that
// saves an eighth: once for as long as they stay there, and on the thread of the jobs. The file is
// nothing until finish() has resolved and the caller has synced the directory.

import { assert } from '../../base/assert.ts';
import { ByteWriter } from '../../base/bytes.ts';
import type { DiskFile } from '../../host/host.ts';
import { type Place, writeContent, writePiece } from '../sstable/piece.ts';
import { encodeFooter } from './value-format.ts';
import { LENGTH_BYTES, type ValuePointer } from './value-pointer.ts';

/** Large enough that a write costs little beside building what it writes. */
const WRITE_BYTES = 256 * 1024;

export class ValueWriter {
  readonly #file: DiskFile;
  readonly #number: number;
  /** Built, but not yet given to the file. */
  readonly #out = new ByteWriter(WRITE_BYTES + 64 * 1024);
  #written = 0;
  #records = 0;
  #isWriting = false;

  /** `file` is new and empty, and the caller's to close. */
  constructor(file: DiskFile, number: number) {
    this.#file = file;
    this.#number = number;
  }

  /** How large the file is so far. */
  get bytes(): number {
    return this.#written + this.#out.length;
  }

  /** Copies `value`. Wait for maybeWrite() before the next one. */
  add(value: Buffer): ValuePointer {
    return this.#add(value.length, (place) => writePiece(this.#out, value, place, true));
  }

  /** The same with a value of `valueBytes` that readContent() took from another file. */
  addContent(content: Buffer, valueBytes: number): ValuePointer {
    return this.#add(valueBytes, (place) => writeContent(this.#out, content, place));
  }

  /** Rejects with DISK_FULL or IO_ERROR. */
  async maybeWrite(): Promise<void> {
    if (this.#out.length >= WRITE_BYTES) await this.#write();
  }

  /** Ends and syncs the file; resolves with its size, rejects with DISK_FULL or IO_ERROR. */
  async finish(): Promise<number> {
    const footer = { recordsBytes: this.bytes, records: this.#records };
    this.#out.raw(encodeFooter(footer, this.#number));
    await this.#write();
    await this.#file.sync();
    return this.#written;
  }

  #add(valueBytes: number, write: (place: Place) => void): ValuePointer {
    assert(!this.#isWriting, 'add() waits for the promise of maybeWrite()');
    const start = this.#out.length;
    const offset = this.bytes + LENGTH_BYTES;
    this.#out.u32(0);
    write({ number: this.#number, offset });
    const pieceBytes = this.#out.length - start - LENGTH_BYTES;
    this.#out.patchU32(start, pieceBytes);
    this.#records += 1;
    return { file: this.#number, offset, pieceBytes, valueBytes };
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    await this.#file.append(this.#out.view());
    this.#written += this.#out.length;
    this.#out.clear();
    this.#isWriting = false;
  }
}
