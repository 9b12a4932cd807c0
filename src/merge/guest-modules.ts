// Modules of users at work: one merge after the other, each within its time limit, on the thread
// for guests. A merge that has not ended by then may loop for ever: its thread is ended, and the
// next merge gets a new one. The limit counts from when the merge is begun with the module loaded,
// so that it holds a function to its own time and not to that of others or of the disk.

import { hasCode, messageOf } from '../base/errors.ts';
import type { Clock, Jobs } from '../host/host.ts';
import type { LawVerdict } from './laws.ts';
import type { MergeInput } from './merge-function.ts';
import type { MergeAnswer, MergeOrder } from './merge-job.ts';

export type GuestMerge = { readonly kind: 'merged'; readonly value: Buffer } | NotMerged;

export interface NotMerged {
  /** `late`: it was ended at its limit. `unbegun`: others before it took too long. */
  readonly kind: 'failed' | 'late' | 'unbegun';
  readonly why: string;
}

/** Import, the modules that it imports, and a new thread: a fraction of this, on any machine. */
const LOAD_MS = 10_000;
/** Some ten thousand merges: a function that needs more is too slow for reads. */
const TRY_MS = 5_000;
/** A read whose merge has not begun by then is better off with the siblings. */
const WAIT_MS = 1_000;

export class GuestModules {
  readonly #guests: Jobs;
  readonly #clock: Clock;
  /** On the thread that runs now. */
  readonly #loaded = new Set<string>();
  /** Settles, always well, when the last order so far is carried out. */
  #lastTurn: Promise<unknown> = Promise.resolve();

  constructor({ guests, clock }: { readonly guests: Jobs; readonly clock: Clock }) {
    this.#guests = guests;
    this.#clock = clock;
  }

  /** `module`: its URL, or the name of a ready function. Never rejects. */
  merge(module: string, inputs: readonly MergeInput[], limitMs: number): Promise<GuestMerge> {
    const askedMs = this.#clock.monotonicMs();
    return this.#inTurn(async () => {
      if (this.#clock.monotonicMs() - askedMs > WAIT_MS) {
        return { kind: 'unbegun', why: 'other merges took too long' };
      }
      const answer = await this.#answer({ kind: 'merge', module, inputs }, limitMs);
      return answer.kind === 'merged' ? { ...answer, value: asBuffer(answer.value) } : answer;
    });
  }

  /**
   * What comes of the laws on values that were recorded, or on generated ones where none were.
   * Never rejects.
   */
  tryLaws(module: string, recorded: readonly Uint8Array[]): Promise<LawVerdict | NotMerged> {
    return this.#inTurn(async () => {
      const answer = await this.#answer({ kind: 'try', module, recorded }, TRY_MS);
      return answer.kind === 'tried' ? answer.verdict : answer;
    });
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#lastTurn.then(act);
    this.#lastTurn = turn;
    return turn;
  }

  async #answer<Kind extends 'merge' | 'try'>(
    order: MergeOrder & { readonly kind: Kind },
    limitMs: number,
  ): Promise<AnswerTo[Kind] | NotMerged> {
    const { module } = order;
    if (!this.#loaded.has(module)) {
      const loaded = await this.#within({ kind: 'load', module }, LOAD_MS);
      if (loaded.kind !== 'loaded') return loaded as NotMerged;
      this.#loaded.add(module);
    }
    return (await this.#within(order, limitMs)) as AnswerTo[Kind] | NotMerged;
  }

  async #within(order: MergeOrder, limitMs: number): Promise<MergeAnswer | NotMerged> {
    let isLate = false;
    const job = this.#guests.start('merge', order);
    // An answer that is there already, and was not heard because we were busy, is in time.
    const abort = () => {
      isLate = true;
      job.abort();
    };
    const timer = this.#clock.after(limitMs, () => this.#clock.atTurnEnd(abort));
    try {
      return (await job.done) as MergeAnswer;
    } catch (error) {
      if (hasCode(error, 'BAD_MERGE')) return { kind: 'failed', why: error.message };
      // The thread is gone, and with it what it had loaded.
      this.#loaded.clear();
      if (isLate) return { kind: 'late', why: `it was not done after ${limitMs} ms` };
      return { kind: 'failed', why: messageOf(error) };
    } finally {
      timer.cancel();
    }
  }
}

interface AnswerTo {
  readonly merge: MergeAnswer & { readonly kind: 'merged' };
  readonly try: MergeAnswer & { readonly kind: 'tried' };
}

/** Bytes come from the other thread as an Uint8Array. */
function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
