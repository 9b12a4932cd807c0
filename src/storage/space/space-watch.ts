// Looks at the free space of the disk every second, more often when it is nearly low, so that a
// node stops taking writes while it can still flush, compact and answer, rather than when the disk
// refuses. What comes back when there is space again needs nobody: the next look sees it.
//
// A look that fails changes nothing: a disk that cannot say how full it is may be well, and says
// so itself when it is not.

import { type KvorumError, messageOf } from '../../base/errors.ts';
import type { DiskSpace, Host, Timer } from '../../host/host.ts';
import { diskLow } from '../storage-errors.ts';
import { type DiskReserve, isSpaceLow, reservedBytes, resumesAtBytes } from './disk-reserve.ts';

/** At 500 MB/s of log, flushes and compactions together, a quarter of the largest reserve. */
const LOOK_MS = 1_000;
/** Below four times the reserve: a small disk has a small one, but no slower clients. */
const LOOK_NEAR_MS = 100;
const NEAR_FACTOR = 4;

export interface SpaceStats {
  /** Of the disk under the data directory; undefined while it could not be asked. */
  readonly disk: DiskSpace | undefined;
  /** Free space that is kept: below it no writes are taken. */
  readonly reservedBytes: number;
  readonly isLow: boolean;
}

export class SpaceWatch {
  readonly #host: Pick<Host, 'clock' | 'disk' | 'log'>;
  readonly #reserve: DiskReserve | undefined;
  #space: DiskSpace | undefined;
  /** With the numbers of the last look, for all who are refused until the next. */
  #refusal: KvorumError | undefined;
  #isLow = false;
  #isFailing = false;
  #isStopped = false;
  #timer: Timer | undefined;

  constructor(host: Pick<Host, 'clock' | 'disk' | 'log'>, reserve: DiskReserve | undefined) {
    this.#host = host;
    this.#reserve = reserve;
  }

  /** Whether writes are to be refused. */
  get isLow(): boolean {
    return this.#isLow;
  }

  /** What one compaction may take: half of the reserve is for the log and for flushes. */
  get compactionBytesMax(): number {
    return this.#freeBytes - this.#reservedBytes / 2;
  }

  /** Whether so much may be taken for nothing but speed. */
  hasRoomFor(bytes: number): boolean {
    return this.#freeBytes - bytes >= resumesAtBytes(this.#reservedBytes);
  }

  get stats(): SpaceStats {
    return { disk: this.#space, reservedBytes: this.#reservedBytes, isLow: this.#isLow };
  }

  /** Resolves after the first look. */
  async start(): Promise<void> {
    await this.#look();
    if (this.#isStopped) return;
    const isNear = this.#freeBytes < NEAR_FACTOR * this.#reservedBytes;
    const lookMs = isNear ? LOOK_NEAR_MS : LOOK_MS;
    this.#timer = this.#host.clock.after(lookMs, () => void this.start());
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** DISK_FULL, for whoever is refused while space is low. */
  refusal(): KvorumError {
    const space = this.#space ?? { freeBytes: 0, totalBytes: 0 };
    this.#refusal ??= diskLow(space, this.#reservedBytes);
    return this.#refusal;
  }

  /** At the last look; Infinity while nothing is known. */
  get #freeBytes(): number {
    return this.#space?.freeBytes ?? Number.POSITIVE_INFINITY;
  }

  get #reservedBytes(): number {
    return reservedBytes(this.#space?.totalBytes ?? 0, this.#reserve);
  }

  async #look(): Promise<void> {
    const { disk, log } = this.#host;
    try {
      this.#space = await disk.space();
      this.#refusal = undefined;
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) log.warn('disk-space-unknown', { why: messageOf(error) });
      this.#isFailing = true;
      return;
    }
    const wasLow = this.#isLow;
    const { freeBytes } = this.#space;
    this.#isLow = isSpaceLow(freeBytes, this.#reservedBytes, wasLow);
    if (this.#isLow === wasLow) return;
    const fields = { freeBytes, reservedBytes: this.#reservedBytes };
    if (this.#isLow) log.error('disk-space-low', fields);
    else log.info('disk-space-back', fields);
  }
}
