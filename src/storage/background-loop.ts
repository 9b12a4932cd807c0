// Work behind the requests, such as flushing: done while there is some, one step at a time, and
// tried again when it fails, since nothing that it failed at is lost. On a full disk it looks
// again every second; after other failures it waits longer and longer, for a disk that is failing
// is not helped by being asked more often.

import { hasCode, messageOf } from '../base/errors.ts';
import type { Host, Timer } from '../host/host.ts';
import { engineClosed } from './storage-errors.ts';

const RETRY_DISK_FULL_MS = 1_000;
const RETRY_MS_MAX = 60_000;

export class BackgroundLoop {
  readonly #host: Pick<Host, 'clock' | 'log'>;
  readonly #name: string;
  readonly #step: () => Promise<boolean>;
  #running: Promise<void> | undefined;
  #isPoked = false;
  #isStopped = false;
  #isDiskFull = false;
  #failures = 0;
  #failuresInRow = 0;
  #sleeping: { readonly timer: Timer; readonly wake: () => void } | undefined;

  /** `step` resolves with whether there may be more to do; after false, poke() starts it again. */
  constructor(host: Pick<Host, 'clock' | 'log'>, name: string, step: () => Promise<boolean>) {
    this.#host = host;
    this.#name = name;
    this.#step = step;
  }

  /** The last step found no space: true until one succeeds. */
  get isDiskFull(): boolean {
    return this.#isDiskFull;
  }

  get failures(): number {
    return this.#failures;
  }

  /** There may be something to do. */
  poke(): void {
    this.#isPoked = true;
    if (!this.#isStopped) this.#running ??= this.#run();
  }

  /** Throws CLOSED when the loop was stopped: for long steps, to ask now and then. */
  readonly checkGoesOn = (): void => {
    if (this.#isStopped) throw engineClosed();
  };

  /** Ends a sleep early. */
  wake(): void {
    this.#sleeping?.timer.cancel();
    this.#sleeping?.wake();
  }

  /** Returns early when the loop is stopped, or woken. */
  async sleep(ms: number): Promise<void> {
    if (this.#isStopped) return;
    await new Promise<void>((wake) => {
      this.#sleeping = { timer: this.#host.clock.after(ms, wake), wake };
    });
    this.#sleeping = undefined;
  }

  /** Resolves when no step is under way any more; it begins no other. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    // Not within the call that poked: that may be a write in the middle of its turn.
    await Promise.resolve();
    while (this.#isPoked) {
      this.#isPoked = false;
      while (!this.#isStopped && (await this.#attempt()));
    }
    this.#running = undefined;
  }

  async #attempt(): Promise<boolean> {
    try {
      const hasMore = await this.#step();
      this.#succeeded();
      return hasMore;
    } catch (error) {
      // Nothing will come of it before a restart.
      if (hasCode(error, 'CLOSED') || hasCode(error, 'LOG_POISONED')) return false;
      await this.#failed(error);
      return true;
    }
  }

  #succeeded(): void {
    if (this.#isDiskFull) this.#host.log.info('disk-full-healed', { work: this.#name });
    this.#isDiskFull = false;
    this.#failuresInRow = 0;
  }

  async #failed(error: unknown): Promise<void> {
    this.#failures += 1;
    this.#failuresInRow += 1;
    const isFull = hasCode(error, 'DISK_FULL');
    if (!isFull || !this.#isDiskFull) {
      const fields = { work: this.#name, failures: this.#failuresInRow, why: messageOf(error) };
      this.#host.log.error(isFull ? 'disk-full' : 'background-work-failed', fields);
    }
    this.#isDiskFull = isFull;
    const doubled = RETRY_DISK_FULL_MS * 2 ** (this.#failuresInRow - 1);
    await this.sleep(isFull ? RETRY_DISK_FULL_MS : Math.min(RETRY_MS_MAX, doubled));
  }
}
