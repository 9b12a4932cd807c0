// One quorum read while it gathers what is known: our own copy, and the versions of others. Only as
// many others are asked at first as the quorum lacks. One that is lost is replaced at once; when
// one is slow (our own disk is no exception) all that are left are asked after SLOW_MS.
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
import type { ReadQuorum } from './read-quorum.ts';

/** A healthy answer takes a few milliseconds at most; after this all who are left are asked. */
const SLOW_MS = 30;

export interface ReaderParts {
  readonly view: ClusterView;
  readonly replica: Replica;
  readonly refill: RefillBook;
  readonly peers: Peers;
  readonly clock: Clock;
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

export class Gathering implements Question {
  readonly request: Request;
  readonly slowAfterMs = SLOW_MS;
  budgetMs = 0;
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
  /** Answers that may still come. */
  #missing = 0;
  #isOver: (() => void) | undefined;

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
      this.#isOver = resolve;
      const lacking = this.task.quorum.lacking();
      if (this.#ownComing === undefined) this.#ask(lacking);
      else {
        this.#awaitOwn(this.#ownComing, resolve);
        this.#ask(lacking - 1);
      }
      if (this.#missing === 0) this.#end();
    });
  }

  onAnswer(member: MemberIndex, answer: Answer): void {
    const { quorum } = this.task;
    if (answer.kind !== 'version') quorum.addFailure(member);
    else if (answer.isRefilling) quorum.addRefilling(member, answer.version);
    // A fallback that has nothing was never meant to have it: that is no answer.
    else if (answer.version !== undefined || this.#primaries.includes(member)) {
      quorum.addVersion(member, answer.version);
    }
    this.#conclude();
  }

  /** All primaries that are left; fallbacks are for those that are lost. */
  onSlow(): void {
    for (;;) {
      const member = this.#nextInTurn(true) ?? this.#nextInTurn(false);
      if (member === undefined) return;
      this.#askOne(member);
    }
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

  #awaitOwn(coming: Promise<void>, giveUp: () => void): void {
    const { clock } = this.#parts;
    const slow = clock.after(SLOW_MS, () => this.onSlow());
    const late = clock.after(this.task.deadlineMs - clock.monotonicMs(), giveUp);
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
    this.#isOver?.();
  }

  #ask(count: number): void {
    for (let i = 0; i < count; i++) {
      const member = this.#nextInTurn(true) ?? this.#nextInTurn(false) ?? this.#nextFallback();
      if (member === undefined) return;
      this.#askOne(member);
    }
  }

  #askOne(member: MemberIndex): void {
    const { clock, peers } = this.#parts;
    this.#missing += 1;
    this.budgetMs = this.task.deadlineMs - clock.monotonicMs();
    peers.ask([member], this);
  }

  /** The best one alive that was not asked yet, when all primaries were. */
  #nextFallback(): MemberIndex | undefined {
    const { keyspace, at } = this.task;
    this.#fallbacks ??= livingFallbacks(this.#parts.view, keyspace, at.slot);
    return this.#fallbacks.next().value;
  }

  /** The next primary that was not asked yet, this node left out. */
  #nextInTurn(mustBeAlive: boolean): MemberIndex | undefined {
    const { view } = this.#parts;
    const count = this.#primaries.length;
    const self = this.#primaries.indexOf(view.self);
    const others = self < 0 ? count : count - 1;
    for (let i = 0; i < others; i++) {
      const place = (self + 1 + ((this.task.turn + i) % others)) % count;
      const member = this.#primaries[place] as MemberIndex;
      const bit = 1 << place;
      if ((this.#asked & bit) !== 0 || (mustBeAlive && !view.isAlive(member))) continue;
      this.#asked |= bit;
      return member;
    }
    return undefined;
  }
}
