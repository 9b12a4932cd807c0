// Who gets in when there is more to do than this node gets through: each request of a client takes
// a place, and below a limit that follows how long they take (concurrency-limit.ts) all of them get
// one. Above, a request is refused before anything is done for it, at the cost of little more than
// its parsing; so that those who got in are answered in time, and the others know at once that
// nothing was done.
//
// Scans get no place when two fifths are taken, comparisons of replicas when three fifths are,
// reads when four fifths are; writes go on to the last, for a read can be repeated. What others ask
// on behalf of requests that they let in is not refused here, and gossip takes no place. What this
// node does of itself (hints, comparisons, reaping) rests while it refuses anything.

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
  comparison: 0.6,
  scan: 0.4,
};
/** Of values that are on their way to replicas, together. */
const BYTES_MAX = 64 * 1024 * 1024;
/** Background work rests so long after a refusal. */
const REST_MS = 1_000;

export class Admission {
  /** Refused, by class. */
  readonly refused: Record<RequestClass, number> = { write: 0, read: 0, comparison: 0, scan: 0 };
  readonly #clock: Clock;
  readonly #limit = new ConcurrencyLimit();
  readonly #refusals: Readonly<Record<RequestClass, KvorumError>>;
  #underWay = 0;
  #bytes = 0;
  #refusedMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#refusals = {
      write: overloaded('write'),
      read: overloaded('read'),
      comparison: overloaded('comparison'),
      scan: overloaded('scan'),
    };
  }

  get underWay(): number {
    return this.#underWay;
  }

  get limit(): number {
    return this.#limit.value;
  }

  /** Whether work that nobody waits for should rest. */
  get isBusy(): boolean {
    return this.#clock.monotonicMs() - this.#refusedMs < REST_MS;
  }

  /**
   * Takes a place, to be given back with leave() or ended(). `bytes`: of the value that comes with
   * it. Throws OVERLOADED: always the same error for a class, for who has no time makes no stack
   * traces.
   */
  enter(kind: RequestClass, bytes: number): void {
    const isFull = this.#underWay >= this.#limit.value * SHARES[kind];
    if (isFull || this.#bytes + bytes > BYTES_MAX) this.#refuse(kind);
    this.#underWay += 1;
    this.#bytes += bytes;
  }

  leave(bytes: number): void {
    this.#underWay -= 1;
    this.#bytes -= bytes;
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

  #refuse(kind: RequestClass): never {
    this.refused[kind] += 1;
    this.#refusedMs = this.#clock.monotonicMs();
    throw this.#refusals[kind];
  }
}

/** Of the value that a write brings along. */
export function valueBytesOf({ change }: WriteRequest): number {
  return change.kind === 'put' ? change.value.length : 0;
}

function overloaded(kind: RequestClass): KvorumError {
  const message = `this node takes no ${kind} now: it has more to do than it gets through in time`;
  const fix = 'Nothing was done. Try again in 100 ms, and ask for less at once if it lasts.';
  return new KvorumError('OVERLOADED', message, fix);
}
