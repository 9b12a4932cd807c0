// Brings what this node keeps for others to them when they are back: pass after pass over its
// hints, each with the copy as it then stands here, until there are none. What is delivered twice
// merges into itself; what is written meanwhile is delivered again.

import { messageOf } from '../../base/errors.ts';
import type { Clock, Log, Timer } from '../../host/host.ts';
import type { Admission } from '../admission/admission.ts';
import type { ClusterView } from '../cluster-view.ts';
import type { Keyspace } from '../keyspace.ts';
import { PacedWindow } from '../paced-window.ts';
import { type Answer, answerOf, type MemberIndex, type Peers } from '../peers.ts';
import type { Replica } from '../replica.ts';
import type { HintBook } from './hint-book.ts';
import type { Hint } from './hint-record.ts';

export interface HintDeliveryParts {
  readonly view: ClusterView;
  readonly replica: Replica;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly log: Log;
  readonly hints: HintBook;
  readonly admission: Pick<Admission, 'isBusy'>;
  readonly requestMs: number;
}

/** Between two looks whether a target is back. */
const IDLE_MS = 500;
/** An answer that took longer is slow. */
const SLOW_MS = 50;

export class HintDelivery {
  readonly #parts: HintDeliveryParts;
  readonly #window = new PacedWindow();
  /** Targets that lost or refused something in this pass: the next pass tries again. */
  readonly #unwell = new Set<MemberIndex>();
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(parts: HintDeliveryParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = this.#parts.clock.after(IDLE_MS, () => this.#run());
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#window.close();
  }

  async #run(): Promise<void> {
    try {
      if (!this.#parts.admission.isBusy && this.#isAnybodyBack()) await this.#pass();
    } catch (error) {
      // The disk refuses to read or write: it says so where clients ask, and we come again.
      this.#parts.log.warn('hints not delivered', { why: messageOf(error) });
    }
    if (!this.#isClosed) this.start();
  }

  #isAnybodyBack(): boolean {
    const targets = [...this.#parts.hints.pending.keys()];
    return targets.some((target) => this.#memberBack(target) !== undefined);
  }

  async #pass(): Promise<void> {
    const { hints, log } = this.#parts;
    const before = hints.counters.delivered;
    this.#unwell.clear();
    for await (const hint of hints.all()) {
      if (this.#isClosed) return;
      const member = this.#memberBack(hint.target);
      if (member === undefined || this.#unwell.has(member)) continue;
      await this.#window.begin(() => this.#deliver(hint, member));
    }
    await this.#window.drained();
    const count = hints.counters.delivered - before;
    if (count > 0) log.info('hints delivered', { count });
  }

  /** The target, when it is a member that seems alive. */
  #memberBack(target: number): MemberIndex | undefined {
    const { view } = this.#parts;
    const member = view.memberNumbered(target);
    return member !== undefined && view.isAlive(member) ? member : undefined;
  }

  /** Never rejects. */
  async #deliver(hint: Hint, member: MemberIndex): Promise<void> {
    const { clock, replica, view, log } = this.#parts;
    const { at } = hint;
    try {
      const keyspace = view.keyspace(at.keyspace);
      const object = await replica.read(keyspace, at);
      if (object === undefined) {
        await replica.delivered(hint, [], undefined);
        return;
      }
      const fromMs = clock.monotonicMs();
      const answer = await this.#send(hint, member, object);
      const isKept = answer.kind === 'stored';
      this.#window.adapt(isKept && clock.monotonicMs() - fromMs < SLOW_MS);
      if (isKept) await replica.delivered(hint, answer.context, this.#others(keyspace, hint));
      else this.#unwell.add(member);
    } catch (error) {
      log.warn('hint not delivered', { slot: at.slot, why: messageOf(error) });
    }
  }

  #send({ at }: Hint, member: MemberIndex, object: Buffer): Promise<Answer> {
    const { peers, requestMs } = this.#parts;
    return answerOf(peers, member, { ...at, kind: 'store-copy', object }, requestMs);
  }

  /** The other primaries, by number, when this node is none and keeps its copy only for them. */
  #others(keyspace: Keyspace, { at, target }: Hint): readonly number[] | undefined {
    const { view } = this.#parts;
    const primaries = view.primaries(keyspace, at.slot);
    if (primaries.includes(view.self)) return undefined;
    return primaries.map((each) => view.nodeNumber(each)).filter((number) => number !== target);
  }
}
