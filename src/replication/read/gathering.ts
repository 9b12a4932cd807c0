// One quorum read while it gathers what is known: our own copy, and the versions of others. Only as
// many others are asked at first as the quorum lacks, those who are late lately (hedger.ts) after
// all others. One that is lost is replaced at once. When an answer takes longer than usual one more
// is asked, if the budget allows it; and in any case after a time that no healthy node takes (our
// own disk is no exception), so that a read waits for nobody who hangs.
//
// It is the question that it asks, so that a read is one object and not a handful of closures.

import { EMPTY_OBJECT, type StoredObject } from '../../causality/siblings.ts';
import type { Clock } from '../../host/host.ts';
import { type ClusterView, livingFallbacks } from '../cluster-view.ts';
import type { Keyspace } from '../keyspace.ts';
import type { KeyAt, Request } from '../messages.ts';
import type { Answer, MemberIndex, Peers, Question } from '../peers.ts';
import type { RefillBook } from '../refill/refill-book.ts';
import { areAllWithoutPast } from '../refill/without-past.ts';
import type { Replica } from '../replica.ts';
import type { Hedger, Waiting } from './hedger.ts';
import type { ReadQuorum } from './read-quorum.ts';

/** A disk that is well answers by then. */
const DISK_SLOW_MS = 30;

export interface ReaderParts {
  readonly view: ClusterView;
  readonly replica: Replica;
  readonly refill: RefillBook;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly hedger: Hedger;
}

/** What is read, and until when. */
export interface ReadTask {
  readonly keyspace: Keyspace;
  readonly at: KeyAt;
  readonly quorum: ReadQuorum;
  readonly deadlineMs: number;
  /** A whole number that differs from read to read: says which replica is asked first. */
  readonly turn: number;
}

export class Gathering implements Question, Waiting {
  readonly request: Request;
  slowAfterMs = 0;
  budgetMs = 0;
  lateAtMs = 0;
  readonly task: ReadTask;
  readonly #parts: ReaderParts;
  readonly #primaries: readonly MemberIndex[];
  #own: StoredObject = EMPTY_OBJECT;
  /** While our disk is being asked. Never rejects. */
  #ownComing: Promise<void> | undefined;
  /** One bit for each place in #primaries. */
  #asked = 0;
  /** Those that had no turn yet; few reads need one. */
  #fallbacks: ReturnType<typeof livingFallbacks> | undefined;
  /** Of #asked, those who were asked at first: how long they take is worth knowing. */
  #measured = 0;
  #askedMs = 0;
  #hedge: MemberIndex | undefined;
  /** Answers that may still come. */
  #missing = 0;
  /** Undefined before it waits for anything, and as soon as it is over. */
  #resolve: (() => void) | undefined;

  constructor(parts: ReaderParts, task: ReadTask) {
    const { keyspace, slot, key } = task.at;
    this.#parts = parts;
    this.task = task;
    this.request = { kind: 'read-version', keyspace, slot, key };
    this.#primaries = parts.view.primaries(task.keyspace, slot);
    this.#readOwn();
  }

  /** Our own copy, empty when we have none or could not read it. */
  get own(): StoredObject {
    return this.#own;
  }

  /** Resolves when the quorum is decided, or nobody is left, or the deadline has passed. */
  run(): Promise<void> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      const lacking = this.task.quorum.lacking();
      if (this.#ownComing === undefined) this.#askFirst(lacking);
      else {
        this.#awaitOwn(this.#ownComing);
        this.#askFirst(lacking - 1);
      }
      if (this.#missing === 0) this.#end();
    });
  }

  get isOver(): boolean {
    return this.#resolve === undefined;
  }

  onAnswer(member: MemberIndex, answer: Answer): void {
    const { quorum } = this.task;
    this.#measure(member, answer);
    if (answer.kind !== 'version') quorum.addFailure(member);
    else if (answer.isRefilling) quorum.addRefilling(member, answer.version);
    // A fallback that has nothing was never meant to have it: that is no answer.
    else if (answer.version !== undefined || this.#primaries.includes(member)) {
      quorum.addVersion(member, answer.version);
    }
    const wasOver = this.isOver;
    this.#conclude();
    const hasDecided = this.isOver && !wasOver;
    if (hasDecided && member === this.#hedge) this.#parts.hedger.counters.hedgeWins += 1;
  }

  /** A primary that is left; fallbacks are for those that are lost. */
  onSlow(): void {
    if (this.isOver) return;
    const member = this.#nextInTurn('quick') ?? this.#nextInTurn('alive');
    if (member !== undefined) this.#askOne(member);
  }

  hedge(): boolean {
    const member = this.#nextInTurn('quick');
    if (member === undefined) return false;
    this.#hedge = member;
    this.#askOne(member);
    return true;
  }

  /** There at once when it is in memory, else counted when it has come. */
  #readOwn(): void {
    const { replica } = this.#parts;
    try {
      const bytes = replica.read(this.task.keyspace, this.task.at);
      if (!(bytes instanceof Promise)) {
        this.#takeOwn(bytes);
        return;
      }
      this.#missing += 1;
      this.#ownComing = bytes.then((found) => this.#takeOwn(found)).catch(() => this.#failOwn());
    } catch {
      this.#failOwn();
    }
  }

  #takeOwn(bytes: Buffer | undefined): void {
    const { quorum, at } = this.task;
    const { refill, replica, view } = this.#parts;
    // Where we only stand in, that we have nothing is no answer.
    if (bytes === undefined && !this.#primaries.includes(view.self)) return;
    this.#own = replica.objectOf(at, bytes);
    if (refill.isRefilling(at)) quorum.addRefilling(view.self, this.#own);
    else quorum.addVersion(view.self, this.#own);
  }

  /** Our disk cannot vouch for this key: the others answer, and we count as failed. */
  #failOwn(): void {
    this.task.quorum.addFailure(this.#parts.view.self);
  }

  #awaitOwn(coming: Promise<void>): void {
    const { clock } = this.#parts;
    const slow = clock.after(DISK_SLOW_MS, () => this.onSlow());
    const late = clock.after(this.task.deadlineMs - clock.monotonicMs(), () => this.#end());
    this.#ownComing = undefined;
    coming.then(() => {
      slow.cancel();
      late.cancel();
      this.#conclude();
    });
  }

  #conclude(): void {
    const { quorum } = this.task;
    this.#missing -= 1;
    const lacking = quorum.lacking();
    if (this.#missing < lacking) this.#ask(1);
    if (lacking === 0 || this.#missing === 0) this.#end();
  }

  /** Decided, or nobody is left to be asked. */
  #end(): void {
    const { quorum, keyspace } = this.task;
    if (quorum.lacking() > 0 && quorum.refilling > 0) {
      const areAllHere = this.#primaries.every((member) => quorum.answered.includes(member));
      if (areAllHere || areAllWithoutPast(quorum.refilling, keyspace)) quorum.countRefilling();
    }
    this.#resolve?.();
    this.#resolve = undefined;
  }

  /** How long these take is measured, and one more is asked when the slowest of them is late. */
  #askFirst(count: number): void {
    const { clock, hedger } = this.#parts;
    this.#askedMs = clock.monotonicMs();
    this.#ask(count);
    let slowest: MemberIndex | undefined;
    for (let place = 0; place < this.#primaries.length; place++) {
      if ((this.#asked & (1 << place)) === 0) continue;
      const member = this.#primaries[place] as MemberIndex;
      hedger.times.asked(member, this.#askedMs);
      const lateAtMs = this.#askedMs + hedger.times.hedgeAfterMs(member);
      if (lateAtMs <= this.lateAtMs) continue;
      this.lateAtMs = lateAtMs;
      slowest = member;
    }
    if (slowest !== undefined) hedger.watch(slowest, this);
    this.#probe();
    this.#measured = this.#asked;
  }

  /** Nobody waits for those who are left out, but one who is well again should come back. */
  #probe(): void {
    const { hedger, view } = this.#parts;
    for (let place = 0; place < this.#primaries.length; place++) {
      const member = this.#primaries[place] as MemberIndex;
      if ((this.#asked & (1 << place)) !== 0 || member === view.self) continue;
      if (!hedger.maybeProbe(member, this.#askedMs)) continue;
      this.#asked |= 1 << place;
      hedger.times.asked(member, this.#askedMs);
      this.#askOne(member);
    }
  }

  #measure(member: MemberIndex, answer: Answer): void {
    if ((this.#measured & (1 << this.#primaries.indexOf(member))) === 0) return;
    const { clock, hedger } = this.#parts;
    if (answer.kind === 'lost') {
      hedger.times.lost(member);
    } else {
      const tookMs = clock.monotonicMs() - this.#askedMs;
      hedger.times.answered(member, tookMs, this.#hedge !== undefined);
    }
  }

  #ask(count: number): void {
    for (let i = 0; i < count; i++) {
      const member =
        this.#nextInTurn('quick') ??
        this.#nextInTurn('alive') ??
        this.#nextInTurn('any') ??
        this.#nextFallback();
      if (member === undefined) return;
      this.#askOne(member);
    }
  }

  #askOne(member: MemberIndex): void {
    const { clock, hedger, peers } = this.#parts;
    this.#missing += 1;
    this.budgetMs = this.task.deadlineMs - clock.monotonicMs();
    this.slowAfterMs = hedger.slowAfterMs(member);
    peers.ask([member], this);
  }

  /** The best one alive that was not asked yet, when all primaries were. */
  #nextFallback(): MemberIndex | undefined {
    const { keyspace, at } = this.task;
    this.#fallbacks ??= livingFallbacks(this.#parts.view, keyspace, at.slot);
    return this.#fallbacks.next().value;
  }

  /** The next primary that was not asked yet, this node left out. */
  #nextInTurn(wanted: 'quick' | 'alive' | 'any'): MemberIndex | undefined {
    const { hedger, view } = this.#parts;
    const count = this.#primaries.length;
    const self = this.#primaries.indexOf(view.self);
    const others = self < 0 ? count : count - 1;
    for (let i = 0; i < others; i++) {
      const place = (self + 1 + ((this.task.turn + i) % others)) % count;
      const member = this.#primaries[place] as MemberIndex;
      const bit = 1 << place;
      if ((this.#asked & bit) !== 0) continue;
      if (wanted !== 'any' && !view.isAlive(member)) continue;
      if (wanted === 'quick' && hedger.isLate(member, this.#askedMs)) continue;
      this.#asked |= bit;
      return member;
    }
    return undefined;
  }
}
