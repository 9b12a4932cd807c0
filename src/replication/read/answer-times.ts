// How long each other member takes to answer reads, as this node sees it: when one that was asked
// should have answered, and who is so much slower than others that reads leave him out.
//
// - `hedgeAfterMs` is the 95th percentile of the member's answers. A read that was asked of another
//   one as well says only that this answer takes longer than that: it counts as slightly more, not
//   with its full time, or one bad replica would put off what helps against it (scylladb#7342).
// - A member is left out when its usual answer is late beyond LATE_FACTOR times that of the
//   quickest member of its data center (three late ones in a row do it), or while it answers
//   nothing at all for SILENT_MS. It is asked now and then beside another one, and comes back when
//   that went well about five times.
//
// Pure: no clock, no disk, no network; dice are an argument.

import type { MemberIndex } from '../peers.ts';
import { LatencyQuantile } from './latency-quantile.ts';

const HEDGE_SHARE_OF_ANSWERS = 0.95;
/** Before there is anything to go by. */
const FIRST_HEDGE_MS = 10;
/** Timers know no less. */
const HEDGE_MS_MIN = 1;
/** What a hedged answer counts as, in units of the delay that it exceeded: one bucket more. */
const EXCEEDED = 1.25;

/** Of each new answer in the usual time to one. */
const ANSWER_WEIGHT = 1 / 4;
/** A garbage collection, a large frame before it: the longest stall of a node that is well. */
const LATE_MS = 20;
const LATE_FACTOR = 4;
const SILENT_MS = 50;
/** Between two reads that one who is left out is asked as well. */
const PROBE_MS = 100;

interface Times {
  readonly dataCenter: string;
  readonly p95: LatencyQuantile;
  /** Smoothed; undefined before the first. */
  usualMs: number | undefined;
  isLate: boolean;
  /** When the first was asked of what it has answered nothing since; Infinity: nothing is open. */
  silentSinceMs: number;
  probedMs: number;
}

export class AnswerTimes {
  readonly #times: Times[];

  /** The data center of each member. */
  constructor(dataCenters: readonly string[]) {
    this.#times = dataCenters.map((dataCenter) => ({
      dataCenter,
      p95: new LatencyQuantile(HEDGE_SHARE_OF_ANSWERS),
      usualMs: undefined,
      isLate: false,
      silentSinceMs: Number.POSITIVE_INFINITY,
      probedMs: Number.NEGATIVE_INFINITY,
    }));
  }

  asked(member: MemberIndex, nowMs: number): void {
    const times = this.#of(member);
    if (times.silentSinceMs > nowMs) times.silentSinceMs = nowMs;
  }

  /** Of the first who were asked only; `wasHedged`: another one was asked meanwhile. */
  answered(member: MemberIndex, tookMs: number, wasHedged: boolean): void {
    const times = this.#of(member);
    times.silentSinceMs = Number.POSITIVE_INFINITY;
    times.p95.add(wasHedged ? Math.min(tookMs, EXCEEDED * this.hedgeAfterMs(member)) : tookMs);
    this.#measure(times, tookMs);
  }

  /** Nothing will come of what it was asked. */
  lost(member: MemberIndex): void {
    this.#of(member).silentSinceMs = Number.POSITIVE_INFINITY;
  }

  /** Milliseconds after which an answer of the member is late. */
  hedgeAfterMs(member: MemberIndex): number {
    const { ms } = this.#of(member).p95;
    return ms === undefined ? FIRST_HEDGE_MS : Math.max(HEDGE_MS_MIN, ms);
  }

  isLate(member: MemberIndex, nowMs: number): boolean {
    const { isLate, silentSinceMs, usualMs } = this.#of(member);
    return isLate || nowMs - silentSinceMs > SILENT_MS + 2 * (usualMs ?? 0);
  }

  /** Whether one who is left out should be asked as well now; true at most once in PROBE_MS. */
  maybeProbe(member: MemberIndex, nowMs: number): boolean {
    const times = this.#of(member);
    if (nowMs - times.probedMs < PROBE_MS) return false;
    times.probedMs = nowMs;
    return true;
  }

  #of(member: MemberIndex): Times {
    return this.#times[member] as Times;
  }

  #measure(times: Times, tookMs: number): void {
    const { usualMs = 0, isLate } = times;
    // Nearly all answers end here.
    if (tookMs <= LATE_MS && !isLate) {
      times.usualMs = usualMs + (tookMs - usualMs) * ANSWER_WEIGHT;
      return;
    }
    const lateMs = LATE_MS + LATE_FACTOR * this.#quickestMs(times.dataCenter);
    const boundedMs = Math.min(tookMs, 2 * lateMs);
    times.usualMs = usualMs + (boundedMs - usualMs) * ANSWER_WEIGHT;
    times.isLate = times.usualMs > (isLate ? lateMs / 2 : lateMs);
  }

  /** Of all members there, the usual time to an answer. */
  #quickestMs(there: string): number {
    let quickestMs = Number.POSITIVE_INFINITY;
    for (const { dataCenter, usualMs } of this.#times) {
      if (dataCenter === there && usualMs !== undefined && usualMs < quickestMs)
        quickestMs = usualMs;
    }
    return quickestMs === Number.POSITIVE_INFINITY ? 0 : quickestMs;
  }
}
