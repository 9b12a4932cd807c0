// Reads everything on the disk again within a period, and checks it: rot that nobody has met yet
// shall be found while other replicas still hold copies (Bairavasundaram et al.: "An Analysis of
// Data Corruption in the Storage Stack", FAST 2008).
//
//   damage in     what becomes of it
//   a table       a suspect: reads of what is sound in it go on, compaction leaves it alone, what
//                 cannot be read is CORRUPTION, never "not found"
//   a value file  set aside, likewise
//   the log       what stands in it stands in memory too: it goes into a table
//   the manifest  known: written anew
//
// All of it is reported. The bytes are read and checked on the thread of the jobs, a file at a time
// at a pace that leaves requests their latency; between files it waits (see scrub-pass.ts).

import { messageOf } from '../../base/errors.ts';
import type { Host } from '../../host/host.ts';
import { BackgroundLoop } from '../background-loop.ts';
import { type PacedJob, startPacedJob } from '../compaction/paced-job.ts';
import type { ScrubStats } from '../engine.ts';
import type { ClosedSegment } from '../log/commit-log.ts';
import { MANIFEST_NAME } from '../tables/manifest.ts';
import type { TableStore } from '../tables/table-store.ts';
import { type ScrubProgress, writeScrubProgress } from './scrub-file.ts';
import { type ScrubOrder, type ScrubVerdict, scrubbedName } from './scrub-job.ts';
import { type NumberedFile, nextStep, type ScrubPass } from './scrub-pass.ts';

export interface ScrubberParts {
  readonly host: Pick<Host, 'clock' | 'disk' | 'log' | 'jobs'>;
  readonly tables: TableStore;
  /** Segments of the log, as far as they are durable. */
  readonly segments: () => readonly Pick<ClosedSegment, 'number' | 'bytes'>[];
  /** Called in the turn in which tables became suspects. */
  readonly onSuspects: () => void;
  /** The log is not to be relied on: what stands in it goes into a table. */
  readonly onLogDamaged: () => void;
  /** In milliseconds; Infinity: never. */
  readonly periodMs: number;
  /** As it was kept. */
  readonly progress: ScrubProgress | undefined;
}

/** The clock may jump, and files come and go. */
const LOOK_AGAIN_MS = 600_000;
/** What a crash may repeat. */
const KEEP_EVERY_MS = 60_000;

export class Scrubber {
  readonly #parts: ScrubberParts;
  readonly #loop: BackgroundLoop;
  #pass: ScrubPass;
  #checkedAsOfMs: number;
  #keptAtMs = Number.NEGATIVE_INFINITY;
  #current: PacedJob | undefined;
  #filesChecked = 0;
  #bytesRead = 0;
  #passes = 0;
  #damageFound = 0;
  /** Names of files in which a read found damage. */
  readonly #suspected = new Set<string>();

  constructor(parts: ScrubberParts) {
    this.#parts = parts;
    this.#pass = parts.progress?.pass ?? this.#newPass();
    this.#checkedAsOfMs = parts.progress?.checkedAsOfMs ?? 0;
    this.#loop = new BackgroundLoop(parts.host, 'scrub', () => this.#step());
    if (parts.periodMs !== Number.POSITIVE_INFINITY) this.#loop.poke();
  }

  get failures(): number {
    return this.#loop.failures;
  }

  get stats(): ScrubStats {
    return {
      filesChecked: this.#filesChecked,
      bytesRead: this.#bytesRead,
      passes: this.#passes,
      damageFound: this.#damageFound,
      checkedAsOfMs: this.#checkedAsOfMs,
    };
  }

  /** A read met something in the file that is not what was written: it is checked next. */
  suspect(name: string): void {
    const isKnown = this.#suspected.has(name);
    if (isKnown || !this.#files().some((file) => scrubbedName(file) === name)) return;
    this.#suspected.add(name);
    this.#loop.wake();
    this.#loop.poke();
  }

  /** Resolves when nothing of it is under way any more. */
  async stop(): Promise<void> {
    const stopped = this.#loop.stop();
    this.#current?.cancel();
    await stopped;
  }

  /** There is no end to it, unless nothing is checked that no read has met. */
  async #step(): Promise<boolean> {
    if (await this.#checkSuspected()) return true;
    if (this.#parts.periodMs === Number.POSITIVE_INFINITY) return false;
    const nowMs = this.#parts.host.clock.wallMs();
    if (this.#pass.beganMs > nowMs) this.#pass = { ...this.#pass, beganMs: nowMs };
    const step = nextStep(this.#pass, this.#files(), this.#parts.periodMs);
    if (step.dueMs > nowMs) await this.#loop.sleep(Math.min(step.dueMs - nowMs, LOOK_AGAIN_MS));
    else if (step.kind === 'file') await this.#checkFile(step.file);
    else await this.#endPass();
    return true;
  }

  /** Whether there was one. */
  async #checkSuspected(): Promise<boolean> {
    const file = this.#files().find((each) => this.#suspected.has(scrubbedName(each)));
    if (file === undefined) {
      this.#suspected.clear();
      return false;
    }
    this.#suspected.delete(scrubbedName(file));
    const verdict = await this.#check(file);
    if (verdict.kind !== 'sound') await this.#setAside(file, whyOf(verdict));
    return true;
  }

  /** Those that may be sound. */
  #files(): NumberedFile[] {
    const { set, values } = this.#parts.tables;
    return [
      ...set.sound.map(
        ({ info }) => ({ kind: 'table', number: info.number, bytes: info.bytes }) as const,
      ),
      ...values.readable.map((file) => ({ kind: 'values', ...file }) as const),
    ];
  }

  async #checkFile(file: NumberedFile): Promise<void> {
    const verdict = await this.#check(file);
    const isLive = this.#files().some(({ number }) => number === file.number);
    if (verdict.kind !== 'sound' && isLive) await this.#setAside(file, whyOf(verdict));
    this.#pass = { ...this.#pass, next: file.number + 1 };
    await this.#keepProgress();
  }

  /** It counts as found when all who ask for the damage are told of it: then, and only once. */
  async #setAside(file: NumberedFile, why: string): Promise<void> {
    const { onSuspects, tables } = this.#parts;
    if (file.kind === 'values') tables.values.setAside([file.number]);
    else await tables.install({ added: [], removed: [], suspects: [file.number] }, onSuspects);
    this.#noteDamage(scrubbedName(file), why);
  }

  async #endPass(): Promise<void> {
    if (await this.#parts.tables.mendManifest()) {
      this.#noteDamage(MANIFEST_NAME, 'it could not be read, and was written anew');
    }
    await this.#checkLog();
    this.#passes += 1;
    this.#checkedAsOfMs = this.#pass.beganMs;
    const counts = { files: this.#filesChecked, damageFound: this.#damageFound };
    this.#parts.host.log.info('scrubbed', counts);
    this.#pass = this.#newPass();
    this.#keptAtMs = Number.NEGATIVE_INFINITY;
    await this.#keepProgress();
  }

  async #checkLog(): Promise<void> {
    for (const { number, bytes } of this.#parts.segments()) {
      const order = { kind: 'log', number, bytes } as const;
      const verdict = await this.#check(order);
      const isNeeded = this.#parts.segments().some((each) => each.number === number);
      if (verdict.kind === 'sound' || !isNeeded) continue;
      this.#noteDamage(scrubbedName(order), whyOf(verdict));
      this.#parts.onLogDamaged();
      return;
    }
  }

  async #check(order: ScrubOrder): Promise<ScrubVerdict> {
    this.#loop.checkGoesOn();
    this.#current = startPacedJob(this.#parts.host, { name: 'scrub', order });
    try {
      const verdict = (await this.#current.done) as ScrubVerdict;
      this.#filesChecked += 1;
      if (verdict.kind !== 'missing') this.#bytesRead += verdict.bytesRead;
      return verdict;
    } finally {
      this.#current = undefined;
    }
  }

  #noteDamage(file: string, why: string): void {
    this.#parts.host.log.error('damage-found', { file, why });
    this.#damageFound += 1;
  }

  #newPass(): ScrubPass {
    const { host, tables } = this.#parts;
    return { beganMs: host.clock.wallMs(), next: 0, end: tables.nextNumber };
  }

  async #keepProgress(): Promise<void> {
    const { clock, disk, log } = this.#parts.host;
    if (clock.monotonicMs() - this.#keptAtMs < KEEP_EVERY_MS) return;
    this.#keptAtMs = clock.monotonicMs();
    const progress = { pass: this.#pass, checkedAsOfMs: this.#checkedAsOfMs };
    await writeScrubProgress(disk, progress).catch((error) => {
      log.warn('scrub-progress-not-kept', { why: messageOf(error) });
    });
  }
}

function whyOf(verdict: ScrubVerdict): string {
  return verdict.kind === 'bad' ? verdict.why : 'the file is missing';
}
