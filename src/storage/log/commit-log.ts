// The commit log: what makes a write durable. Group commit without a timer: one batch is appended
// and synced at a time, and the next one fills meanwhile, so that the slower the disk the larger
// the batches (PostgreSQL's and FoundationDB's way). The first write after a pause goes at the
// end of the current turn of the microtask queue, alone or with whatever was written beside it.
//
// A failed sync proves that the kernel may have dropped pages that it reports as clean, so it is
// never retried: the log is poisoned and takes no more writes (Rebello et al.: "Can Applications
// Recover from fsync Failures?", USENIX ATC 2020). A full disk is different: the append said no,
// its batches wait in memory and are written again, to the same place, every second.
//
// Invariant: a sequence that write() gave out is in the queue, durable, or the log is poisoned.

import { assert } from '../../base/assert.ts';
import { ByteWriter } from '../../base/bytes.ts';
import { hasCode, type KvorumError, messageOf } from '../../base/errors.ts';
import type { Host, Timer } from '../../host/host.ts';
import type { Change, EngineStats, SlotRange, Written } from '../engine.ts';
import { diskFull, engineClosed, logPoisoned } from '../storage-errors.ts';
import { LogBatch } from './log-batch.ts';
import { SEGMENT_HEADER_BYTES, segmentName } from './log-format.ts';
import type { LogSegment } from './log-segment.ts';
import { SegmentSupply } from './segment-supply.ts';

export interface CommitLogOptions {
  /** A segment that has reached this size is followed by a new one. */
  readonly segmentBytesMax: number;
  /** A batch that has reached this size takes no more writes. */
  readonly batchBytesTarget: number;
}

export interface CommitLogParts {
  readonly host: Pick<Host, 'disk' | 'clock' | 'log'>;
  readonly options: CommitLogOptions;
  /** Where recovery left it. */
  readonly tail: LogTail;
  /** Whether the disk has so much to spare that a segment may be made ready. */
  readonly hasRoomFor: (bytes: number) => boolean;
}

/** Where recovery left the log. */
export interface LogTail {
  readonly segment: LogSegment;
  readonly lastSequence: number;
  /** Those before `segment`, oldest first. */
  readonly closed: readonly ClosedSegment[];
}

/** A segment that takes no more batches. */
export interface ClosedSegment {
  readonly number: number;
  readonly bytes: number;
  readonly lastSequence: number;
}

type LogStats = Pick<
  EngineStats,
  'logBytes' | 'logSegments' | 'logBytesWritten' | 'syncs' | 'state'
>;

const RETRY_DISK_FULL_MS = 1000;
/** A log that has taken so much is worth a segment that is made ready. */
const BUSY_BYTES = 256 * 1024;
/** Under larger batches zeros cost the disk more than they save (log-ahead in docs/decisions). */
const SMALL_BATCH_BYTES = 32 * 1024;
/** 1 MiB after 256 KiB, then 4, then 16: what a cut leaves unused is little beside a memtable. */
const GROWTH_FACTOR = 4;
const READY_BYTES_MAX = 16 * 1024 * 1024;
/** Enough for a quiet node; a busy one grows it once and keeps it. */
const BATCH_BYTES_INITIAL = 64 * 1024;

export class CommitLog {
  readonly #host: Pick<Host, 'disk' | 'clock' | 'log'>;
  readonly #options: CommitLogOptions;
  /** Oldest first; the first one may be on its way to the disk. */
  readonly #queue: LogBatch[] = [];
  /** The last of the queue while it still takes writes. */
  #filling: LogBatch | undefined;
  readonly #spareWriters: ByteWriter[] = [];
  readonly #hasRoomFor: CommitLogParts['hasRoomFor'];
  readonly #supply: SegmentSupply;
  #segment: LogSegment;
  /** Settles, always well, when the segments that were left are closed. */
  #finishing: Promise<void> = Promise.resolve();
  /** The number of the segment during which the next one was ordered: once is enough. */
  #preparedDuring: number | undefined;
  /** Oldest first. */
  #closed: ClosedSegment[];
  /** The next batch begins a segment. */
  #isCut = false;
  #bytesWritten = 0;
  #lastSequence: number;
  #durableSequence: number;
  #syncs = 0;
  #state: EngineStats['state'] = 'open';
  /** What whoever comes is told while the log takes nothing: one error for all of them. */
  #refused: KvorumError | undefined;
  #draining: Promise<void> | undefined;
  #retry: Timer | undefined;

  constructor({ host, options, tail, hasRoomFor }: CommitLogParts) {
    this.#host = host;
    this.#options = options;
    this.#hasRoomFor = hasRoomFor;
    this.#supply = new SegmentSupply(host, tail.segment.number + 1);
    this.#segment = tail.segment;
    this.#closed = [...tail.closed];
    this.#lastSequence = tail.lastSequence;
    this.#durableSequence = tail.lastSequence;
  }

  get lastSequence(): number {
    return this.#lastSequence;
  }

  get durableSequence(): number {
    return this.#durableSequence;
  }

  get state(): EngineStats['state'] {
    return this.#state;
  }

  stats(): LogStats {
    const logBytes = this.#closed.reduce((sum, { bytes }) => sum + bytes, this.#segment.size);
    const logSegments = this.#closed.length + 1;
    const state = this.#state;
    return {
      logBytes,
      logSegments,
      logBytesWritten: this.#bytesWritten,
      syncs: this.#syncs,
      state,
    };
  }

  /** As far as they are durable. */
  get segments(): readonly Pick<ClosedSegment, 'number' | 'bytes'>[] {
    const { number, size } = this.#segment;
    return [...this.#closed, { number, bytes: size }];
  }

  /** Later writes go into a later segment than all before, so that those can be dropped. */
  cut(): void {
    this.#filling = undefined;
    this.#isCut = true;
  }

  /** The first segment with a write that has a sequence above `sequence`, or that may get one. */
  firstSegmentAfter(sequence: number): number {
    const needed = this.#closed.find(({ lastSequence }) => lastSequence > sequence);
    return needed?.number ?? this.#segment.number;
  }

  /** Removes the segments before `number`. When it rejects, the next call tries again. */
  async dropBefore(number: number): Promise<void> {
    for (const segment of this.#closed.filter((each) => each.number < number)) {
      await this.#host.disk.remove(segmentName(segment.number));
      this.#closed = this.#closed.filter((each) => each !== segment);
    }
  }

  /** Throws LOG_POISONED, DISK_FULL or CLOSED: nothing changed. */
  append(changes: readonly Change[], time: number): Written {
    const batch = this.#openBatch();
    batch.add(changes, time);
    return this.#appended(batch);
  }

  /** Throws as append() does. */
  appendDrop(range: SlotRange): Written {
    const batch = this.#openBatch();
    batch.addDrop(range);
    return this.#appended(batch);
  }

  #openBatch(): LogBatch {
    if (this.#state !== 'open') throw this.#refusal();
    return this.#filling ?? this.#startBatch();
  }

  #appended(batch: LogBatch): Written {
    if (batch.bytes.length >= this.#options.batchBytesTarget) this.#filling = undefined;
    this.#startDraining();
    return { sequence: ++this.#lastSequence, durable: batch.durable };
  }

  async whenDurable(sequence: number): Promise<void> {
    assert(sequence <= this.#lastSequence, 'a sequence that was given out');
    if (sequence <= this.#durableSequence) return;
    const batch = this.#queue.find((batch) => sequence <= batch.lastSequence);
    if (batch === undefined) throw this.#refusal();
    await batch.durable;
  }

  /** Rejects with LOG_POISONED or DISK_FULL when not everything became durable; closed anyway. */
  async close(): Promise<void> {
    const before = this.#state;
    this.#state = 'closed';
    this.#retry?.cancel();
    await this.#draining;
    if (before === 'disk-full' && this.#queue.length > 0) await this.#drain();
    await Promise.all([this.#supply.close(), this.#finishing]);
    await this.#segment.close();
    const isLost = this.#queue.length > 0 || hasCode(this.#refused, 'LOG_POISONED');
    if (isLost) throw this.#refused;
  }

  #startBatch(): LogBatch {
    const bytes = this.#spareWriters.pop() ?? new ByteWriter(BATCH_BYTES_INITIAL);
    const batch = new LogBatch(this.#lastSequence + 1, bytes, this.#isCut);
    this.#isCut = false;
    this.#queue.push(batch);
    this.#filling = batch;
    return batch;
  }

  #startDraining(): void {
    this.#draining ??= Promise.resolve().then(() => this.#drain());
  }

  /** Brings the whole queue to the disk, one batch after the other; never rejects. */
  async #drain(): Promise<void> {
    let batch = this.#queue[0];
    while (batch !== undefined && (await this.#store(batch))) {
      this.#queue.shift();
      this.#durableSequence = batch.lastSequence;
      this.#keepWriter(batch.bytes);
      batch.resolve();
      // Those who waited for this batch speak first, and so join the next one.
      await batch.settled;
      batch = this.#queue[0];
    }
    if (batch === undefined && this.#state === 'disk-full') this.#heal();
    this.#draining = undefined;
  }

  /** Whether the batch is durable; if not, the state of the log says why. */
  async #store(batch: LogBatch): Promise<boolean> {
    if (batch === this.#filling) this.#filling = undefined;
    try {
      if (this.#isRotationDue(batch)) await this.#rotate(batch.firstSequence - 1);
      const bytes = batch.sealedFor(this.#segment.number, this.#segment.size);
      await this.#segment.write(bytes);
      this.#syncs += 1;
      this.#bytesWritten += bytes.length;
    } catch (error) {
      if (hasCode(error, 'DISK_FULL')) this.#waitForSpace(error);
      else this.#becomePoisoned(error);
      return false;
    }
    this.#maybePrepareNext();
    return true;
  }

  #isRotationDue({ bytes, startsSegment }: LogBatch): boolean {
    const { fileBytes, isTorn, size } = this.#segment;
    if (isTorn || size === SEGMENT_HEADER_BYTES) return false;
    if (startsSegment || size >= this.#options.segmentBytesMax) return true;
    return this.#supply.isReady && size + bytes.length > fileBytes;
  }

  /** `lastSequence`: the last one in the segment that is full. */
  async #rotate(lastSequence: number): Promise<void> {
    const full = this.#segment;
    this.#segment = await this.#supply.take();
    this.#closed.push({ number: full.number, bytes: full.size, lastSequence });
    this.#finishing = this.#finishing
      .then(() => full.finish())
      .catch((error) => this.#host.log.warn('segment-not-cut', { why: messageOf(error) }));
  }

  /** A log that is hardly used needs no segment ahead; one that is gets ever larger ones. */
  #maybePrepareNext(): void {
    const { segmentBytesMax } = this.#options;
    const { batchBytesMean, fileBytes, number, size } = this.#segment;
    if (number === this.#preparedDuring || size < fileBytes / 2) return;
    if (size < Math.min(BUSY_BYTES, segmentBytesMax / 4)) return;
    if (batchBytesMean > SMALL_BATCH_BYTES) return;
    const bytes = Math.min(segmentBytesMax, READY_BYTES_MAX, GROWTH_FACTOR * fileBytes);
    if (!this.#hasRoomFor(bytes)) return;
    this.#preparedDuring = number;
    this.#supply.prepare(bytes);
  }

  #keepWriter(writer: ByteWriter): void {
    const isUsual = writer.length <= 2 * this.#options.batchBytesTarget;
    if (isUsual && this.#spareWriters.length < 2) this.#spareWriters.push(writer);
  }

  #waitForSpace(cause: unknown): void {
    if (this.#state === 'open') {
      this.#state = 'disk-full';
      this.#host.log.error('disk-full', { segment: this.#segment.number });
    }
    this.#filling = undefined;
    const refused = diskFull(cause);
    this.#refused = refused;
    for (const batch of this.#queue) batch.reject(refused);
    if (this.#state === 'closed') return;
    this.#retry = this.#host.clock.after(RETRY_DISK_FULL_MS, () => this.#startDraining());
  }

  #heal(): void {
    this.#state = 'open';
    this.#refused = undefined;
    this.#host.log.info('disk-full-healed', { durableSequence: this.#durableSequence });
  }

  #becomePoisoned(cause: unknown): void {
    const refused = logPoisoned(cause);
    this.#refused = refused;
    if (this.#state !== 'closed') this.#state = 'poisoned';
    this.#filling = undefined;
    this.#host.log.error('log-poisoned', { cause: messageOf(cause) });
    for (const batch of this.#queue.splice(0)) batch.reject(refused);
  }

  #refusal(): KvorumError {
    if (this.#state === 'closed') return engineClosed();
    return this.#refused ?? engineClosed();
  }
}
