// One minted write on its way to W durable copies: the question that the other primaries are asked,
// the count of those who hold it, and the outcome. One object for all of it, because every write of
// a client makes one.

import type { Clock } from '../host/host.ts';
import type { ClusterView } from './cluster-view.ts';
import type { Durability, Keyspace } from './keyspace.ts';
import type { KeyAt, Request } from './messages.ts';
import type { Answer, MemberIndex, Peers, Question } from './peers.ts';
import type { Minted, Replica } from './replica.ts';
import type { WriteOutcome, WriteReceipt } from './request.ts';
import { WriteQuorum } from './write-quorum.ts';

export interface WriterParts {
  readonly view: ClusterView;
  readonly replica: Replica;
  readonly peers: Peers;
  readonly clock: Clock;
}

export interface WriteTerms {
  readonly keyspace: Keyspace;
  readonly primaries: readonly MemberIndex[];
  readonly w: number;
  readonly deadlineMs: number;
}

export class ReplicatedWrite implements Question {
  readonly request: Request;
  readonly budgetMs: number;
  readonly #parts: WriterParts;
  readonly #minted: Minted;
  readonly #deadlineMs: number;
  readonly #quorum: WriteQuorum;
  readonly #receipt: GrowingReceipt;
  #resolve: (outcome: WriteOutcome) => void = () => {};

  constructor(parts: WriterParts, at: KeyAt, minted: Minted, terms: WriteTerms) {
    const { keyspace, slot, key } = at;
    this.request = { kind: 'store-copy', keyspace, slot, key, object: minted.object };
    this.budgetMs = terms.deadlineMs - parts.clock.monotonicMs();
    this.#parts = parts;
    this.#minted = minted;
    this.#deadlineMs = terms.deadlineMs;
    this.#quorum = new WriteQuorum(terms.w, terms.primaries);
    this.#receipt = new GrowingReceipt(this.#quorum, terms.keyspace.durability, parts.view);
  }

  /** Sends the object to `others`, all primaries but us; resolves when W copies are durable. */
  run(others: readonly MemberIndex[]): Promise<WriteOutcome> {
    const { peers, view } = this.#parts;
    return new Promise((resolve) => {
      this.#resolve = resolve;
      if (others.length > 0) peers.ask(others, this);
      this.#minted.durable.then(
        () => this.#count(view.self, true),
        () => this.#count(view.self, false),
      );
    });
  }

  /** A copy that knows more of us than we do has not kept a write under a name used twice. */
  onAnswer(member: MemberIndex, answer: Answer): void {
    const { replica } = this.#parts;
    this.#count(member, answer.kind === 'stored' && !replica.learnContext(answer.context));
  }

  #count(member: MemberIndex, isDurable: boolean): void {
    const quorum = this.#quorum;
    if (isDurable) quorum.addAck(member);
    else quorum.addFailure();
    const state = quorum.state();
    if (state === 'reached') {
      const { dot, context, previous } = this.#minted;
      this.#resolve({ kind: 'ok', dot, context, previous, receipt: this.#receipt });
    } else if (state === 'impossible') this.#giveUp();
    else if (quorum.waitsOnlyFor(this.#parts.view.self)) this.#giveUpAtDeadline();
    if (quorum.isComplete()) this.#receipt.settle();
  }

  #giveUp(): void {
    const { needed, got } = this.#quorum;
    this.#resolve({ kind: 'indeterminate', needed, got });
  }

  /** Peers keep the deadline of a question; our own disk does not. */
  #giveUpAtDeadline(): void {
    const { clock } = this.#parts;
    clock.after(this.#deadlineMs - clock.monotonicMs(), () => this.#giveUp());
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

  get settled(): Promise<void> {
    this.#settled ??= Promise.withResolvers();
    if (this.#quorum.isComplete()) this.#settled.resolve();
    return this.#settled.promise;
  }

  settle(): void {
    this.#settled?.resolve();
  }
}
