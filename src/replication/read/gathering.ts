// One quorum read while it gathers what is known: our own copy, and the versions of others. Only as
// many others are asked at first as the quorum lacks: those of our own data center before all
// others, and none of a data center that the read does not need; those who are late lately
// (hedger.ts) last. One that is lost is replaced at once. When an answer takes longer than usual
// one more is asked, if the budget allows it; and in any case after a time that no healthy node
// takes (our own disk is no exception), so that a read waits for nobody who hangs.
//
// It is the question that it asks, so that a read is one object and not a handful of closures.

import { EMPTY_OBJECT, type StoredObject } from '../../causality/siblings.ts';
import type { Clock } from '../../host/host.ts';
import { type ClusterView, livingFallbacks } from '../cluster-view.ts';
import type { Keyspace } from '../keyspace.ts';
import { counts, type Share } from '../levels/need.ts';
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

/** `quick`: it seems alive, and is not late lately. */
type Fitness = 'quick' | 'alive' | 'any';

const QUICK: readonly Fitness[] = ['quick'];
const ALIVE: readonly Fitness[] = ['quick', 'alive'];
const ANYBODY: readonly Fitness[] = ['quick', 'alive', 'any'];

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
  /** Few reads need one. */
  #askedFallbacks: MemberIndex[] | undefined;
  /** Of #asked, those who were asked at first: how long they take is worth knowing. */
  #measured = 0;
  #askedMs = 0;
  #hedge: MemberIndex | undefined;
  /** Whose answers may still come. */
  readonly #open: MemberIndex[] = [];
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
      if (this.#ownComing !== undefined) this.#awaitOwn(this.#ownComing);
      this.#askFirst();
      if (this.#open.length === 0) this.#end();
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
    this.#conclude(member);
    const hasDecided = this.isOver && !wasOver;
    if (hasDecided && member === this.#hedge) this.#parts.hedger.counters.hedgeWins += 1;
  }

  /** A primary that is left; fallbacks are for those that are lost. */
  onSlow(): void {
    if (this.isOver) return;
    const member = this.#oneMore(ALIVE);
    if (member !== undefined) this.#askOne(member);
  }

  hedge(): boolean {
    const member = this.#oneMore(QUICK);
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
      this.#open.push(this.#parts.view.self);
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
      this.#conclude(this.#parts.view.self);
    });
  }

  /** `member` has answered, or never will. */
  #conclude(member: MemberIndex): void {
    const open = this.#open;
    const place = open.indexOf(member);
    open[place] = open[open.length - 1] as MemberIndex;
    open.length -= 1;
    if (this.#askWhatLacks() || open.length === 0) this.#end();
  }

  /** Decided, or nobody is left to be asked. */
  #end(): void {
    const { quorum, keyspace } = this.task;
    if (quorum.refilling > 0 && !quorum.isFull()) {
      const others = this.#primaries.filter((member) => !quorum.answered.includes(member));
      const areAllHere = !others.some((member) => this.#isCounted(member));
      if (areAllHere || areAllWithoutPast(quorum.refilling, keyspace)) quorum.countRefilling();
    }
    this.#resolve?.();
    this.#resolve = undefined;
  }

  /** How long these take is measured, and one more is asked when the slowest of them is late. */
  #askFirst(): void {
    const { clock, hedger } = this.#parts;
    this.#askedMs = clock.monotonicMs();
    this.#askWhatLacks();
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
      if (!this.#isWanted(member) || !hedger.maybeProbe(member, this.#askedMs)) continue;
      this.#asked |= 1 << place;
      hedger.times.asked(member, this.#askedMs);
      this.#askOne(member);
    }
  }

  #isCounted(member: MemberIndex): boolean {
    return this.task.quorum.need.some((share) => counts(share, this.#parts.view, member));
  }

  /** Not of a data center that this read can do without. */
  #isWanted(member: MemberIndex): boolean {
    const where = this.#parts.view.dataCenterOf(member);
    return this.task.quorum.need.some(({ dataCenter = this.#home }) => dataCenter === where);
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

  /** Asks as many more as every share lacks, if there are; whether nothing is lacking. */
  #askWhatLacks(): boolean {
    const { quorum } = this.task;
    for (const share of quorum.need) {
      const lacking = quorum.lacking(share);
      if (lacking > 0) this.#ask(lacking - this.#openIn(share), share.dataCenter);
    }
    if (!quorum.isFull()) return false;
    // Everybody may know what those who count do not.
    const isBehind = quorum.isBehind();
    if (isBehind && this.#open.length === 0) this.#ask(1, undefined);
    return !isBehind;
  }

  #openIn(share: Share): number {
    let count = 0;
    for (const member of this.#open) if (counts(share, this.#parts.view, member)) count += 1;
    return count;
  }

  #ask(count: number, dataCenter: string | undefined): void {
    for (let i = 0; i < count; i++) {
      const member = this.#nextPrimary(dataCenter, ANYBODY) ?? this.#nextFallback(dataCenter);
      if (member === undefined) return;
      this.#askOne(member);
    }
  }

  #askOne(member: MemberIndex): void {
    const { clock, hedger, peers } = this.#parts;
    this.#open.push(member);
    this.budgetMs = this.task.deadlineMs - clock.monotonicMs();
    this.slowAfterMs = hedger.slowAfterMs(member);
    peers.ask([member], this);
  }

  /** The best one alive that was not asked yet, when all primaries were. */
  #nextFallback(dataCenter: string | undefined): MemberIndex | undefined {
    const { keyspace, at } = this.task;
    for (const member of livingFallbacks(this.#parts.view, keyspace, at.slot, dataCenter)) {
      if (this.#askedFallbacks?.includes(member)) continue;
      this.#askedFallbacks ??= [];
      this.#askedFallbacks.push(member);
      return member;
    }
    return undefined;
  }

  /** Of those who could fill what is lacking, beside whoever was asked for it. */
  #oneMore(fitness: readonly Fitness[]): MemberIndex | undefined {
    const { quorum } = this.task;
    for (const share of quorum.need) {
      if (quorum.lacking(share) === 0) continue;
      const member = this.#nextPrimary(share.dataCenter, fitness);
      if (member !== undefined) return member;
    }
    return quorum.isFull() ? this.#nextPrimary(undefined, fitness) : undefined;
  }

  /** The next one that was not asked yet, in `dataCenter` only, or else near ones first. */
  #nextPrimary(
    dataCenter: string | undefined,
    fitness: readonly Fitness[],
  ): MemberIndex | undefined {
    for (const wanted of fitness) {
      const near = this.#nextInTurn(dataCenter ?? this.#home, wanted);
      const member = near ?? this.#nextInTurn(dataCenter, wanted);
      if (member !== undefined) return member;
    }
    return undefined;
  }

  get #home(): string {
    const { view } = this.#parts;
    return view.dataCenterOf(view.self);
  }

  /** The next primary there that was not asked yet, this node left out. */
  #nextInTurn(dataCenter: string | undefined, wanted: Fitness): MemberIndex | undefined {
    const { hedger, view } = this.#parts;
    const count = this.#primaries.length;
    const self = this.#primaries.indexOf(view.self);
    const others = self < 0 ? count : count - 1;
    for (let i = 0; i < others; i++) {
      const place = (self + 1 + ((this.task.turn + i) % others)) % count;
      const member = this.#primaries[place] as MemberIndex;
      const bit = 1 << place;
      if ((this.#asked & bit) !== 0) continue;
      if (dataCenter !== undefined && view.dataCenterOf(member) !== dataCenter) continue;
      if (wanted !== 'any' && !view.isAlive(member)) continue;
      if (wanted === 'quick' && hedger.isLate(member, this.#askedMs)) continue;
      this.#asked |= bit;
      return member;
    }
    return undefined;
  }
}
