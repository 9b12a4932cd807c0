// Has sealed memtables turned into tables, oldest first, and forgets the log that they stood in.
// Sorting and writing are a job for another core, which shares the memory of the memtable. The
// order, which makes a crash between any two steps harmless:
//
//   1 the log is durable up to the memtable's last write: no table knows what the log does not
//   2 the table is written, synced, its name durable
//   3 the manifest names it and the first segment that is still needed
//   4 readers see the table instead of the memtable
//   5 older segments are removed
//
// Once the manifest may name the table, its file is never removed again by us: step 3 is repeated
// until it succeeds.

import { hasCode, messageOf } from '../base/errors.ts';
import type { Host, Job } from '../host/host.ts';
import { BackgroundLoop } from './background-loop.ts';
import type { FlushJob, FlushResult } from './flush-job.ts';
import type { Memtable } from './memtable.ts';
import type { MemtableStack, SealedMemtable } from './memtable-stack.ts';
import { engineClosed } from './storage-errors.ts';
import { type TableInfo, thawed } from './table-info.ts';
import type { Reach, TableStore } from './tables/table-store.ts';
import { bytesOfUses } from './values/value-use.ts';

/** What a flush must know of the log that the memtables stand in. */
export interface FlushedLog {
  readonly durableSequence: number;
  readonly lastSequence: number;
  /** Rejects with LOG_POISONED, CLOSED, or with DISK_FULL while the log waits for space. */
  whenDurable(sequence: number): Promise<void>;
  firstSegmentAfter(sequence: number): number;
  dropBefore(number: number): Promise<void>;
}

export interface FlusherParts {
  readonly host: Pick<Host, 'clock' | 'log' | 'jobs'>;
  readonly memtables: MemtableStack;
  readonly log: FlushedLog;
  readonly tables: TableStore;
  /** Values of this length and more get a file beside the table. */
  readonly largeValueBytes: number;
  /** Called in the turn in which a table took the place of a memtable. */
  readonly onFlushed: () => void;
}

const LOG_FULL_RETRY_MS = 1_000;

export class Flusher {
  readonly #parts: FlusherParts;
  readonly loop: BackgroundLoop;
  /** What the oldest sealed memtable became, one table or none: durable, but not installed yet. */
  #written: readonly TableInfo[] | undefined;
  #current: Job | undefined;
  #flushes = 0;
  #bytesWritten = 0;

  constructor(parts: FlusherParts) {
    this.#parts = parts;
    this.loop = new BackgroundLoop(parts.host, 'flush', () => this.flushOldest());
  }

  get flushes(): number {
    return this.#flushes;
  }

  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /** Resolves when nothing of it is under way any more. */
  async stop(): Promise<void> {
    const stopped = this.loop.stop();
    this.#current?.cancel();
    await stopped;
  }

  /** Resolves with whether there was one. What it rejects with is worth another try, or CLOSED. */
  async flushOldest(): Promise<boolean> {
    const { log, memtables } = this.#parts;
    const sealed = memtables.oldestSealed;
    if (sealed === undefined) return false;
    const { memtable, summary } = sealed;
    const flushedSequence = memtable.lastSequence;
    await this.#untilDurable(flushedSequence);
    this.#written ??= await this.#write(memtable);
    // With the write that came next, a segment began: the ones before can be dropped.
    const settled = () => undefined;
    await log.whenDurable(log.lastSequence).then(settled, settled);
    const firstSegment = log.firstSegmentAfter(flushedSequence);
    await this.#install(sealed, this.#written, { flushedSequence, firstSegment, summary });
    await this.#dropLog(firstSegment);
    return true;
  }

  /** Rejects with LOG_POISONED or CLOSED; waits where the log waits for space. */
  async #untilDurable(sequence: number): Promise<void> {
    for (;;) {
      this.loop.checkGoesOn();
      try {
        await this.#parts.log.whenDurable(sequence);
        return;
      } catch (error) {
        if (!hasCode(error, 'DISK_FULL')) throw error;
      }
      await this.loop.sleep(LOG_FULL_RETRY_MS);
    }
  }

  async #write(memtable: Memtable): Promise<readonly TableInfo[]> {
    const { host, largeValueBytes, tables } = this.#parts;
    const startMs = host.clock.monotonicMs();
    const [info] = await this.#run({
      image: memtable.image,
      number: tables.takeNumbers(1),
      valuesNumber: tables.takeNumbers(1),
      largeValueBytes,
      drops: tables.drops.upTo(memtable.lastSequence).drops(),
      droppedUpTo: memtable.lastSequence,
    });
    if (info === undefined) return [];
    const bytes = info.bytes + bytesOfUses(info.values);
    this.#bytesWritten += bytes;
    const ms = Math.round(host.clock.monotonicMs() - startMs);
    host.log.info('flushed', { table: info.number, entries: info.entries, bytes, ms });
    return [info];
  }

  /** Rejects as runFlush() does, with JOB_FAILED when its thread died, or with CLOSED. */
  async #run(order: FlushJob): Promise<readonly TableInfo[]> {
    this.#current = this.#parts.host.jobs.start('flush', order);
    try {
      const result = (await this.#current.done) as FlushResult;
      if (result.kind === 'cancelled') throw engineClosed();
      return result.tables.map(thawed);
    } finally {
      this.#current = undefined;
    }
  }

  async #install(sealed: SealedMemtable, added: readonly TableInfo[], reach: Reach): Promise<void> {
    const { memtables, onFlushed, tables } = this.#parts;
    try {
      await tables.install({ added, removed: [], reach }, () => {
        memtables.forget(sealed);
        this.#written = undefined;
        this.#flushes += 1;
        onFlushed();
      });
    } catch (error) {
      // What was written is not what the disk gives back: written again, under another number.
      if (hasCode(error, 'CORRUPTION')) this.#written = undefined;
      throw error;
    }
  }

  async #dropLog(firstSegment: number): Promise<void> {
    try {
      await this.#parts.log.dropBefore(firstSegment);
    } catch (error) {
      // The next flush tries again, and so does the next start.
      this.#parts.host.log.warn('segment-not-removed', { why: messageOf(error) });
    }
  }
}
