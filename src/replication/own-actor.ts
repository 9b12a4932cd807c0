// The name under which this node writes, and how far it has counted. A directory that went back in
// time shows in two ways. Somebody knows more of us than we do (clocks went back as well, and a
// name would be used twice): then no write is named before this node goes on as a new actor, after
// all that were ever seen. Or somebody knows of a life between this one and the one before, of
// which the directory has nothing. What else it has forgotten nobody knows: all is to be refilled.

import { type Actor, actorOf, type Dot } from '../causality/dot.ts';
import { isAheadOf, lastIncarnationOf, type VersionVector } from '../causality/version-vector.ts';
import type { Engine } from '../storage/engine.ts';
import type { RefillBook } from './refill/refill-book.ts';

export class OwnActor {
  readonly #engine: Engine;
  readonly #nodeNumber: number;
  readonly #refill: RefillBook;
  #actor: Actor;
  #counter = 0;
  #isStale = false;
  /** The life before, as the directory has it; undefined: it was fresh, or is refilled already. */
  #actorBefore: Actor | undefined;
  /** The last incarnation of this node that anybody has shown to know. */
  #incarnationSeen = 0;
  #renewal: Promise<void> | undefined;

  constructor(engine: Engine, nodeNumber: number, refill: RefillBook) {
    this.#engine = engine;
    this.#refill = refill;
    this.#nodeNumber = nodeNumber;
    const { incarnation, incarnationBefore } = engine.identity;
    this.#actor = actorOf(nodeNumber, incarnation);
    if (incarnationBefore > 0) this.#actorBefore = actorOf(nodeNumber, incarnationBefore);
  }

  /** The last name that was given; counter 0: none yet. */
  get last(): Dot {
    return { actor: this.#actor, counter: this.#counter };
  }

  /** Somebody knows more of this actor than we do: it must be replaced before the next write. */
  get isStale(): boolean {
    return this.#isStale;
  }

  /** A fresh one; not while stale. */
  nextDot(): Dot {
    this.#counter += 1;
    return this.last;
  }

  /**
   * Leaves out two names and returns the second: for floors, which then are ahead of the first name
   * that our directory would give if it went back to any time before, even if nothing was written
   * since. Were it the very last name that the floor covers, nobody would notice.
   */
  skipAhead(): Dot {
    this.#counter += 2;
    return this.last;
  }

  /** Returns whether `context` knows more of this node than it does itself. */
  learn(context: VersionVector): boolean {
    if (this.#isLifeMissing(context)) {
      this.#actorBefore = undefined;
      this.#refill.distrust();
    }
    if (!isAheadOf(context, this.last)) return false;
    if (!this.#isStale) this.#refill.distrust();
    this.#isStale = true;
    const seen = lastIncarnationOf(context, this.#nodeNumber);
    this.#incarnationSeen = Math.max(this.#incarnationSeen, seen);
    return true;
  }

  /** Whether it knows of one between this one and the one before. */
  #isLifeMissing(context: VersionVector): boolean {
    const before = this.#actorBefore;
    if (before === undefined) return false;
    return context.some(({ actor }) => actor > before && actor < this.#actor);
  }

  /**
   * Before a copy with this context is forgotten without a floor: a name of our present life in it
   * would make our next write of that key claim to have seen what we do not know any more.
   */
  async outlive(context: VersionVector): Promise<void> {
    if (context.some(({ actor }) => actor === this.#actor)) await this.renewed();
  }

  /** Resolves when this node writes as a new actor; rejects when its disk did not take that. */
  renewed(): Promise<void> {
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  async #renew(): Promise<void> {
    const { incarnation, incarnationBefore } = await this.#engine.renewIncarnation(
      this.#incarnationSeen,
    );
    this.#actor = actorOf(this.#nodeNumber, incarnation);
    if (this.#actorBefore !== undefined) {
      this.#actorBefore = actorOf(this.#nodeNumber, incarnationBefore);
    }
    this.#counter = 0;
    this.#isStale = false;
  }
}
