// Asks a further replica when one that was asked is late: whoever waits for an answer stands in
// line behind the others that wait for the same member. What it is due after hardly changes from
// one read to the next, so the first in line is due first, and one timer does for all of them.
//
// Two things keep a replica that is slow, stopped or far away from slowing reads down: a hedge, for
// those reads that it already has, within the budget; and leaving it out from then on, but for a
// probe now and then, which nobody waits for. Both are in answer-times.ts.

import type { Clock, Timer } from '../../host/host.ts';
import type { ClusterView } from '../cluster-view.ts';
import type { MemberIndex } from '../peers.ts';
import { AnswerTimes } from './answer-times.ts';
import { HedgeBudget } from './hedge-budget.ts';

/** One who asked a member and waits for its answer. */
export interface Waiting {
  /** Monotonic time at which its answer is late. */
  readonly lateAtMs: number;
  /** Whether the outcome is known: nobody needs the answer any more. */
  readonly isOver: boolean;
  /** Asks one more, and counts as hedged from then on; false: there is nobody to ask. */
  hedge(): boolean;
}

export interface HedgeCounters {
  /** Reads that were asked of one more replica because an answer was late. */
  hedges: number;
  /** Those of them that the further replica decided. */
  hedgeWins: number;
  /** Late answers that were waited for because the budget was spent. */
  hedgesDenied: number;
  /** Reads that one who is left out was asked as well. */
  probes: number;
}

export interface HedgerParts {
  readonly view: ClusterView;
  readonly clock: Clock;
  readonly hedges: HedgeCounters;
}

export function noHedges(): HedgeCounters {
  return { hedges: 0, hedgeWins: 0, hedgesDenied: 0, probes: 0 };
}

/** A healthy answer takes a few milliseconds at most. */
const SLOW_MS = 30;
/** Of what an answer usually keeps to: under load all are slow, and more questions do not help. */
const SLOW_FACTOR = 4;

export class Hedger {
  readonly counters: HedgeCounters;
  readonly times: AnswerTimes;
  readonly #view: ClusterView;
  readonly #clock: Clock;
  readonly #budget = new HedgeBudget();
  readonly #lines: Line[];
  #timer: Timer | undefined;
  #wakesAtMs = Number.POSITIVE_INFINITY;

  constructor({ view, clock, hedges }: HedgerParts) {
    this.counters = hedges;
    this.#view = view;
    this.#clock = clock;
    const members = Array.from({ length: view.memberCount }, (_, member) => member);
    this.times = new AnswerTimes(members.map((member) => view.dataCenterOf(member)));
    this.#lines = members.map(() => new Line());
  }

  /** Whether reads should rather be asked of others. */
  isLate(member: MemberIndex, nowMs: number): boolean {
    return this.times.isLate(member, nowMs) || this.#view.isSlow(member);
  }

  /** Whether a read should be asked of one who is late as well, so that it can come back. */
  maybeProbe(member: MemberIndex, nowMs: number): boolean {
    if (!this.isLate(member, nowMs) || !this.#view.isAlive(member)) return false;
    if (!this.times.maybeProbe(member, nowMs)) return false;
    this.counters.probes += 1;
    return true;
  }

  /** When all else failed: after so many milliseconds without an answer, whatever it costs. */
  slowAfterMs(member: MemberIndex): number {
    return Math.max(SLOW_MS, SLOW_FACTOR * this.times.hedgeAfterMs(member));
  }

  /** `waiting` has asked `member`; it is hedged when that one is late. */
  watch(member: MemberIndex, waiting: Waiting): void {
    this.#budget.earn();
    this.#line(member).add(waiting);
    if (waiting.lateAtMs < this.#wakesAtMs) this.#wakeAt(waiting.lateAtMs);
  }

  #line(member: MemberIndex): Line {
    return this.#lines[member] as Line;
  }

  #wakeAt(atMs: number): void {
    this.#timer?.cancel();
    this.#wakesAtMs = atMs;
    this.#timer = this.#clock.after(atMs - this.#clock.monotonicMs(), () => this.#hedgeLate());
  }

  #hedgeLate(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#wakesAtMs = Number.POSITIVE_INFINITY;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const line of this.#lines) {
      for (let waiting = line.takeLate(nowMs); waiting; waiting = line.takeLate(nowMs)) {
        this.#hedge(waiting);
      }
      nextMs = Math.min(nextMs, line.firstLateAtMs);
    }
    if (nextMs < Number.POSITIVE_INFINITY) this.#wakeAt(nextMs);
  }

  #hedge(waiting: Waiting): void {
    if (this.#budget.isSpent) {
      this.counters.hedgesDenied += 1;
    } else if (waiting.hedge()) {
      this.counters.hedges += 1;
      this.#budget.spend();
    }
  }
}

/** Those who wait for one member, in the order in which they asked; most are over before due. */
class Line {
  #waiting: Waiting[] = [];
  #first = 0;

  /** When the first is late; Infinity: nobody waits. */
  get firstLateAtMs(): number {
    return this.#waiting[this.#first]?.lateAtMs ?? Number.POSITIVE_INFINITY;
  }

  add(waiting: Waiting): void {
    this.#waiting.push(waiting);
  }

  /** The next that is late and not over. */
  takeLate(nowMs: number): Waiting | undefined {
    for (; this.#first < this.#waiting.length; this.#first++) {
      const waiting = this.#waiting[this.#first] as Waiting;
      if (waiting.isOver) continue;
      if (waiting.lateAtMs > nowMs) break;
      this.#first += 1;
      return waiting;
    }
    this.#forgetTaken();
    return undefined;
  }

  #forgetTaken(): void {
    if (this.#first < this.#waiting.length / 2) return;
    this.#waiting.splice(0, this.#first);
    this.#first = 0;
  }
}
