// The segment file at the end of the commit log, and the order of syncs that makes it trustworthy:
//
//   1. create the file, append the header, sync the file, sync the directory;
//   2. only then append batches: append one, sync, acknowledge, append the next.
//
// So a file whose header is incomplete holds nothing that was acknowledged, and no acknowledged
// batch stands in a file that a power cut could make disappear.

import { hasCode } from '../../base/errors.ts';
import type { Disk, DiskFile } from '../../host/host.ts';
import { encodeSegmentHeader, SEGMENT_HEADER_BYTES, segmentName } from './log-format.ts';

const COPY_NAME = 'log.new';
const COPY_BYTES = 4 * 1024 * 1024;

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

  /** The segment as its last user left it, every byte of it durable. */
  static async open(disk: Disk, number: number): Promise<LogSegment> {
    const file = await disk.open(segmentName(number));
    return new LogSegment(number, file, file.size());
  }

  /**
   * Makes the first `size` bytes durable, and the rest disappear. They are written anew, into a
   * copy that takes the segment's place: after a failed sync the page cache shows bytes that the
   * disk never got, and that no later sync would write. Only on a full disk they are synced where
   * they stand.
   */
  static async secure(disk: Disk, number: number, size: number): Promise<LogSegment> {
    const name = segmentName(number);
    try {
      await copyFile(disk, name, size);
      await disk.rename(COPY_NAME, name);
      await disk.syncDirectory();
      return LogSegment.open(disk, number);
    } catch (error) {
      if (!hasCode(error, 'DISK_FULL')) throw error;
    }
    const file = await disk.open(name);
    await file.truncate(size);
    await file.sync();
    await disk.syncDirectory();
    return new LogSegment(number, file, size);
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

async function copyFile(disk: Disk, name: string, size: number): Promise<void> {
  if ((await disk.list()).includes(COPY_NAME)) await disk.remove(COPY_NAME);
  const from = await disk.open(name);
  const to = await disk.create(COPY_NAME);
  try {
    for (let at = 0; at < size; at += COPY_BYTES) {
      await to.append(await from.read(at, Math.min(COPY_BYTES, size - at)));
    }
    await to.sync();
  } finally {
    await from.close();
    await to.close();
  }
}
