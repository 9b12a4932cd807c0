// Makes the next segment of the commit log ready while the one before is still in use, so that a
// batch finds a file with a header and zeros where it will stand: neither a change of segment nor
// a batch then costs the disk more than the bytes of the batch.
//
//   1 zeros, step by step, under a name that means nothing        takes as long as it takes
//   2 a header with the number that comes next, durable
//   3 the name of that segment, durable                           from here on it is taken as it is
//
// A crash leaves a file that recovery removes, or a segment without a batch, which it knows as
// one. Whoever needs a segment before step 2 gets one that is made on the spot, without zeros; the
// file in the making is then for the one after it. A failure costs no more than that either.

import { messageOf } from '../../base/errors.ts';
import type { Disk, Host } from '../../host/host.ts';
import { encodeSegmentHeader, SEGMENT_HEADER_BYTES, segmentName } from './log-format.ts';
import { LogSegment, removeUnfinished, UNFINISHED_NAME } from './log-segment.ts';

/** Half a millisecond of a disk: as long may a batch of the log have to wait for it. */
const STEP_BYTES = 256 * 1024;
const ZEROS = Buffer.alloc(STEP_BYTES);

export class SegmentSupply {
  readonly #host: Pick<Host, 'disk' | 'log'>;
  #nextNumber: number;
  #ready: LogSegment | undefined;
  /** Settles, always well, when nothing is in the making. */
  #making: Promise<void> | undefined;
  /** Settles, always well, when nobody is about to use the next number. */
  #lastTurn: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(host: Pick<Host, 'disk' | 'log'>, nextNumber: number) {
    this.#host = host;
    this.#nextNumber = nextNumber;
  }

  get isReady(): boolean {
    return this.#ready !== undefined;
  }

  /** Begins to make a segment of so many bytes ready, unless one is ready or in the making. */
  prepare(bytes: number): void {
    if (this.#isClosed || this.isReady) return;
    this.#making ??= this.#make(bytes).finally(() => {
      this.#making = undefined;
    });
  }

  /** The next segment, ready or made now; rejects as LogSegment.create() does. */
  take(): Promise<LogSegment> {
    return this.#inTurn(async () => {
      const ready = this.#ready;
      this.#ready = undefined;
      const segment = ready ?? (await LogSegment.create(this.#host.disk, this.#nextNumber));
      this.#nextNumber += 1;
      return segment;
    });
  }

  /** Removes what nobody took; what cannot be removed does no harm. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#making;
    const ready = this.#ready;
    if (ready === undefined) return;
    await ready.close();
    await this.#host.disk.remove(segmentName(ready.number)).catch(harmless);
  }

  async #make(bytes: number): Promise<void> {
    const { disk, log } = this.#host;
    try {
      await removeUnfinished(disk);
      await this.#writeZeros(bytes);
      if (!this.#isClosed) await this.#inTurn(() => this.#nameIt());
    } catch (error) {
      log.warn('segment-not-made-ready', { why: messageOf(error) });
    }
    if (!this.isReady) await removeUnfinished(disk).catch(harmless);
  }

  async #writeZeros(bytes: number): Promise<void> {
    const file = await this.#host.disk.create(UNFINISHED_NAME);
    try {
      for (let left = bytes; left > 0 && !this.#isClosed; left -= STEP_BYTES) {
        await file.append(ZEROS.subarray(0, left));
        await file.sync();
      }
    } finally {
      await file.close();
    }
  }

  async #nameIt(): Promise<void> {
    const { disk } = this.#host;
    const number = this.#nextNumber;
    await writeHeader(disk, number);
    await disk.rename(UNFINISHED_NAME, segmentName(number));
    try {
      await disk.syncDirectory();
      this.#ready = await LogSegment.open(disk, number, SEGMENT_HEADER_BYTES);
    } catch (error) {
      // Whoever takes this number makes a file of that name.
      await disk.remove(segmentName(number));
      throw error;
    }
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#lastTurn.then(act);
    this.#lastTurn = turn.then(harmless, harmless);
    return turn;
  }
}

async function writeHeader(disk: Disk, number: number): Promise<void> {
  const file = await disk.open(UNFINISHED_NAME);
  try {
    await file.writeThrough(encodeSegmentHeader(number), 0);
  } finally {
    await file.close();
  }
}

/** What is left lying is removed by the next who looks. */
function harmless(): undefined {
  return undefined;
}
