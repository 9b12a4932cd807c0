// Who gets in when there is more to do than this node gets through: each request of a client takes
// a place, of which there are as many as keep the node busy (concurrency-limit.ts).
//
//   places taken   0 ─────────────── the limit ───────────────────── twice the limit
//   on a socket    gets in          │ waits where it was read, then is refused
//   others         get in           │ get in: they cannot wait      │ are refused
//
// Requests that wait cost nothing but their bytes; so who sends a burst is served in turn and
// nothing is refused. Who has waited for too long is: at the cost of little more than its parsing,
// and nothing was done. So those who get in are answered in time, and the others know soon.
//
// Of twice the limit scans get no place when three fifths are taken, comparisons of replicas when
// seven tenths are, reads when four fifths are; writes go on to the last, for a read can be
// repeated. What others ask on behalf of requests that they let in is not refused here, and gossip
// takes no place. What this node does of itself (hints, comparisons, reaping) rests while it
// refuses anything.

import { KvorumError } from '../../base/errors.ts';
import type { Later } from '../../base/later.ts';
import type { Clock } from '../../host/host.ts';
import type { WriteRequest } from '../request.ts';
import { ConcurrencyLimit } from './concurrency-limit.ts';

export type RequestClass = 'write' | 'read' | 'comparison' | 'scan';

/** Up to which share of all places the class gets one. */
const SHARES: Readonly<Record<RequestClass, number>> = {
  write: 1,
  read: 0.8,
  comparison: 0.7,
  scan: 0.6,
};
/** Of the limit, for those who cannot wait. */
const PLACES = 2;
/** Of values that are on their way to replicas, together. */
const BYTES_MAX = 64 * 1024 * 1024;
/** Background work rests so long after a refusal. */
const REST_MS = 1_000;

/** What the doors see of it. */
export interface Gate {
  /** Whether all places for such requests are taken: who can wait should. */
  isFull(kind: 'read' | 'write'): boolean;
  /** Why a request that has waited for too long is refused; undefined: there is a place by now. */
  refusal(kind: 'read' | 'write'): KvorumError | undefined;
  /** Calls back once, when a place is free again. Who asked before is forgotten. */
  whenFree(callback: () => void): void;
}

/** One for all: who has no time makes no stack traces. */
const OVERLOADED = new KvorumError(
  'OVERLOADED',
  'this node takes no such request now: it has more to do than it gets through in time',
  'Nothing was done. Try again in 100 ms, and ask for less at once if it lasts.',
);

export class Admission implements Gate {
  /** Refused, by class. */
  readonly refused: Record<RequestClass, number> = { write: 0, read: 0, comparison: 0, scan: 0 };
  readonly #clock: Clock;
  readonly #limit = new ConcurrencyLimit();
  #underWay = 0;
  #bytes = 0;
  #refusedMs = Number.NEGATIVE_INFINITY;
  #onFree: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get underWay(): number {
    return this.#underWay;
  }

  get limit(): number {
    return this.#limit.steady;
  }

  isFull(kind: 'read' | 'write'): boolean {
    return this.#underWay >= this.#limit.value * SHARES[kind] || this.#bytes >= BYTES_MAX;
  }

  /** Whether work that nobody waits for should rest. */
  get isBusy(): boolean {
    return this.#clock.monotonicMs() - this.#refusedMs < REST_MS;
  }

  /**
   * Takes a place, to be given back with leave() or ended(). `bytes`: of the value that comes with
   * it. Throws OVERLOADED.
   */
  enter(kind: RequestClass, bytes: number): void {
    const places = PLACES * this.#limit.steady * SHARES[kind];
    if (this.#underWay >= places || this.#bytes + bytes > BYTES_MAX) throw this.#refused(kind);
    this.#underWay += 1;
    this.#bytes += bytes;
  }

  leave(bytes: number): void {
    this.#underWay -= 1;
    this.#bytes -= bytes;
    if (this.#onFree === undefined || this.isFull('write')) return;
    const callBack = this.#onFree;
    this.#onFree = undefined;
    callBack();
  }

  refusal(kind: 'read' | 'write'): KvorumError | undefined {
    return this.isFull(kind) ? this.#refused(kind) : undefined;
  }

  whenFree(callback: () => void): void {
    this.#onFree = callback;
  }

  /** leave() for a request that had to wait for something, and took so long. */
  ended(bytes: number, tookMs: number, nowMs: number): void {
    this.#limit.note(tookMs, this.#underWay, nowMs);
    this.leave(bytes);
  }

  /** Does `work` in a place of its own. Throws OVERLOADED, or as `work` does. */
  run<T>(kind: RequestClass, bytes: number, work: () => Later<T>): Later<T> {
    this.enter(kind, bytes);
    let result: Later<T> | undefined;
    try {
      result = work();
    } finally {
      if (!(result instanceof Promise)) this.leave(bytes);
    }
    return result instanceof Promise ? result.finally(() => this.leave(bytes)) : result;
  }

  #refused(kind: RequestClass): KvorumError {
    this.refused[kind] += 1;
    this.#refusedMs = this.#clock.monotonicMs();
    return OVERLOADED;
  }
}

/** Of the value that a write brings along. */
export function valueBytesOf({ change }: WriteRequest): number {
  return change.kind === 'put' ? change.value.length : 0;
}
