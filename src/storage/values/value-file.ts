// An open value file. Values are read where pointers say, each with its checksum: what fails is
// CORRUPTION, never another value and never none. They are not kept in the block cache: the memory
// of one large value holds the blocks of many small ones, each of which saves a read as well; and
// what is read often stands in the page cache of the system.

import type { Disk, DiskFile } from '../../host/host.ts';
import { contentOf, openPiece } from '../sstable/piece.ts';
import { corruptionAt } from '../storage-errors.ts';
import { decodeFooter, FOOTER_BYTES, type ValueFooter, valuesName } from './value-format.ts';
import { LENGTH_BYTES, type ValuePointer } from './value-pointer.ts';

const VERIFY_BYTES = 256 * 1024;
/** More is hardly ever read on the spot: no memory is taken for the attempt. */
const NOW_BYTES_MAX = 64 * 1024;

/** Rejects with CORRUPTION, NEWER_FORMAT or IO_ERROR. */
export async function openValueFile(disk: Disk, number: number): Promise<ValueFile> {
  const file = await disk.open(valuesName(number));
  try {
    return new ValueFile(file, number, await readFooter(file, number));
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readFooter(file: DiskFile, number: number): Promise<ValueFooter> {
  const size = file.size();
  const footer = await file.read(Math.max(0, size - FOOTER_BYTES), FOOTER_BYTES);
  return decodeFooter(footer, number, size);
}

export class ValueFile {
  readonly number: number;
  /** Of the file. */
  readonly bytes: number;
  readonly #file: DiskFile;
  readonly #footer: ValueFooter;
  /** By offset. */
  readonly #underWay = new Map<number, Promise<Buffer>>();

  /** Only openValueFile() makes one. */
  constructor(file: DiskFile, number: number, footer: ValueFooter) {
    this.number = number;
    this.bytes = file.size();
    this.#file = file;
    this.#footer = footer;
  }

  /** Of what pointers may point to. */
  get recordsBytes(): number {
    return this.#footer.recordsBytes;
  }

  /**
   * A value: at once where it stands in memory, else shared by all who want it meanwhile. Throws or
   * rejects with CORRUPTION or IO_ERROR.
   */
  read(pointer: ValuePointer): Buffer | Promise<Buffer> {
    return this.#underWay.get(pointer.offset) ?? this.#readNow(pointer) ?? this.#readLater(pointer);
  }

  /** The piece of a value without its checksum, for another file; rejects as read() does. */
  async readContent({ offset, pieceBytes }: ValuePointer): Promise<Buffer> {
    const piece = await this.#file.read(offset, pieceBytes);
    return contentOf(piece, valuesName(this.number), { number: this.number, offset });
  }

  /**
   * Reads the whole file and checks it; rejects with CORRUPTION or IO_ERROR. `onRead` is told the
   * bytes of each read and may take its time: the rate is its business.
   */
  async verify(onRead: (bytes: number) => void | Promise<void> = () => undefined): Promise<void> {
    const { recordsBytes, records } = this.#footer;
    let found = 0;
    for (let at = 0, wanted = VERIFY_BYTES; at < recordsBytes; ) {
      const length = Math.min(wanted, recordsBytes - at);
      const bytes = await this.#file.read(at, length);
      await onRead(bytes.length);
      if (bytes.length < length) throw this.#wrong(at, 'the file has become shorter');
      const whole = this.#check(bytes, at);
      found += whole.records;
      at += whole.bytes;
      wanted = whole.bytes > 0 ? VERIFY_BYTES : this.#lengthAt(bytes, at);
    }
    await readFooter(this.#file, this.number);
    await onRead(FOOTER_BYTES);
    if (found !== records) throw this.#wrong(0, `${found} values instead of ${records}`);
  }

  /** Waits for reads that are under way. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#underWay.values());
    await this.#file.close();
  }

  #readNow(pointer: ValuePointer): Buffer | undefined {
    const { offset, pieceBytes } = pointer;
    if (pieceBytes > NOW_BYTES_MAX) return undefined;
    const piece = Buffer.allocUnsafeSlow(pieceBytes);
    const read = this.#file.readNow(piece, offset);
    return read === undefined ? undefined : this.#valueIn(piece.subarray(0, read), pointer);
  }

  #readLater(pointer: ValuePointer): Promise<Buffer> {
    const { offset, pieceBytes } = pointer;
    const reading = this.#file
      .read(offset, pieceBytes)
      .then((piece) => this.#valueIn(piece, pointer))
      .finally(() => this.#underWay.delete(offset));
    this.#underWay.set(offset, reading);
    return reading;
  }

  #valueIn(piece: Buffer, { offset, valueBytes }: ValuePointer): Buffer {
    const value = this.#open(piece, offset);
    if (value.length === valueBytes) return value;
    throw this.#wrong(offset, `${value.length} bytes instead of ${valueBytes}`);
  }

  /** The records that lie in `bytes` to their end. */
  #check(bytes: Buffer, at: number): { readonly records: number; readonly bytes: number } {
    let end = 0;
    let records = 0;
    for (;;) {
      const start = end + LENGTH_BYTES;
      if (start > bytes.length) break;
      const pieceEnd = start + bytes.readUInt32BE(end);
      if (pieceEnd > bytes.length) break;
      this.#open(bytes.subarray(start, pieceEnd), at + start);
      end = pieceEnd;
      records += 1;
    }
    return { records, bytes: end };
  }

  /** Of the record at `at`, of which `bytes` is only a part. */
  #lengthAt(bytes: Buffer, at: number): number {
    const length = bytes.length < LENGTH_BYTES ? 0 : LENGTH_BYTES + bytes.readUInt32BE(0);
    if (length > bytes.length && at + length <= this.#footer.recordsBytes) return length;
    throw this.#wrong(at, 'the length of a value leads beyond the end');
  }

  #open(piece: Buffer, offset: number): Buffer {
    return openPiece(piece, valuesName(this.number), { number: this.number, offset });
  }

  #wrong(offset: number, what: string): Error {
    return corruptionAt(valuesName(this.number), offset, what);
  }
}
