// Reading the commit log back after a stop of any kind, and telling a torn tail from rot.
//
//   what is found                                          what it means
//   bad batch at the end of the last segment               torn: never acknowledged, cut off
//   the same, after a clean close                          rot: everything was durable, refused
//   bad batch with a good one after it                     rot, refused
//   bad batch in an earlier segment                        rot, refused
//   last segment shorter than its header, or a bad header
//     and nothing after it                                 torn while it was made, removed
//   bad header otherwise, gap in segments or sequences     rot or loss, refused
//
// What is refused is left as it is: acknowledged data is never cut. One case cannot be told from
// a torn tail: rot in the very last batch. It costs this replica that batch and, because a cut
// tail renews the incarnation (identity.ts), no peer is misled; repair brings it back.
//
// What was read may be in the page cache only (a killed process, a failed sync): after all but a
// clean close the last segment is made durable before anyone may believe it.
//
// The log goes on in its last segment instead of a new one: a checksum is bound to its place, so
// nothing stale can pass for a batch, and a node that restarts often has no crowd of small files.

import { KvorumError } from '../../base/errors.ts';
import type { Disk, Log } from '../../host/host.ts';
import { type PutTarget, replayBatch } from './log-batch.ts';
import {
  checkSegmentHeader,
  isSegmentHeaderWhole,
  SEGMENT_HEADER_BYTES,
  segmentName,
  segmentNumberOf,
} from './log-format.ts';
import { LogSegment } from './log-segment.ts';
import { SegmentReader } from './segment-reader.ts';
import { corruption } from '../storage-errors.ts';

export interface RecoveredLog {
  /** Open for appending. */
  readonly segment: LogSegment;
  readonly lastSequence: number;
  readonly segments: number;
  /** Of all segments before `segment`. */
  readonly bytesBefore: number;
  readonly batches: number;
  readonly bytesCut: number;
}

const FIRST_SEGMENT = 1;

/**
 * Replays all segments in order into `target`. `wasClosed`: the end before was a clean one.
 * Rejects with CORRUPTION, NEWER_FORMAT or what the disk says.
 */
export async function recoverLog(
  host: { readonly disk: Disk; readonly log: Log },
  wasClosed: boolean,
  target: PutTarget,
): Promise<RecoveredLog> {
  const recovery = new LogRecovery(host.disk, host.log, wasClosed, target);
  return recovery.run();
}

class LogRecovery {
  readonly #disk: Disk;
  readonly #log: Log;
  readonly #wasClosed: boolean;
  readonly #target: PutTarget;
  #lastSequence = 0;
  #batches = 0;
  #bytesCut = 0;

  constructor(disk: Disk, log: Log, wasClosed: boolean, target: PutTarget) {
    this.#disk = disk;
    this.#log = log;
    this.#wasClosed = wasClosed;
    this.#target = target;
  }

  async run(): Promise<RecoveredLog> {
    const numbers = checkGaps(await this.#segmentNumbers());
    if (numbers.length === 0 && this.#wasClosed) {
      throw corruption(segmentName(FIRST_SEGMENT), 'missing, though the node was closed cleanly');
    }
    const last = numbers.at(-1) ?? FIRST_SEGMENT;
    let bytesBefore = 0;
    let size = 0;
    for (const number of numbers) {
      bytesBefore += size;
      size = await this.#replaySegment(number, number === last);
    }
    return {
      segment: await this.#openTail(last, size),
      lastSequence: this.#lastSequence,
      segments: last - FIRST_SEGMENT + 1,
      bytesBefore,
      batches: this.#batches,
      bytesCut: this.#bytesCut,
    };
  }

  async #segmentNumbers(): Promise<number[]> {
    const numbers = (await this.#disk.list()).map(segmentNumberOf);
    return numbers.filter((number) => number !== undefined).sort((a, b) => a - b);
  }

  /** Answers the size of its good part; 0 when it was torn while it was made. */
  async #replaySegment(number: number, isLast: boolean): Promise<number> {
    const file = await this.#disk.open(segmentName(number));
    try {
      const reader = new SegmentReader(file, number);
      const header = await reader.header();
      const isHeaderTorn = !isSegmentHeaderWhole(header) && reader.size <= SEGMENT_HEADER_BYTES;
      if (isLast && isHeaderTorn && !this.#wasClosed) {
        this.#noteCut(number, 0, reader.size);
        return 0;
      }
      checkSegmentHeader(header, number);
      const end = await this.#replayBatches(reader);
      if (end < reader.size) {
        await this.#checkIsTorn(reader, end, isLast);
        this.#noteCut(number, end, reader.size - end);
      }
      return end;
    } finally {
      await file.close();
    }
  }

  /** The last segment, durable and open for appending. */
  async #openTail(number: number, size: number): Promise<LogSegment> {
    if (size > 0) {
      if (this.#wasClosed) return LogSegment.open(this.#disk, number);
      return LogSegment.secure(this.#disk, number, size);
    }
    if ((await this.#disk.list()).includes(segmentName(number))) {
      await this.#disk.remove(segmentName(number));
    }
    return LogSegment.create(this.#disk, number);
  }

  /** Answers the offset of the first bad batch, or the end of the file. */
  async #replayBatches(reader: SegmentReader): Promise<number> {
    let offset = SEGMENT_HEADER_BYTES;
    for (;;) {
      const payload = reader.batchInMemory(offset) ?? (await reader.batchAt(offset));
      if (payload === undefined) return offset;
      this.#replayPayload(reader, offset, payload);
      offset = reader.endOfBatch(payload, offset);
    }
  }

  #replayPayload(reader: SegmentReader, offset: number, payload: Buffer): void {
    const place = `the batch at offset ${offset}`;
    const expected = this.#lastSequence + 1;
    try {
      const { first, last } = replayBatch(payload, this.#target);
      if (first !== expected) {
        throw corruption(reader.name, `${place} begins with write ${first} instead of ${expected}`);
      }
      this.#lastSequence = last;
      this.#batches += 1;
    } catch (error) {
      if (error instanceof KvorumError && error.code === 'CORRUPTION') throw error;
      throw corruption(reader.name, `${place} cannot be read`, error);
    }
  }

  /** Throws CORRUPTION when what follows `end` may have been acknowledged. */
  async #checkIsTorn(reader: SegmentReader, end: number, isLast: boolean): Promise<void> {
    const bad = `bytes ${end} to ${reader.size - 1} are damaged`;
    if (!isLast) throw corruption(reader.name, `${bad}, and a later segment exists`);
    if (this.#wasClosed) throw corruption(reader.name, `${bad}, though it was closed cleanly`);
    const next = await reader.nextBatchAfter(end);
    if (next === undefined) return;
    const rotten = `bytes ${end} to ${next - 1} are damaged`;
    throw corruption(reader.name, `${rotten}, and a whole batch follows at offset ${next}`);
  }

  #noteCut(number: number, offset: number, bytes: number): void {
    this.#bytesCut += bytes;
    this.#log.warn('log-tail-cut', { file: segmentName(number), offset, bytes });
  }
}

function checkGaps(numbers: number[]): number[] {
  for (const [index, number] of numbers.entries()) {
    const expected = FIRST_SEGMENT + index;
    if (number === expected) continue;
    const range = number - 1 > expected ? ` to ${segmentName(number - 1)}` : '';
    throw corruption(
      segmentName(expected),
      `missing${range}, though ${segmentName(number)} exists`,
    );
  }
  return numbers;
}
