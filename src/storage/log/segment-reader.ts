// Reads one log segment through a window of a few MiB, so that a log of any length is recovered
// in bounded memory. The next window is on its way while the batches of this one are replayed. A
// batch is bad when it is incomplete or its checksum is wrong; what that means is for
// log-recovery.ts to say.

import type { Disk, DiskFile } from '../../host/host.ts';
import { corruption } from '../storage-errors.ts';
import {
  BATCH_HEADER_BYTES,
  BATCH_MAGIC,
  batchChecksum,
  checkSegmentHeader,
  SEGMENT_HEADER_BYTES,
  segmentName,
} from './log-format.ts';

/** Large enough that reading is sequential, small enough to be nothing beside the memtable. */
const WINDOW_BYTES = 4 * 1024 * 1024;
const MAGIC_BYTES = Buffer.alloc(4);
MAGIC_BYTES.writeUInt32BE(BATCH_MAGIC);

/** Of what was read, between two looks at the pace. */
const VERIFY_BYTES = 256 * 1024;

export interface DurablePart {
  readonly number: number;
  /** From the beginning of the segment to the end of a batch. */
  readonly bytes: number;
}

/** Rejects with CORRUPTION unless there are good batches, one behind the other, up to `bytes`. */
export async function verifySegment(
  disk: Disk,
  { number, bytes }: DurablePart,
  onRead: (bytes: number) => Promise<void>,
): Promise<void> {
  const file = await disk.open(segmentName(number));
  try {
    const reader = new SegmentReader(file, number);
    checkSegmentHeader(await reader.header(), number);
    let told = 0;
    for (let offset = SEGMENT_HEADER_BYTES; offset < bytes; ) {
      const payload = reader.batchInMemory(offset) ?? (await reader.batchAt(offset));
      if (payload === undefined) throw corruption(file.name, `the batch at ${offset} is damaged`);
      offset = reader.endOfBatch(payload, offset);
      if (offset - told < VERIFY_BYTES && offset < bytes) continue;
      await onRead(offset - told);
      told = offset;
    }
  } finally {
    await file.close();
  }
}

export class SegmentReader {
  readonly #file: DiskFile;
  readonly #number: number;
  readonly size: number;
  #window: Buffer = Buffer.alloc(0);
  #windowStart = 0;
  /** The window that will be asked for next, unless a batch in this one is bad. */
  #ahead: { readonly start: number; readonly window: Promise<Buffer> } | undefined;

  constructor(file: DiskFile, number: number) {
    this.#file = file;
    this.#number = number;
    this.size = file.size();
  }

  get name(): string {
    return this.#file.name;
  }

  /** Shorter than a header when the file is. */
  header(): Promise<Buffer> {
    return this.#file.read(0, SEGMENT_HEADER_BYTES);
  }

  /** The payload of the good batch at `offset` when the window holds it whole. */
  batchInMemory(offset: number): Buffer | undefined {
    const at = offset - this.#windowStart;
    const window = this.#window;
    if (at < 0 || at + BATCH_HEADER_BYTES > window.length) return undefined;
    if (window.readUInt32BE(at) !== BATCH_MAGIC) return undefined;
    const end = at + BATCH_HEADER_BYTES + window.readUInt32BE(at + 8);
    if (end > window.length) return undefined;
    const batch = window.subarray(at, end);
    const isGood = batchChecksum(batch, this.#number, offset) === batch.readUInt32BE(4);
    return isGood ? batch.subarray(BATCH_HEADER_BYTES) : undefined;
  }

  /** The payload of the batch at `offset`; undefined when there is no good one. */
  async batchAt(offset: number): Promise<Buffer | undefined> {
    if (!(await this.#load(offset, BATCH_HEADER_BYTES))) return undefined;
    const length = this.#window.readUInt32BE(offset - this.#windowStart + 8);
    if (!(await this.#load(offset, BATCH_HEADER_BYTES + length))) return undefined;
    return this.batchInMemory(offset);
  }

  endOfBatch(payload: Buffer, offset: number): number {
    return offset + BATCH_HEADER_BYTES + payload.length;
  }

  /** The offset of the first good batch that begins after `offset`. */
  async nextBatchAfter(offset: number): Promise<number | undefined> {
    let from = offset + 1;
    while (await this.#load(from, BATCH_HEADER_BYTES)) {
      const at = this.#window.indexOf(MAGIC_BYTES, from - this.#windowStart);
      if (at < 0) {
        from = this.#windowStart + this.#window.length - MAGIC_BYTES.length + 1;
        continue;
      }
      from = this.#windowStart + at;
      if ((await this.batchAt(from)) !== undefined) return from;
      from += 1;
    }
    return undefined;
  }

  /** Where the zeros begin that reach to the end of the file; `from` or behind it. */
  async startOfZeros(from: number): Promise<number> {
    let start = from;
    for (let at = from; at < this.size; at += WINDOW_BYTES) {
      const window = await this.#file.read(at, WINDOW_BYTES);
      if (isZero(window)) continue;
      start = at + window.length;
      while (window[start - 1 - at] === 0) start -= 1;
    }
    return start;
  }

  /** Whether the window now holds these bytes; false when the file ends before. */
  async #load(offset: number, length: number): Promise<boolean> {
    if (offset + length > this.size) return false;
    const windowEnd = this.#windowStart + this.#window.length;
    if (offset >= this.#windowStart && offset + length <= windowEnd) return true;
    const ahead = this.#ahead?.start === offset ? await this.#ahead.window : undefined;
    const isEnough = ahead !== undefined && ahead.length >= length;
    this.#window = isEnough ? ahead : await this.#file.read(offset, Math.max(length, WINDOW_BYTES));
    this.#windowStart = offset;
    this.#readAhead();
    return this.#window.length >= length;
  }

  /** From the first batch on that the window does not hold whole, if their lengths are right. */
  #readAhead(): void {
    const window = this.#window;
    let end = 0;
    while (end + BATCH_HEADER_BYTES <= window.length) {
      if (window.readUInt32BE(end) !== BATCH_MAGIC) break;
      const next = end + BATCH_HEADER_BYTES + window.readUInt32BE(end + 8);
      if (next > window.length) break;
      end = next;
    }
    this.#ahead = undefined;
    const start = this.#windowStart + end;
    if (end === 0 || start >= this.size) return;
    const next = this.#file.read(start, WINDOW_BYTES);
    // It may never be asked for: then it may fail unheard.
    next.catch(() => undefined);
    this.#ahead = { start, window: next };
  }
}

/** Each byte is the one before it, and the first one is zero. */
function isZero(bytes: Buffer): boolean {
  return bytes[0] === 0 && bytes.subarray(1).equals(bytes.subarray(0, -1));
}
