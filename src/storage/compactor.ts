// Keeps the tables few and the space bounded: after every flush and every compaction it asks what
// to do next, has it done on the thread of the jobs, one at a time, and installs the outcome with
// one manifest. The inputs stay until then, and for as long as a reader pins them.
//
// An input that cannot be read makes the job fail with CORRUPTION. The inputs are then read one by
// one, those that are bad become suspects, and compaction goes on without them: what is sound must
// not wait for a repair.
//
// A compaction that may not fit on the disk is not begun: it would take the last space from the log
// and from flushes, only to give it back.

import { hasCode } from '../base/errors.ts';
import type { Host, Job } from '../host/host.ts';
import { BackgroundLoop } from './background-loop.ts';
import { type Compaction, startCompaction } from './compaction/compaction.ts';
import type { CompactionDone, CompactionJob } from './compaction/compaction-job.ts';
import {
  type CompactionPlan,
  type PlanOptions,
  planCompaction,
} from './compaction/compaction-plan.ts';
import {
  bytesToMove,
  type CompactionStep,
  movesOf,
  planRelocation,
  stepsOf,
} from './compaction/relocation.ts';
import { bytesOf } from './compaction/table-stacks.ts';
import type { ScrubOrder, ScrubVerdict } from './scrub/scrub-job.ts';
import type { LiveTable } from './tables/table-set.ts';
import type { TableStore } from './tables/table-store.ts';

export interface CompactorParts {
  readonly host: Pick<Host, 'clock' | 'log' | 'jobs'>;
  readonly tables: TableStore;
  readonly options: CompactorOptions;
  /** Space on the disk that one compaction may take, in bytes. */
  readonly bytesMax: () => number;
  /** Whether writes wait for compaction: it then runs as fast as it can. */
  readonly isBehind: () => boolean;
  /** Called in the turn in which outputs took the place of inputs. */
  readonly onCompacted: () => void;
}

export interface CompactorOptions extends PlanOptions {
  /** How much of what it wrote a compaction reads again before the inputs may go. */
  readonly verifies: CompactionJob['verifies'];
}

const SPACE_RETRY_MS = 1_000;

interface Finished {
  readonly plan: CompactionPlan;
  readonly result: CompactionDone;
}

/** A value file that compaction writes is as large as so many tables. */
const VALUE_FILE_TABLES = 4;

export class Compactor {
  readonly loop: BackgroundLoop;
  readonly #parts: CompactorParts;
  #current: { readonly compaction: Compaction; readonly plan: CompactionPlan } | undefined;
  /** Of an input of a compaction that failed. */
  #check: Job | undefined;
  /** Durable, but not installed yet. */
  #finished: Finished | undefined;
  #isWaitingForSpace = false;
  #compactions = 0;
  #bytesRead = 0;
  #bytesWritten = 0;
  #valueBytesMoved = 0;

  constructor(parts: CompactorParts) {
    this.#parts = parts;
    this.loop = new BackgroundLoop(parts.host, 'compaction', () => this.#compactOnce());
  }

  get counts() {
    return {
      compactionsRunning: this.#current === undefined ? 0 : 1,
      compactions: this.#compactions,
      compactionBytesRead: this.#bytesRead,
      compactionBytesWritten: this.#bytesWritten,
      valueBytesMoved: this.#valueBytesMoved,
    };
  }

  /** Resolves when nothing of it is under way any more. */
  async stop(): Promise<void> {
    const stopped = this.loop.stop();
    this.#current?.compaction.cancel();
    this.#check?.cancel();
    await stopped;
  }

  /** There may be something to do: a table, or a drop that need not wait for what it hides. */
  poke(): void {
    const { settled } = this.#parts.tables.drops;
    if (this.#current?.plan.inputs.some((table) => settled.hidesTable(table))) {
      this.#current.compaction.cancel();
    }
    this.loop.poke();
  }

  async #compactOnce(): Promise<boolean> {
    if (this.#finished === undefined) {
      if (await this.#removeDropped()) return true;
      const steps = this.#steps();
      if (steps.length === 0) return false;
      const step = steps.find((each) => this.#hasRoomFor(each));
      this.#noteSpace(step === undefined ? steps.at(-1) : undefined);
      if (step === undefined) {
        await this.loop.sleep(SPACE_RETRY_MS);
        return true;
      }
      this.#finished = await this.#run(step);
    }
    if (this.#finished !== undefined) await this.#install(this.#finished);
    return true;
  }

  /** Tables of which nothing can be seen go unread, damaged ones too. Whether there were any. */
  async #removeDropped(): Promise<boolean> {
    const { host, onCompacted, tables } = this.#parts;
    const { settled } = tables.drops;
    const { summary } = tables.manifest;
    const hidden = tables.set.all.filter(({ info }) => {
      return settled.hidesTable(info, (keyspace) => summary.counts.has(keyspace));
    });
    if (hidden.length === 0) return false;
    const removed = hidden.map(({ info }) => info.number);
    await tables.install({ added: [], removed }, onCompacted);
    host.log.info('dropped', { tables: removed.length });
    return true;
  }

  /** The best first; the others need less room. */
  #steps(): CompactionStep[] {
    const { options, tables } = this.#parts;
    // Of one set, so that none is missing: a removal is dropped where no suspect lies over it.
    const sound = tables.set.sound.map(({ info }) => info);
    const suspects = tables.set.suspects.map(({ info }) => info);
    const plan = planCompaction({ sound, suspects, drops: tables.drops.settled }, options);
    const relocation = planRelocation(sound, suspects, tables.values.readable);
    return stepsOf(plan, relocation);
  }

  /** Outputs are no larger than inputs, as a rule much smaller. */
  #hasRoomFor({ plan, givenUp }: CompactionStep): boolean {
    return bytesOf(plan.inputs) + bytesToMove(plan.inputs, givenUp) <= this.#parts.bytesMax();
  }

  /** `waiting`: what there is no room for. */
  #noteSpace(waiting: CompactionStep | undefined): void {
    if (waiting !== undefined && !this.#isWaitingForSpace) {
      const neededBytes = bytesOf(waiting.plan.inputs);
      this.#parts.host.log.warn('compaction-waits-for-space', { neededBytes });
    }
    this.#isWaitingForSpace = waiting !== undefined;
  }

  /** Undefined when the plan came to nothing, but another one may not. */
  async #run({ plan, givenUp }: CompactionStep): Promise<Finished | undefined> {
    const { host, isBehind } = this.#parts;
    const compaction = startCompaction(host, this.#jobOf(plan, givenUp), isBehind);
    this.#current = { compaction, plan };
    try {
      const result = await compaction.done;
      this.loop.checkGoesOn();
      return result.kind === 'done' ? { plan, result } : undefined;
    } catch (error) {
      if (!hasCode(error, 'CORRUPTION') || !(await this.#setSuspectsAside(plan))) throw error;
      return undefined;
    } finally {
      this.#current = undefined;
    }
  }

  #jobOf(plan: CompactionPlan, givenUp: ReadonlySet<number>): CompactionJob {
    const { options, tables } = this.#parts;
    const { inputs, numbersCount, outputs, tableBytesMax } = plan;
    const moves = movesOf(inputs, givenUp, VALUE_FILE_TABLES * options.tableBytesTarget);
    return {
      inputs,
      outputs,
      tableBytesMax,
      numbersFrom: tables.takeNumbers(numbersCount),
      numbersCount,
      moves: { ...moves, numbersFrom: tables.takeNumbers(moves.numbersCount) },
      compressedFromLevel: options.lastLevel,
      verifies: options.verifies,
      drops: tables.drops.settled.drops(),
      droppedUpTo: tables.drops.settledUpTo,
    };
  }

  async #install({ plan, result }: Finished): Promise<void> {
    const { host, onCompacted, tables } = this.#parts;
    const removed = plan.inputs.map(({ number }) => number);
    const installed = () => {
      this.#finished = undefined;
      onCompacted();
    };
    try {
      await tables.install({ added: result.tables, removed }, installed);
    } catch (error) {
      // The outputs do not read as they were written: the inputs are still there.
      if (hasCode(error, 'CORRUPTION')) this.#finished = undefined;
      throw error;
    }
    const { bytesRead, bytesWritten, entriesDropped, moved } = result;
    tables.values.setAside(moved.unreadable);
    this.#compactions += 1;
    this.#valueBytesMoved += moved.bytesMoved;
    this.#bytesRead += bytesRead;
    this.#bytesWritten += bytesWritten;
    const { kind, inputs } = plan;
    const counts = { inputs: inputs.length, outputs: result.tables.length, entriesDropped };
    const bytes = { bytesRead, bytesWritten, valueBytesMoved: moved.bytesMoved };
    host.log.info('compacted', { kind, ...counts, ...bytes });
  }

  /** Whether any of the inputs was found bad, and is a suspect now. */
  async #setSuspectsAside(plan: CompactionPlan): Promise<boolean> {
    const { host, tables } = this.#parts;
    const numbers = new Set(plan.inputs.map(({ number }) => number));
    const suspects: number[] = [];
    for (const table of tables.set.all) {
      if (!numbers.has(table.info.number) || (await this.#isSound(table))) continue;
      suspects.push(table.info.number);
      host.log.error('table-suspect', { table: table.info.number, level: table.info.level });
    }
    if (suspects.length === 0) return false;
    await tables.install({ added: [], removed: [], suspects }, this.#parts.onCompacted);
    return true;
  }

  async #isSound({ content, info }: LiveTable): Promise<boolean> {
    this.loop.checkGoesOn();
    if (content instanceof Error) return false;
    const order: ScrubOrder = { kind: 'table', number: info.number };
    this.#check = this.#parts.host.jobs.start('scrub', order);
    const verdict = (await this.#check.done) as ScrubVerdict;
    return verdict.kind === 'sound';
  }
}
