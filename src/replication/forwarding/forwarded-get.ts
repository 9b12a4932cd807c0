// A read of a key of which this node is no primary, handed as a whole to one that is: to the first
// that seems alive and is not late lately. The next one is asked when that one is lost or refuses,
// and beside it when it takes longer than usual (hedger.ts): a read may be done twice.

import type { Clock } from '../../host/host.ts';
import { areNear, type ClusterView } from '../cluster-view.ts';
import { type Need, nothingOf } from '../levels/need.ts';
import type { Request } from '../messages.ts';
import type { Answer, Asking, MemberIndex, Question } from '../peers.ts';
import type { Hedger, Waiting } from '../read/hedger.ts';
import type { GetOutcome, GetRequest } from '../request.ts';
import { errorOf, isFinal } from './final-refusal.ts';

export interface ForwardedGetParts {
  readonly view: ClusterView;
  readonly peers: Asking;
  readonly clock: Clock;
  readonly hedger: Hedger;
}

export interface ForwardedGetTask {
  readonly request: GetRequest;
  readonly primaries: readonly MemberIndex[];
  /** For the answer that nobody gave. */
  readonly need: Need;
  /** Milliseconds. */
  readonly budgetMs: number;
}

export class ForwardedGet implements Question, Waiting {
  readonly request: Request;
  readonly budgetMs: number;
  slowAfterMs = 0;
  lateAtMs = 0;
  readonly #parts: ForwardedGetParts;
  /** Those who were not asked yet, in their order. */
  readonly #left: MemberIndex[];
  #first: MemberIndex | undefined;
  #hedge: MemberIndex | undefined;
  #probed: MemberIndex | undefined;
  #askedMs = 0;
  /** Answers that may still come. */
  #missing = 0;
  #best: GetOutcome;
  /** Undefined before it begins, and as soon as it is over. */
  #end: PromiseWithResolvers<GetOutcome> | undefined;

  constructor(parts: ForwardedGetParts, task: ForwardedGetTask) {
    this.#parts = parts;
    this.request = { kind: 'coordinate-get', ...task.request };
    this.budgetMs = task.budgetMs;
    this.#left = task.primaries.filter((member) => parts.view.isAlive(member));
    this.#best = { kind: 'no-answer', ...nothingOf(task.need) };
  }

  get isOver(): boolean {
    return this.#end === undefined;
  }

  /** Rejects where it is the request that is wrong. */
  run(): Promise<GetOutcome> {
    const { clock, hedger } = this.#parts;
    const end = Promise.withResolvers<GetOutcome>();
    this.#end = end;
    this.#askedMs = clock.monotonicMs();
    this.#first = this.#askNext();
    if (this.#first === undefined) {
      this.#resolve();
    } else {
      this.lateAtMs = this.#askedMs + hedger.times.hedgeAfterMs(this.#first);
      hedger.times.asked(this.#first, this.#askedMs);
      hedger.watch(this.#first, this);
      this.#probe();
    }
    return end.promise;
  }

  onAnswer(member: MemberIndex, answer: Answer): void {
    this.#missing -= 1;
    this.#measure(member, answer);
    if (this.#end === undefined) return;
    if (answer.kind === 'refused' && isFinal(answer.code)) {
      this.#end.reject(errorOf(answer));
      this.#end = undefined;
      return;
    }
    if (answer.kind === 'got') this.#best = answer.outcome;
    if (this.#best.kind === 'no-answer') this.#askNext();
    else if (member === this.#hedge) this.#parts.hedger.counters.hedgeWins += 1;
    if (this.#best.kind !== 'no-answer' || this.#missing === 0) this.#resolve();
  }

  onSlow(): void {
    if (!this.isOver) this.#askNext();
  }

  hedge(): boolean {
    this.#hedge = this.#askNext();
    return this.#hedge !== undefined;
  }

  #resolve(): void {
    this.#end?.resolve(this.#best);
    this.#end = undefined;
  }

  /** Those who are not late before those who are. */
  #askNext(): MemberIndex | undefined {
    const { hedger } = this.#parts;
    const quick = this.#left.findIndex((member) => !hedger.isLate(member, this.#askedMs));
    const [member] = this.#left.splice(Math.max(0, quick), 1);
    if (member !== undefined) this.#ask(member);
    return member;
  }

  #ask(member: MemberIndex): void {
    const { hedger, peers } = this.#parts;
    this.#missing += 1;
    this.slowAfterMs = hedger.slowAfterMs(member);
    peers.ask([member], this);
  }

  /** Nobody waits for those who are left out, but one who is well again should come back. */
  #probe(): void {
    const { hedger, view } = this.#parts;
    const place = this.#left.findIndex((member) => {
      return areNear(view, [member]) && hedger.maybeProbe(member, this.#askedMs);
    });
    if (place < 0) return;
    this.#probed = this.#left.splice(place, 1)[0] as MemberIndex;
    hedger.times.asked(this.#probed, this.#askedMs);
    this.#ask(this.#probed);
  }

  #measure(member: MemberIndex, answer: Answer): void {
    if (member !== this.#first && member !== this.#probed) return;
    const { clock, hedger } = this.#parts;
    if (answer.kind === 'lost') {
      hedger.times.lost(member);
    } else {
      const tookMs = clock.monotonicMs() - this.#askedMs;
      hedger.times.answered(member, tookMs, this.#hedge !== undefined);
    }
  }
}
