// The segment file at the end of the commit log, and the order of syncs that makes it trustworthy:
//
//   1. create the file, append the header, sync the file, sync the directory;
//   2. only then append batches: append one, sync, acknowledge, append the next.
//
// So a file whose header is incomplete holds nothing that was acknowledged, and no acknowledged
// batch stands in a file that a power cut could make disappear.

import type { Disk, DiskFile } from '../host/host.ts';
import { encodeSegmentHeader, SEGMENT_HEADER_BYTES, segmentName } from './log-format.ts';

export class LogSegment {
  readonly number: number;
  readonly #file: DiskFile;
  /** Invariant: all bytes before it are durable; what follows is one batch in flight or none. */
  #size: number;

  constructor(number: number, file: DiskFile, size: number) {
    this.number = number;
    this.#file = file;
    this.#size = size;
  }

  /** Durable when it resolves. When it rejects, the half-made file is gone again if it could be. */
  static async create(disk: Disk, number: number): Promise<LogSegment> {
    const file = await disk.create(segmentName(number));
    try {
      await file.append(encodeSegmentHeader(number));
      await file.sync();
      await disk.syncDirectory();
    } catch (error) {
      await file.close();
      await disk.remove(segmentName(number));
      throw error;
    }
    return new LogSegment(number, file, SEGMENT_HEADER_BYTES);
  }

  get size(): number {
    return this.#size;
  }

  append(batch: Buffer): Promise<void> {
    return this.#file.append(batch);
  }

  /** `bytes`: of the batch just appended. */
  async sync(bytes: number): Promise<void> {
    await this.#file.sync();
    this.#size += bytes;
  }

  /** Takes a batch back that was appended in part. */
  undoAppend(): Promise<void> {
    return this.#file.truncate(this.#size);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
