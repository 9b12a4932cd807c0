// The segment file at the end of the commit log, and the order of syncs that makes it trustworthy:
//
//   1. a file with a header, both durable, under the segment's name;
//   2. only then batches: each is written through to the disk, acknowledged, then the next one.
//
// So a file whose header is incomplete holds nothing that was acknowledged, and no acknowledged
// batch stands in a file that a power cut could make disappear.
//
// A segment that was made ready (segment-supply.ts) has zeros where batches will stand: a write
// over bytes that are there changes nothing of the file but those bytes, and so costs the disk
// half of what one does that makes the file longer.

import { hasCode } from '../../base/errors.ts';
import type { Disk, DiskFile } from '../../host/host.ts';
import { encodeSegmentHeader, SEGMENT_HEADER_BYTES, segmentName } from './log-format.ts';

/** A segment in the making, of which nobody knows yet: whoever finds it may remove it. */
export const UNFINISHED_NAME = 'log.new';
const COPY_BYTES = 4 * 1024 * 1024;

export class LogSegment {
  readonly number: number;
  readonly #file: DiskFile;
  /** Invariant: all bytes before it are durable; what follows is one batch in flight, or zeros. */
  #size: number;
  #isTorn = false;
  /** Since it was opened. */
  #batches = 0;
  #batchBytes = 0;

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

  /** A segment of which every byte up to `size` is durable, and what follows is zero. */
  static async open(disk: Disk, number: number, size: number): Promise<LogSegment> {
    return new LogSegment(number, await disk.open(segmentName(number)), size);
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
      await disk.rename(UNFINISHED_NAME, name);
      await disk.syncDirectory();
      return LogSegment.open(disk, number, size);
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

  /** Of the file: what of it lies behind `size` was made ready for batches. */
  get fileBytes(): number {
    return this.#file.size();
  }

  /** Durable when it resolves; when it rejects with DISK_FULL, the same may be tried again. */
  async write(batch: Buffer): Promise<void> {
    this.#isTorn = true;
    await this.#file.writeThrough(batch, this.#size);
    this.#isTorn = false;
    this.#size += batch.length;
    this.#batches += 1;
    this.#batchBytes += batch.length;
  }

  /** A batch may be there in part: it must be written once more before anything else is. */
  get isTorn(): boolean {
    return this.#isTorn;
  }

  /** Of those written since it was opened. */
  get batchBytesMean(): number {
    return this.#batchBytes / this.#batches;
  }

  /** Cuts off what was not used, and closes the file. */
  async finish(): Promise<void> {
    try {
      if (this.fileBytes > this.#size) await this.#file.truncate(this.#size);
    } finally {
      await this.#file.close();
    }
  }

  /** Leaves it as it is. */
  close(): Promise<void> {
    return this.#file.close();
  }
}

async function copyFile(disk: Disk, name: string, size: number): Promise<void> {
  await removeUnfinished(disk);
  const from = await disk.open(name);
  const to = await disk.create(UNFINISHED_NAME);
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

export async function removeUnfinished(disk: Disk): Promise<void> {
  if ((await disk.list()).includes(UNFINISHED_NAME)) await disk.remove(UNFINISHED_NAME);
}
