// What one stretch of a trial costs, all from the same time: operations, the longest stall of the
// event loop, bytes that the process wrote to the disk by the kernel's account (threads and memory
// maps included), and how far it is, for those who wait.

import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { showProgress } from '../../bin/progress.js';
import { type Stall, StallMeter } from './stall-meter.ts';

export interface Measured {
  readonly phase: string;
  readonly perSecond: number;
  readonly stall?: Stall;
  /** Bytes written to the disk by the process; of writing phases. */
  readonly writtenBytes?: number;
  readonly p999Us?: number;
  readonly extra?: Readonly<Record<string, number>>;
}

/** No flush or compaction pauses for so long. */
const QUIET_MS = 2_000;
const QUIET_MS_MAX = 600_000;
const POLL_MS = 100;

export class Meter {
  readonly #stalls = new StallMeter();
  readonly #endProgress: (lastWord: string) => void;
  #phase = 'start';
  /** Operations of the phase so far. */
  done = 0;

  /** `title` stands before its progress on standard error. */
  constructor(title: string) {
    this.#endProgress = showProgress(title, () => {
      return this.done === 0 ? this.#phase : `${this.#phase}, ${this.done.toLocaleString('en')}`;
    });
  }

  /** Measures `body`, which returns how many operations it did, and prints a line of JSON. */
  async measure(
    phase: string,
    body: () => Promise<number>,
    more: () => Partial<Measured> = () => ({}),
  ): Promise<Measured> {
    this.begin(phase);
    const writtenBefore = await bytesWritten();
    const fromMs = performance.now();
    const operations = await body();
    const perSecond = (operations * 1000) / (performance.now() - fromMs);
    const { stall } = this;
    const writtenBytes = (await bytesWritten()) - writtenBefore;
    const measured = { phase, perSecond, stall, writtenBytes, ...more() };
    report(measured);
    return measured;
  }

  /** Another phase, with the garbage of the one before collected. */
  begin(phase: string): void {
    this.#phase = phase;
    this.done = 0;
    globalThis.gc?.();
    this.#stalls.reset();
  }

  /** Of the phase so far. */
  get stall(): Stall {
    return this.#stalls.longest;
  }

  end(): void {
    this.#endProgress('done');
  }
}

/** For the process that started this one. */
export function report(measured: Measured): void {
  process.stdout.write(`${JSON.stringify(measured)}\n`);
}

/** Resolves when the engine has written nothing for a while: its compactions are done. */
export async function untilQuiet(): Promise<void> {
  const fromMs = performance.now();
  let written = await bytesWritten();
  let quietSinceMs = fromMs;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    const nowMs = performance.now();
    if (nowMs - quietSinceMs >= QUIET_MS || nowMs - fromMs >= QUIET_MS_MAX) return;
    const writtenNow = await bytesWritten();
    if (writtenNow === written) continue;
    written = writtenNow;
    quietSinceMs = nowMs;
  }
}

/** After a collection of garbage. */
export function residentBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage.rss();
}

/** Of this process since it began; 0 where there is no /proc. */
export async function bytesWritten(): Promise<number> {
  const text = await readFile('/proc/self/io', 'utf8').catch(() => '');
  return Number(/^write_bytes: (\d+)/m.exec(text)?.[1] ?? 0);
}

/** What the files really take: LMDB's and preallocated ones have holes. */
export async function bytesUnder(directory: string): Promise<number> {
  const names = await readdir(directory, { recursive: true });
  const sizes = names.map(async (name) => {
    // One that a compaction has just removed takes nothing.
    const found = await stat(join(directory, name)).catch(() => undefined);
    return (found?.blocks ?? 0) * 512;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
