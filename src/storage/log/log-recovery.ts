// Reading the commit log back after a stop of any kind, and telling a torn tail from rot.
//
//   what is found                                          what it means
//   zeros after the last batch of a segment                made ready and not used
//   bad batch, and nothing but zeros after it, also in
//     segments that were made ready after that one         torn: never acknowledged, cut off
//   the same, after a clean close                          rot: everything was durable, refused
//   another last write than that of the clean close        loss, refused
//   bad batch with a good one after it, or with a later
//     segment that was begun                               rot, refused
//   last segment shorter than its header, or a bad header
//     and nothing after it                                 torn while it was made, removed
//   segments without a batch behind the last one that
//     has any                                              made ready or just begun, removed
//   bad header otherwise, gap in segments or sequences     rot or loss, refused
//   a segment before the first one that is needed          obsolete, removed
//   a gap in sequences that all are in tables              lost, and not missed
//   log.new                                                half-made, removed
//
// The manifest says which segment is the first one needed, and how far the tables reach: writes
// that are in them are passed over. It named a segment only after that was durable, so the first
// one that is needed is never torn while it was made.
//
// What is refused is left as it is: acknowledged data is never cut. One case cannot be told from
// a torn tail: rot in the very last batch. It costs this replica that batch and, because a cut
// tail renews the incarnation (identity.ts), no peer is misled; repair brings it back.
//
// What was read may be in the page cache only (a killed process, a failed sync): after all but a
// clean close the last segment is made durable before anyone may believe it.
//
// The replay may make tables on the way (see replay-overflow.ts), never of the last batch.
//
// The log goes on in its last segment with a batch instead of a new one: a checksum is bound to its
// place, so nothing stale can pass for a batch, and a node that restarts often has no crowd of
// small files.

import { hasCode } from '../../base/errors.ts';
import type { Disk, Log } from '../../host/host.ts';
import { corruption } from '../storage-errors.ts';
import type { ClosedSegment } from './commit-log.ts';
import { type ChangeTarget, replayBatch } from './log-batch.ts';
import {
  checkSegmentHeader,
  isSegmentHeaderWhole,
  SEGMENT_HEADER_BYTES,
  segmentName,
  segmentNumberOf,
} from './log-format.ts';
import { LogSegment, removeUnfinished } from './log-segment.ts';
import { SegmentReader } from './segment-reader.ts';

export interface RecoveredLog extends LogFindings {
  /** Open for appending. */
  readonly segment: LogSegment;
}

export interface LogFindings {
  readonly lastSequence: number;
  /** Those before the last one. */
  readonly closed: readonly ClosedSegment[];
  readonly batches: number;
  readonly bytesCut: number;
}

/** What is known of the log before it is read. */
export interface LogExpectation {
  /** The last write when it was closed cleanly; undefined: it was not. */
  readonly closedAt: number | undefined;
  readonly firstSegment: number;
  /** Writes up to this one are in tables. */
  readonly flushedSequence: number;
  /** Whether the manifest names `firstSegment`, so that it must be there. */
  readonly isNamed: boolean;
}

/** Where the log goes. */
export interface ReplayTarget {
  readonly target: ChangeTarget;
  /**
   * Asked between two batches, for a second one proves that everything before it is durable: up to
   * that sequence, and so far nothing else was replayed. A promise: the replay waits for it.
   */
  readonly makeRoom?: (durableSequence: number) => Promise<void> | undefined;
}

/**
 * Replays the segments that are needed, in order. Rejects with CORRUPTION,
 * NEWER_FORMAT, OLDER_FORMAT or what the disk says.
 */
export async function recoverLog(
  host: { readonly disk: Disk; readonly log: Log },
  expectation: LogExpectation,
  into: ReplayTarget,
): Promise<RecoveredLog> {
  const recovery = new LogRecovery(host.disk, host.log, expectation, into);
  return recovery.run();
}

/** What recoverLog() would find; it rejects likewise, and changes nothing. */
export function inspectLog(
  host: { readonly disk: Disk; readonly log: Log },
  expectation: LogExpectation,
  target: ChangeTarget,
): Promise<LogFindings> {
  return new LogRecovery(host.disk, host.log, expectation, { target }).replay();
}

interface Tear {
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
}

class LogRecovery {
  readonly #disk: Disk;
  readonly #log: Log;
  readonly #expected: LogExpectation;
  readonly #into: ReplayTarget;
  /** Of the log so far; undefined before its first batch. */
  #lastSequence: number | undefined;
  #batches = 0;
  /** The end that is torn, unless something stands behind it. */
  #torn: Tear | undefined;

  constructor(disk: Disk, log: Log, expected: LogExpectation, into: ReplayTarget) {
    this.#disk = disk;
    this.#log = log;
    this.#expected = expected;
    this.#into = into;
  }

  async run(): Promise<RecoveredLog> {
    const { tail, size, ...findings } = await this.replay();
    if (this.#torn !== undefined) this.#log.warn('log-tail-cut', { ...this.#torn });
    for (const number of await this.#segmentNumbers()) {
      const isNeeded = number >= this.#expected.firstSegment && number <= tail;
      if (!isNeeded) await this.#disk.remove(segmentName(number));
    }
    await removeUnfinished(this.#disk);
    return { ...findings, segment: await this.#openTail(tail, size) };
  }

  /** Changes nothing. `tail`: the last segment with a batch, good up to `size`. */
  async replay(): Promise<LogFindings & { readonly tail: number; readonly size: number }> {
    const { firstSegment, closedAt, isNamed, flushedSequence } = this.#expected;
    const all = await this.#segmentNumbers();
    const numbers = checkGaps(
      all.filter((number) => number >= firstSegment),
      firstSegment,
    );
    if (numbers.length === 0 && (closedAt !== undefined || isNamed)) {
      const why = isNamed ? 'the manifest names it' : 'the node was closed cleanly';
      throw corruption(segmentName(firstSegment), `missing, though ${why}`);
    }
    const segments: ClosedSegment[] = [];
    let tail = firstSegment;
    for (const number of numbers) {
      const before = this.#batches;
      const bytes = await this.#replaySegment(number, number === numbers.at(-1));
      if (this.#batches > before) tail = number;
      segments.push({ number, bytes, lastSequence: this.#lastSequence ?? flushedSequence });
    }
    const size = segments.find(({ number }) => number === tail)?.bytes ?? 0;
    const lastSequence = Math.max(this.#lastSequence ?? 0, flushedSequence);
    this.#checkEnd(tail, lastSequence);
    const closed = segments.filter(({ number }) => number < tail);
    const bytesCut = this.#torn?.bytes ?? 0;
    return { tail, size, lastSequence, closed, batches: this.#batches, bytesCut };
  }

  /** In order. */
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
      if (isLast && isHeaderTorn && this.#mayBeHalfMade(number)) {
        this.#noteTear(reader, 0, reader.size);
        return 0;
      }
      checkSegmentHeader(header, number);
      const end = await this.#replayBatches(reader);
      await this.#checkRest(reader, end);
      return end;
    } finally {
      await file.close();
    }
  }

  #mayBeHalfMade(number: number): boolean {
    const { closedAt, isNamed, firstSegment } = this.#expected;
    return closedAt === undefined && !(isNamed && number === firstSegment);
  }

  /** The last segment, durable and open for appending. */
  async #openTail(number: number, size: number): Promise<LogSegment> {
    if (size > 0) {
      const isDurable = this.#expected.closedAt !== undefined;
      const open = isDurable ? LogSegment.open : LogSegment.secure;
      return open(this.#disk, number, size);
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
      const waiting = this.#into.makeRoom?.(this.#lastSequence ?? 0);
      if (waiting !== undefined) await waiting;
      this.#replayPayload(reader, offset, payload);
      offset = reader.endOfBatch(payload, offset);
    }
  }

  #replayPayload(reader: SegmentReader, offset: number, payload: Buffer): void {
    if (this.#torn !== undefined) throw rotBefore(this.#torn, reader.name);
    const place = `the batch at offset ${offset}`;
    const { flushedSequence } = this.#expected;
    try {
      const { first, last } = replayBatch(payload, flushedSequence, this.#into.target);
      this.#checkOrder(reader.name, place, first);
      this.#lastSequence = last;
      this.#batches += 1;
    } catch (error) {
      if (!hasCode(error, 'BAD_BYTES')) throw error;
      throw corruption(reader.name, `${place} cannot be read`, error);
    }
  }

  /** Throws CORRUPTION unless every write before `first` was read or is in a table. */
  #checkOrder(file: string, place: string, first: number): void {
    const before = this.#lastSequence ?? 0;
    const expected = Math.max(before, this.#expected.flushedSequence) + 1;
    const isFirst = this.#lastSequence === undefined;
    if (isFirst ? first <= expected : first > before && first <= expected) return;
    throw corruption(file, `${place} begins with write ${first} instead of ${expected}`);
  }

  /** Throws CORRUPTION when what follows `end` may have been acknowledged. */
  async #checkRest(reader: SegmentReader, end: number): Promise<void> {
    const zerosFrom = await reader.startOfZeros(end);
    const isReady = end === SEGMENT_HEADER_BYTES && end === zerosFrom && reader.size > end;
    // A segment is begun when all of the one before it is durable.
    if (this.#torn !== undefined && !isReady) throw rotBefore(this.#torn, reader.name);
    if (zerosFrom === end) return;
    const next = await reader.nextBatchAfter(end);
    if (next === undefined) this.#noteTear(reader, end, zerosFrom);
    else {
      const what = `bytes ${end} to ${next - 1} are damaged`;
      throw corruption(reader.name, `${what}, and a whole batch follows at offset ${next}`);
    }
  }

  #noteTear({ name: file }: SegmentReader, offset: number, to: number): void {
    if (this.#torn !== undefined) throw rotBefore(this.#torn, file);
    this.#torn = { file, offset, bytes: to - offset };
  }

  /** Throws CORRUPTION when a clean close left another end than this one. */
  #checkEnd(tail: number, lastSequence: number): void {
    const { closedAt } = this.#expected;
    if (closedAt === undefined) return;
    const torn = this.#torn;
    if (torn !== undefined) {
      throw corruption(torn.file, `${damage(torn)}, though it was closed cleanly`);
    }
    if (lastSequence === closedAt) return;
    const what = `the log ends with write ${lastSequence}, but was closed at write ${closedAt}`;
    throw corruption(segmentName(tail), what);
  }
}

function rotBefore(torn: Tear, later: string): Error {
  return corruption(torn.file, `${damage(torn)}, and ${later} was begun after it`);
}

function damage({ offset, bytes }: Tear): string {
  return `bytes ${offset} to ${offset + bytes - 1} are damaged`;
}

function checkGaps(numbers: number[], firstSegment: number): number[] {
  for (const [index, number] of numbers.entries()) {
    const expected = firstSegment + index;
    if (number === expected) continue;
    const range = number - 1 > expected ? ` to ${segmentName(number - 1)}` : '';
    throw corruption(
      segmentName(expected),
      `missing${range}, though ${segmentName(number)} exists`,
    );
  }
  return numbers;
}
