// One minted write on its way to W durable copies: the question that the other primaries are asked,
// the count of those who hold it, and the outcome. One object for all of it, because every write of
// a client makes one.
//
// For a primary that is away a fallback keeps the write, with a hint, and counts in its place; when
// there is none, or the keyspace is strict, we keep the hint ourselves, and count nothing. Where no
// primary can be reached we are none ourselves: we stand in for the first, with hints for all.

import { KvorumError } from '../base/errors.ts';
import { hasEarlierIncarnations } from '../causality/pruning.ts';
import { descends, type VersionVector } from '../causality/version-vector.ts';
import type { Clock } from '../host/host.ts';
import {
  areNear,
  byDataCenter,
  type ClusterView,
  livingFallbacks,
  standInPlace,
} from './cluster-view.ts';
import type { DeadlineSweep, Waiting } from './deadline-sweep.ts';
import type { Durability, Keyspace } from './keyspace.ts';
import type { Need } from './levels/need.ts';
import type { KeyAt, StoreRequest } from './messages.ts';
import type { Answer, MemberIndex, PassedQuestion, Peers } from './peers.ts';
import type { Minted, Replica } from './replica.ts';
import type { WriteOutcome, WriteReceipt } from './request.ts';
import { WriteQuorum } from './write-quorum.ts';

export interface WriterParts {
  readonly view: ClusterView;
  readonly replica: Replica;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly requestMs: number;
  /** Peers keep the deadline of a question; our own disk does not. */
  readonly ownDisk: DeadlineSweep;
}

export interface WriteTerms {
  readonly keyspace: Keyspace;
  readonly primaries: readonly MemberIndex[];
  /** Us, or the primary that we stand in for. */
  readonly own: MemberIndex;
  readonly need: Need;
  readonly deadlineMs: number;
}

export class ReplicatedWrite implements PassedQuestion, Waiting {
  readonly request: StoreRequest;
  readonly budgetMs: number;
  readonly deadlineMs: number;
  readonly #parts: WriterParts;
  readonly #minted: Minted;
  readonly #terms: WriteTerms;
  readonly #others: readonly MemberIndex[];
  readonly #isStandIn: boolean;
  readonly #quorum: WriteQuorum;
  readonly #receipt: GrowingReceipt;
  /** Few writes need one. */
  #askedFallbacks: MemberIndex[] | undefined;
  /** Whether closing could help, and the copies of all who answered are what was minted. */
  #isUnanimous: boolean;
  /** Undefined as soon as the outcome is known. */
  #resolve: ((outcome: WriteOutcome) => void) | undefined;

  constructor(parts: WriterParts, at: KeyAt, minted: Minted, terms: WriteTerms) {
    const { keyspace, slot, key } = at;
    this.request = { kind: 'store-copy', keyspace, slot, key, object: minted.object };
    this.budgetMs = terms.deadlineMs - parts.clock.monotonicMs();
    this.deadlineMs = terms.deadlineMs;
    this.#parts = parts;
    this.#minted = minted;
    this.#terms = terms;
    this.#isStandIn = terms.own !== parts.view.self;
    this.#others = terms.primaries.filter((member) => member !== terms.own);
    this.#quorum = new WriteQuorum(terms.need, terms.primaries, parts.view, !this.#isStandIn);
    this.#receipt = new GrowingReceipt(this.#quorum, terms.keyspace.durability, parts.view);
    this.#isUnanimous = hasEarlierIncarnations(minted.context);
  }

  /** Sends the object to all other primaries; resolves when W copies are durable. */
  run(): Promise<WriteOutcome> {
    const others = this.#others;
    return new Promise((resolve) => {
      this.#resolve = resolve;
      if (others.length > 0) this.#askOthers(this);
      else this.#parts.ownDisk.add(this);
      this.#minted.durable.then(
        () => this.#countOwn(true),
        () => this.#countOwn(false),
      );
    });
  }

  onAnswer(member: MemberIndex, answer: Answer): void {
    if (answer.kind !== 'stored') {
      this.#standInFor(member);
      return;
    }
    // A copy that knows more of us than we do has not kept a write under a name used twice.
    const isKept = !this.#parts.replica.learnContext(answer.context);
    this.#isUnanimous &&= isKept && descends(this.#minted.context, answer.context);
    this.#count(member, isKept);
  }

  /** All other primaries: near ones each, those of another data center through one of them. */
  #askOthers(question: PassedQuestion): void {
    const { peers, view } = this.#parts;
    const others = this.#others;
    if (areNear(view, others)) {
      peers.ask(others, question);
      return;
    }
    const [near = [], ...far] = byDataCenter(view, others);
    if (near.length > 0) peers.ask(near, question);
    for (const there of far) peers.askThrough(there, question);
  }

  giveUp(): void {
    this.#decide({ kind: 'indeterminate', ...this.#quorum.progress() });
  }

  /** Asks the next fallback to keep the write for `primary`, which did not. */
  #standInFor(primary: MemberIndex): void {
    const { peers, requestMs, clock, view } = this.#parts;
    const fallback = this.#nextFallbackFor(primary);
    const leftMs = this.deadlineMs - clock.monotonicMs();
    // Nobody waits any more when the outcome is known: then the fallback has time.
    const budgetMs = this.#resolve === undefined ? requestMs : leftMs;
    if (fallback === undefined || budgetMs <= 0) {
      // Who stands in has written the hints for all with the object.
      if (!this.#isStandIn) this.#noteLacking(primary);
      this.#count(primary, false);
      return;
    }
    const target = view.nodeNumber(primary);
    const request = { ...this.request, kind: 'store-hint', target } as const;
    const onAnswer = (_: MemberIndex, answer: Answer) => {
      if (answer.kind !== 'stored') this.#standInFor(primary);
      else this.#countStandIn(primary, fallback, answer.context);
    };
    peers.ask([fallback], { request, budgetMs, onAnswer });
  }

  /** The best one that was not asked yet. */
  #nextFallbackFor(primary: MemberIndex): MemberIndex | undefined {
    const { view } = this.#parts;
    const { keyspace } = this.#terms;
    const where = standInPlace(view, keyspace, primary);
    for (const member of livingFallbacks(view, keyspace, this.request.slot, where)) {
      if (this.#askedFallbacks?.includes(member)) continue;
      this.#askedFallbacks ??= [];
      this.#askedFallbacks.push(member);
      return member;
    }
    return undefined;
  }

  #countStandIn(primary: MemberIndex, fallback: MemberIndex, context: VersionVector): void {
    if (this.#parts.replica.learnContext(context)) this.#quorum.addFailure(primary);
    else this.#quorum.addStandIn(primary, fallback);
    this.#conclude();
  }

  /** Nobody counts on it: whether it is kept or not, W is as far as it was. */
  async #noteLacking(primary: MemberIndex): Promise<void> {
    const { replica, view } = this.#parts;
    try {
      await replica.noteLacking(view.nodeNumber(primary), this.request);
    } catch (error) {
      if (!(error instanceof KvorumError)) throw error;
    }
  }

  #countOwn(isDurable: boolean): void {
    const { ownDisk, view } = this.#parts;
    ownDisk.delete(this);
    if (isDurable && this.#isStandIn) this.#quorum.addStandIn(this.#terms.own, view.self);
    else if (isDurable) this.#quorum.addAck(view.self);
    else this.#quorum.addFailure(this.#terms.own);
    this.#conclude();
  }

  #count(member: MemberIndex, isDurable: boolean): void {
    if (isDurable) this.#quorum.addAck(member);
    else this.#quorum.addFailure(member);
    this.#conclude();
  }

  #conclude(): void {
    const quorum = this.#quorum;
    if (this.#resolve !== undefined) this.#maybeDecide();
    if (!quorum.isComplete()) return;
    this.#receipt.settle();
    if (this.#isUnanimous && quorum.isEverywhere()) this.#closeIncarnations();
  }

  #maybeDecide(): void {
    const quorum = this.#quorum;
    const state = quorum.state();
    if (state === 'reached') {
      const { dot, context, previous } = this.#minted;
      this.#decide({ kind: 'ok', dot, context, previous, receipt: this.#receipt });
    } else if (state === 'impossible') this.giveUp();
    else if (quorum.waitsOnlyFor(this.#terms.own)) this.#parts.ownDisk.add(this);
  }

  #decide(outcome: WriteOutcome): void {
    this.#resolve?.(outcome);
    this.#resolve = undefined;
  }

  /** All primaries have confirmed the same: each of them may forget the earlier lives of nodes. */
  async #closeIncarnations(): Promise<void> {
    const { replica, requestMs, view } = this.#parts;
    const others = this.#others;
    const { keyspace } = this.#terms;
    const primaries = this.#terms.primaries.map((member) => view.nodeNumber(member));
    const confirmation = { confirmed: this.#minted.context, primaries };
    try {
      const object = await replica.closeIncarnations(keyspace, this.request, confirmation);
      if (object === undefined || others.length === 0) return;
      const request = { ...this.request, object };
      this.#askOthers({ request, budgetMs: requestMs, onAnswer: () => {} });
    } catch (error) {
      // A disk that refuses this refuses writes, and says so there; the next write tries again.
      if (!(error instanceof KvorumError)) throw error;
    }
  }
}

/** A receipt that later answers still improve. */
class GrowingReceipt implements WriteReceipt {
  readonly durability: Durability;
  readonly epoch: number;
  readonly #quorum: WriteQuorum;
  readonly #view: ClusterView;
  /** There when somebody has asked for it: few do. */
  #settled: PromiseWithResolvers<void> | undefined;

  constructor(quorum: WriteQuorum, durability: Durability, view: ClusterView) {
    this.durability = durability;
    this.epoch = view.epoch;
    this.#quorum = quorum;
    this.#view = view;
  }

  get nodes() {
    return this.#quorum.acked.map((member) => this.#view.nodeId(member));
  }

  get fallbacks() {
    return this.#quorum.standIns.map((member) => this.#view.nodeId(member));
  }

  get settled(): Promise<void> {
    this.#settled ??= Promise.withResolvers();
    if (this.#quorum.isComplete()) this.#settled.resolve();
    return this.#settled.promise;
  }

  settle(): void {
    this.#settled?.resolve();
  }
}
