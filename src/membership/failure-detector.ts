// What this node thinks of every other member, judged by what it heard and by what became of its
// questions:
//
//                     phi >= 4              phi >= 8, or the way broke
//   (never heard) ──> alive <──> suspect ─────────────────────────────> down
//                       ^ a later heartbeat; after a broken way an answer ┘
//   left: it said so itself; only its next generation is heard again
//
// phi is the suspicion of arrival-window.ts, plus one for every round in which it failed to answer
// since it last did: so a member that is heard through others, while our questions are lost, goes
// down too. A broken connection counts at once. `slow` is told apart by how long answers take.
//
// A node that was itself paused judges nobody for that time: what it did not hear meanwhile, and
// what it asked before, is held against nobody. Verdicts are this node's own and are never spread.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { ArrivalWindow } from './arrival-window.ts';
import type { GossipPreset } from './gossip-preset.ts';

/** `alive` and `suspect` ones are asked. `unheard`: not once since this node started. */
export const MEMBER_STATES = ['unheard', 'alive', 'suspect', 'down', 'left'] as const;

export type MemberState = (typeof MEMBER_STATES)[number];

const SUSPECT_PHI = 4;
/** Once in 10^8 heartbeats, if the network is as regular as it was; and eight failed rounds. */
const DOWN_PHI = 8;

/** Whoever was not called for so long did not run. A tick comes every 100 ms. */
const OWN_PAUSE_MS = 500;

/** Failures further apart than that many rounds are not of one kind. */
const FORGOTTEN_ROUNDS = 8;

/** Of each new answer in the usual time to one. */
const ANSWER_WEIGHT = 1 / 8;

interface Subject {
  state: MemberState;
  readonly arrivals: ArrivalWindow;
  /** Monotonic time of the last heartbeat, undefined while none is worth measuring from. */
  arrivedMs: number | undefined;
  /** Of the last sign of life, heartbeat or answer; undefined: none. */
  heardMs: number | undefined;
  hasLeft: boolean;
  isBroken: boolean;
  /** Rounds with a lost question since the last answer. */
  failures: number;
  failedMs: number;
  /** Smoothed; undefined before the first. */
  answerMs: number | undefined;
  isSlow: boolean;
}

export class FailureDetector {
  /** How often somebody went down. */
  downs = 0;
  readonly #preset: GossipPreset;
  readonly #subjects: Subject[];
  #awakeMs: number;
  /** Since when it has run without a pause. */
  #wokeMs: number;

  constructor(count: number, preset: GossipPreset, nowMs: number) {
    this.#preset = preset;
    this.#awakeMs = nowMs;
    this.#wokeMs = nowMs;
    this.#subjects = Array.from({ length: count }, () => ({
      state: 'unheard',
      arrivals: new ArrivalWindow(preset.intervalMs),
      arrivedMs: undefined,
      heardMs: undefined,
      hasLeft: false,
      isBroken: false,
      failures: 0,
      failedMs: Number.NEGATIVE_INFINITY,
      answerMs: undefined,
      isSlow: false,
    }));
  }

  state(member: number): MemberState {
    return this.#of(member).state;
  }

  isAlive(member: number): boolean {
    const { state } = this.#of(member);
    return state === 'alive' || state === 'suspect';
  }

  /** Of those who are alive: its answers take too long, or are not given in time. */
  isSlow(member: number): boolean {
    return this.#of(member).isSlow && this.isAlive(member);
  }

  /** Milliseconds since the last sign of life; undefined: there was none. */
  silentMs(member: number, nowMs: number): number | undefined {
    const { heardMs } = this.#of(member);
    return heardMs === undefined ? undefined : Math.max(0, nowMs - heardMs);
  }

  /** Usual time to its answers, in milliseconds; undefined: it has given none. */
  answerMs(member: number): number | undefined {
    return this.#of(member).answerMs;
  }

  /** 0 for those who were never heard or have left: there is nothing to suspect. */
  phi(member: number, nowMs: number): number {
    const subject = this.#of(member);
    if (subject.heardMs === undefined || subject.hasLeft) return 0;
    const { pauseMs, deviationMsMin } = this.#preset;
    const silentMs = nowMs - subject.heardMs;
    const phi = subject.arrivals.phi(silentMs, pauseMs, deviationMsMin);
    return phi + this.#failuresOf(subject, nowMs);
  }

  /** A later heartbeat came, from itself or through others; the first of all proves little. */
  arrived(member: number, isFirst: boolean, nowMs: number): void {
    this.awake(nowMs);
    const subject = this.#of(member);
    subject.hasLeft = false;
    if (isFirst) return;
    const { arrivedMs, state } = subject;
    const isRegular = state === 'alive' || state === 'suspect';
    if (isRegular && arrivedMs !== undefined) subject.arrivals.add(nowMs - arrivedMs);
    subject.arrivedMs = nowMs;
    subject.heardMs = nowMs;
    this.#judge(member, nowMs);
  }

  /** It answered us: both ways are open. `tookMs` where that is known. */
  answered(member: number, nowMs: number, tookMs?: number): void {
    this.awake(nowMs);
    const subject = this.#of(member);
    subject.heardMs = nowMs;
    subject.failures = 0;
    subject.isBroken = false;
    if (tookMs !== undefined) this.#measure(subject, tookMs);
    if (subject.state !== 'alive') this.#judge(member, nowMs);
  }

  /** A question of `askedMs` got no answer in time. */
  failed(member: number, askedMs: number, nowMs: number): void {
    this.awake(nowMs);
    const subject = this.#of(member);
    if (askedMs < this.#wokeMs || subject.heardMs === undefined) return;
    // Questions are lost by the hundred: they count once a round, as what they have in common.
    if (nowMs - subject.failedMs < this.#preset.intervalMs / 2) return;
    this.#measure(subject, nowMs - askedMs);
    subject.failures = this.#failuresOf(subject, nowMs) + 1;
    subject.failedMs = nowMs;
    this.#judge(member, nowMs);
  }

  /** The way to it broke, or could not be built. */
  broke(member: number, nowMs: number): void {
    this.awake(nowMs);
    this.#of(member).isBroken = true;
    this.#judge(member, nowMs);
  }

  left(member: number, nowMs: number): void {
    this.#of(member).hasLeft = true;
    this.#judge(member, nowMs);
  }

  /** This node runs; then everybody is judged anew. To be called every 100 ms. */
  tick(nowMs: number): void {
    this.awake(nowMs);
    for (let member = 0; member < this.#subjects.length; member++) this.#judge(member, nowMs);
  }

  /** After a gap this node was itself paused, and shifts what it remembers by as much. */
  awake(nowMs: number): void {
    const pausedMs = nowMs - this.#awakeMs;
    this.#awakeMs = nowMs;
    if (pausedMs < OWN_PAUSE_MS) return;
    this.#wokeMs = nowMs;
    for (const subject of this.#subjects) {
      if (subject.heardMs !== undefined) subject.heardMs += pausedMs;
      subject.failedMs += pausedMs;
      subject.arrivedMs = undefined;
    }
  }

  #of(member: number): Subject {
    return this.#subjects[member] as Subject;
  }

  #failuresOf({ failures, failedMs }: Subject, nowMs: number): number {
    const isOver = nowMs - failedMs > FORGOTTEN_ROUNDS * this.#preset.intervalMs;
    return isOver && failures < DOWN_PHI ? 0 : failures;
  }

  #measure(subject: Subject, tookMs: number): void {
    // Bounded, so that it takes six late answers in a row, and not one of a minute.
    const boundedMs = Math.min(tookMs, 2 * this.#preset.slowMs);
    const usualMs = subject.answerMs ?? 0;
    subject.answerMs = usualMs + (boundedMs - usualMs) * ANSWER_WEIGHT;
    const limitMs = subject.isSlow ? this.#preset.slowMs / 2 : this.#preset.slowMs;
    subject.isSlow = subject.answerMs > limitMs;
  }

  #judge(member: number, nowMs: number): void {
    const subject = this.#of(member);
    const state = this.#verdict(member, nowMs);
    if (state === 'down' && subject.state !== 'down') this.downs += 1;
    subject.state = state;
  }

  #verdict(member: number, nowMs: number): MemberState {
    const { hasLeft, heardMs, isBroken } = this.#of(member);
    if (hasLeft) return 'left';
    if (heardMs === undefined) return 'unheard';
    const phi = this.phi(member, nowMs);
    if (isBroken || phi >= DOWN_PHI) return 'down';
    return phi >= SUSPECT_PHI ? 'suspect' : 'alive';
  }
}
