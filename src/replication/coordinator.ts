// One client request, top to bottom. The coordinator is a primary of the key: it mints the dot
// of a write and collects the answers. A node that is no primary forwards the request, once, to
// the first primary that seems alive.
//
//   GET  quorum read → the values that live
//   PUT  (quorum read, if a condition needs it) → mint under the key's turn
//        → the object to all other primaries → W durable copies → context and receipt
//
// Source: DeCandia et al.: "Dynamo" (SOSP 2007), sections 4.5 and 5.

import { KvorumError, lineOf } from '../base/errors.ts';
import { refuseFutureLives } from '../causality/context.ts';
import { encodeObject } from '../causality/object-format.ts';
import { hasEarlierLives } from '../causality/pruning.ts';
import { liveSiblings } from '../causality/siblings.ts';
import { descends, type VersionVector } from '../causality/version-vector.ts';
import type { Clock } from '../host/host.ts';
import { slotOf } from '../ring/slot.ts';
import { needsRead } from './change.ts';
import type { ClusterView } from './cluster-view.ts';
import { DeadlineSweep } from './deadline-sweep.ts';
import { Forwarder, isFinal } from './forwarder.ts';
import type { Durability, Keyspace } from './keyspace.ts';
import type { KeyAt } from './messages.ts';
import type { MemberIndex, Peers } from './peers.ts';
import { QuorumReader } from './quorum-reader.ts';
import type { Minted, Replica } from './replica.ts';
import type {
  GetOutcome,
  GetRequest,
  WriteOutcome,
  WriteReceipt,
  WriteRequest,
} from './request.ts';
import { WriteQuorum } from './write-quorum.ts';

export interface CoordinatorParts {
  readonly view: ClusterView;
  readonly replica: Replica;
  readonly peers: Peers;
  readonly clock: Clock;
  /** Milliseconds that a request may take; then it is decided without whoever is missing. */
  readonly requestMs: number;
}

interface WriteTerms {
  readonly primaries: readonly MemberIndex[];
  readonly w: number;
  readonly deadlineMs: number;
}

export class Coordinator {
  readonly reader: QuorumReader;
  readonly #parts: CoordinatorParts;
  readonly #forwarder: Forwarder;
  readonly #ownDisk: DeadlineSweep;

  constructor(parts: CoordinatorParts) {
    this.#parts = parts;
    this.reader = new QuorumReader(parts);
    this.#forwarder = new Forwarder(parts);
    this.#ownDisk = new DeadlineSweep(parts.clock);
  }

  /** Rejects with NO_SUCH_KEYSPACE and BAD_OPTION (an impossible R) only. */
  async get(request: GetRequest): Promise<GetOutcome> {
    const { keyspace, at, primaries } = this.#locate(request);
    if (this.#isPrimary(primaries)) return this.#getHere(request, keyspace, at);
    return this.#forwarder.get(keyspace, request, primaries);
  }

  /**
   * Rejects with NO_SUCH_KEYSPACE, BAD_OPTION (an impossible W), BAD_CONTEXT, TOO_MANY_SIBLINGS
   * and VALUE_TOO_LARGE only.
   *
   * What depends on the value before goes to the first live primary, so that two such writes meet
   * in one turn: as long as nodes agree on who lives, SET NX is granted once.
   */
  async write(request: WriteRequest): Promise<WriteOutcome> {
    const { keyspace, at, primaries } = this.#locate(request);
    const { clock, view } = this.#parts;
    if (request.context !== undefined) refuseFutureLives(request.context, clock.wallMs());
    const isElsewhere = needsRead(request) && view.leader(keyspace, at.slot) !== view.self;
    if (isElsewhere || !this.#isPrimary(primaries)) {
      return this.#forwarder.write(keyspace, request, primaries);
    }
    try {
      return await this.#writeHere(request, keyspace, at, primaries);
    } catch (error) {
      // Our disk takes no writes and nothing was written: another primary may take it.
      if (!(error instanceof KvorumError) || isFinal(error.code)) throw error;
      const others = primaries.filter((member) => member !== view.self);
      const outcome = await this.#forwarder.write(keyspace, request, others);
      const why = { code: error.code, message: lineOf(error) };
      return outcome.kind === 'not-applied' ? { why, ...outcome } : outcome;
    }
  }

  /** A request that another node forwarded to us; refuses rather than forward it again. */
  async writeForwarded(request: WriteRequest): Promise<WriteOutcome | undefined> {
    const { keyspace, at, primaries } = this.#locate(request);
    if (!this.#isPrimary(primaries)) return undefined;
    return this.#writeHere(request, keyspace, at, primaries);
  }

  async getForwarded(request: GetRequest): Promise<GetOutcome | undefined> {
    const { keyspace, at, primaries } = this.#locate(request);
    return this.#isPrimary(primaries) ? this.#getHere(request, keyspace, at) : undefined;
  }

  async #getHere(request: GetRequest, keyspace: Keyspace, at: KeyAt): Promise<GetOutcome> {
    const r = quorumOf('R', request.r ?? keyspace.r, keyspace);
    const { view, clock } = this.#parts;
    const terms = { r, after: request.after, deadlineMs: this.#deadline() };
    const read = await this.reader.read(keyspace, at, terms);
    if (read.kind === 'no-answer') return read;
    const { context } = read.object;
    const nodes = read.members.map((member) => view.nodeId(member));
    const receipt = { nodes, durability: keyspace.durability, epoch: view.epoch };
    const values = liveSiblings(read.object, clock.wallMs());
    if (values.length === 0) return { kind: 'missing', context, receipt };
    return { kind: 'found', context, receipt, values };
  }

  async #writeHere(
    request: WriteRequest,
    keyspace: Keyspace,
    at: KeyAt,
    primaries: readonly MemberIndex[],
  ): Promise<WriteOutcome> {
    const { replica, view } = this.#parts;
    const w = quorumOf('W', request.w ?? keyspace.w, keyspace);
    const deadlineMs = this.#deadline();
    const able = primaries.filter((member) => member === view.self || view.isAlive(member)).length;
    if (able < w) return { kind: 'not-applied', needed: w, got: able };

    if (needsRead(request)) {
      // Best effort below R: what a dead replica alone knows is concurrent with this write.
      const r = Math.min(keyspace.r, able);
      const read = await this.reader.read(keyspace, at, { r, deadlineMs });
      if (read.kind === 'no-answer') return { ...read, kind: 'not-applied' };
      if (read.object.siblings.length > 0) {
        const absorbed = replica.absorb(keyspace, at, encodeObject(read.object));
        if (absorbed instanceof Promise) await this.#beforeDeadline(absorbed, deadlineMs);
      }
    }
    const turn = replica.write(keyspace, at, request, deadlineMs);
    const taken = turn instanceof Promise ? await this.#beforeDeadline(turn, deadlineMs) : turn;
    if (taken === undefined || taken.kind === 'too-late') {
      return { kind: 'not-applied', needed: w, got: able };
    }
    if (taken.kind === 'condition-failed') return taken;
    return this.#replicate(keyspace, at, taken, { primaries, w, deadlineMs });
  }

  /** Undefined when the deadline passes first. */
  #beforeDeadline<T>(promise: Promise<T>, deadlineMs: number): Promise<T | undefined> {
    const { clock } = this.#parts;
    return new Promise((resolve, reject) => {
      const timer = clock.after(deadlineMs - clock.monotonicMs(), () => resolve(undefined));
      promise.then(resolve, reject).finally(() => timer.cancel());
    });
  }

  /** Sends the minted object to all other primaries and waits until W copies are durable. */
  #replicate(
    keyspace: Keyspace,
    at: KeyAt,
    minted: Minted,
    { primaries, w, deadlineMs }: WriteTerms,
  ): Promise<WriteOutcome> {
    const { clock, peers, replica, view } = this.#parts;
    const quorum = new WriteQuorum(w, primaries.length);
    const receipt = new GrowingReceipt(quorum, keyspace.durability, view);
    const others = primaries.filter((member) => member !== view.self);
    /** Whether the copies of all who answered are exactly what was minted. */
    let isUnanimous = hasEarlierLives(minted.context);
    return new Promise((resolve) => {
      const giveUp = () => resolve({ kind: 'indeterminate', needed: w, got: quorum.got });
      const waiting = { deadlineMs, giveUp };
      const count = (member: MemberIndex, isDurable: boolean) => {
        if (isDurable) quorum.addAck(member);
        else quorum.addFailure();
        const state = quorum.state();
        if (state === 'reached') {
          const { dot, context, previous } = minted;
          resolve({ kind: 'ok', dot, context, previous, receipt });
        } else if (state === 'impossible') giveUp();
        else if (quorum.waitsOnlyFor(view.self)) this.#ownDisk.add(waiting);
        if (!quorum.isComplete()) return;
        receipt.settle();
        if (isUnanimous && quorum.got === primaries.length) {
          this.#closeLives(keyspace, at, minted.context, others);
        }
      };
      if (others.length === 0) this.#ownDisk.add(waiting);
      else {
        peers.ask(others, {
          request: { kind: 'store-copy', ...at, object: minted.object },
          budgetMs: deadlineMs - clock.monotonicMs(),
          // A copy that knows more of us than we do has not kept a write under a name used twice.
          onAnswer: (member, answer) => {
            const isKept = answer.kind === 'stored' && !replica.learnContext(answer.context);
            isUnanimous &&= isKept && descends(minted.context, answer.context);
            count(member, isKept);
          },
        });
      }
      const settle = (isDurable: boolean) => {
        this.#ownDisk.delete(waiting);
        count(view.self, isDurable);
      };
      minted.durable.then(
        () => settle(true),
        () => settle(false),
      );
    });
  }

  /** All primaries have confirmed the same: each of them may forget the earlier lives of nodes. */
  async #closeLives(
    keyspace: Keyspace,
    at: KeyAt,
    confirmed: VersionVector,
    others: readonly MemberIndex[],
  ): Promise<void> {
    const { peers, replica, requestMs } = this.#parts;
    try {
      const object = await replica.closeLives(keyspace, at, confirmed);
      if (object === undefined || others.length === 0) return;
      const request = { kind: 'store-copy', ...at, object } as const;
      peers.ask(others, { request, budgetMs: requestMs, onAnswer: () => {} });
    } catch (error) {
      // A disk that refuses this refuses writes, and says so there; the next write tries again.
      if (!(error instanceof KvorumError)) throw error;
    }
  }

  #locate(request: GetRequest | WriteRequest) {
    const { view } = this.#parts;
    const keyspace = view.keyspace(request.keyspace);
    const slot = slotOf(request.key);
    const at: KeyAt = { keyspace: request.keyspace, slot, key: request.key };
    return { keyspace, at, primaries: view.primaries(keyspace, slot) };
  }

  #isPrimary(primaries: readonly MemberIndex[]): boolean {
    return primaries.includes(this.#parts.view.self);
  }

  #deadline(): number {
    return this.#parts.clock.monotonicMs() + this.#parts.requestMs;
  }
}

/** A receipt that later answers still improve. */
class GrowingReceipt implements WriteReceipt {
  readonly durability: Durability;
  readonly epoch: number;
  readonly settled: Promise<void>;
  readonly #quorum: WriteQuorum;
  readonly #view: ClusterView;
  #settle: () => void = () => {};

  constructor(quorum: WriteQuorum, durability: Durability, view: ClusterView) {
    this.durability = durability;
    this.epoch = view.epoch;
    this.#quorum = quorum;
    this.#view = view;
    this.settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  get nodes() {
    return this.#quorum.acked.map((member) => this.#view.nodeId(member));
  }

  settle(): void {
    this.#settle();
  }
}

function quorumOf(letter: 'R' | 'W', asked: number, keyspace: Keyspace): number {
  if (asked >= 1 && asked <= keyspace.n) return asked;
  throw new KvorumError(
    'BAD_OPTION',
    `${letter}=${asked} is impossible in keyspace "${keyspace.name}" with N=${keyspace.n}`,
    `Ask for 1 to ${keyspace.n}.`,
  );
}
