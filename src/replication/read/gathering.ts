// One quorum read while it gathers what is known: our own copy, and the versions of others. Only as
// many others are asked at first as the quorum lacks, those of our own data center before all
// others, and none of a data center that the read does not need. One that is lost is replaced at
// once; when one is slow (our own disk is no exception) all that are left are asked after SLOW_MS.
//
// It is the question that it asks, so that a read is one object and not a handful of closures.

import { EMPTY_OBJECT, type StoredObject } from '../../causality/siblings.ts';
import type { Clock } from '../../host/host.ts';
import { type ClusterView, livingFallbacks } from '../cluster-view.ts';
import type { Keyspace } from '../keyspace.ts';
import { counts, type Share } from '../levels/need.ts';
import type { KeyAt, Request } from '../messages.ts';
import type { Answer, MemberIndex, Peers, Question } from '../peers.ts';
import type { Replica } from '../replica.ts';
import type { ReadQuorum } from './read-quorum.ts';

/** A healthy answer takes a few milliseconds at most; after this all who are left are asked. */
const SLOW_MS = 30;

export interface ReaderParts {
  readonly view: ClusterView;
  readonly replica: Replica;
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
  /** Few reads need one. */
  #askedFallbacks: MemberIndex[] | undefined;
  /** Whose answers may still come. */
  readonly #open: MemberIndex[] = [];
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
      if (this.#ownComing !== undefined) this.#awaitOwn(this.#ownComing, resolve);
      this.#askWhatLacks();
      if (this.#open.length === 0) resolve();
    });
  }

  onAnswer(member: MemberIndex, answer: Answer): void {
    const { quorum } = this.task;
    if (answer.kind !== 'version') quorum.addFailure(member);
    // A fallback that has nothing was never meant to have it: that is no answer.
    else if (answer.version !== undefined || this.#primaries.includes(member)) {
      quorum.addVersion(member, answer.version);
    }
    this.#conclude(member);
  }

  /** All primaries that are left and count; fallbacks are for those that are lost. */
  onSlow(): void {
    for (const { dataCenter } of this.task.quorum.need) {
      for (;;) {
        const member = this.#nextPrimary(dataCenter);
        if (member === undefined) break;
        this.#askOne(member);
      }
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
      this.#open.push(this.#parts.view.self);
      this.#ownComing = bytes.then((found) => this.#takeOwn(found)).catch(() => this.#failOwn());
    } catch {
      this.#failOwn();
    }
  }

  #takeOwn(bytes: Buffer | undefined): void {
    const { replica, view } = this.#parts;
    // Where we only stand in, that we have nothing is no answer.
    if (bytes === undefined && !this.#primaries.includes(view.self)) return;
    this.#own = replica.objectOf(this.task.at, bytes);
    this.task.quorum.addVersion(view.self, this.#own);
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
      this.#conclude(this.#parts.view.self);
    });
  }

  /** `member` has answered, or never will. */
  #conclude(member: MemberIndex): void {
    const open = this.#open;
    const place = open.indexOf(member);
    open[place] = open[open.length - 1] as MemberIndex;
    open.length -= 1;
    if (this.#askWhatLacks() || open.length === 0) this.#isOver?.();
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
      const member = this.#nextPrimary(dataCenter) ?? this.#nextFallback(dataCenter);
      if (member === undefined) return;
      this.#askOne(member);
    }
  }

  #askOne(member: MemberIndex): void {
    const { clock, peers } = this.#parts;
    this.#open.push(member);
    this.budgetMs = this.task.deadlineMs - clock.monotonicMs();
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

  /** The next one that was not asked yet, in `dataCenter` only, or else near ones first. */
  #nextPrimary(dataCenter: string | undefined): MemberIndex | undefined {
    const { view } = this.#parts;
    const near = dataCenter ?? view.dataCenterOf(view.self);
    return (
      this.#nextInTurn(near, true) ??
      this.#nextInTurn(dataCenter, true) ??
      this.#nextInTurn(dataCenter, false)
    );
  }

  /** The next primary there that was not asked yet, this node left out. */
  #nextInTurn(dataCenter: string | undefined, mustBeAlive: boolean): MemberIndex | undefined {
    const { view } = this.#parts;
    const count = this.#primaries.length;
    const self = this.#primaries.indexOf(view.self);
    const others = self < 0 ? count : count - 1;
    for (let i = 0; i < others; i++) {
      const place = (self + 1 + ((this.task.turn + i) % others)) % count;
      const member = this.#primaries[place] as MemberIndex;
      const bit = 1 << place;
      if ((this.#asked & bit) !== 0 || (mustBeAlive && !view.isAlive(member))) continue;
      if (dataCenter !== undefined && view.dataCenterOf(member) !== dataCenter) continue;
      this.#asked |= bit;
      return member;
    }
    return undefined;
  }
}
