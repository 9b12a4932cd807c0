// A quorum read, as every coordinator does it: our own copy, the versions of as many others as it
// needs, values only from those who know more, and afterwards a repair of those who know less.
//
//   own copy ─┐
//   versions ─┴→ enough known → fetch what we lack → answer
//                                              └→ repair whoever was behind (not awaited)
//
// The replicas take turns at being asked first, in an order that looks like chance: readers who
// walk the same keys again and again still find every replica that is behind.

import type { Later } from '../../base/later.ts';
import { decodeObject, encodeObject } from '../../causality/object-format.ts';
import { mergeObjects, type StoredObject } from '../../causality/siblings.ts';
import type { VersionVector } from '../../causality/version-vector.ts';
import { resolved } from '../conflict-rule.ts';
import type { Keyspace } from '../keyspace.ts';
import type { Need } from '../levels/need.ts';
import type { KeyAt } from '../messages.ts';
import { type Answer, answerOf, type MemberIndex } from '../peers.ts';
import type { NoAnswer } from '../request.ts';
import { Gathering, type ReaderParts, type ReadTask } from './gathering.ts';
import { Hedger, type HedgerParts } from './hedger.ts';
import { ReadQuorum } from './read-quorum.ts';

/** Repairs that may be under way at once; beyond, a repair is left to the next read. */
const REPAIRS_MAX = 256;

export type ReadResult =
  | {
      readonly kind: 'read';
      readonly object: StoredObject;
      /** Those of whose copies it is made. */
      readonly members: readonly MemberIndex[];
    }
  | NoAnswer;

export interface ReadTerms {
  /** Answers to wait for. */
  readonly need: Need;
  /** What the answer must cover; nobody is left unasked for it. */
  readonly after?: VersionVector | undefined;
  readonly deadlineMs: number;
}

export interface ReadCounters {
  repairsSent: number;
  repairsSkipped: number;
  valuesFetched: number;
}

export class QuorumReader {
  readonly counters: ReadCounters = { repairsSent: 0, repairsSkipped: 0, valuesFetched: 0 };
  readonly #parts: ReaderParts;
  #repairsUnderWay = 0;
  #turn: number;

  constructor(parts: Omit<ReaderParts, 'hedger'> & HedgerParts) {
    this.#parts = { ...parts, hedger: new Hedger(parts) };
    this.#turn = parts.view.self;
  }

  /** This node is a primary of `at`, or stands in for all of them. Never rejects. */
  read(keyspace: Keyspace, at: KeyAt, terms: ReadTerms): Later<ReadResult> {
    const quorum = new ReadQuorum(terms.need, this.#parts.view, terms.after);
    const task = { keyspace, at, quorum, deadlineMs: terms.deadlineMs, turn: this.#nextTurn() };
    return this.#finish(new Gathering(this.#parts, task));
  }

  /**
   * A linear congruential sequence, of which the upper half is used: Press et al.: "Numerical
   * Recipes" (3rd ed., 2007), section 7.1.
   */
  #nextTurn(): number {
    this.#turn = (Math.imul(this.#turn, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#turn >>> 16;
  }

  /** Gathers what is lacking, completes it where others know more than we do, and answers. */
  #finish(gathering: Gathering): Later<ReadResult> {
    if (gathering.task.quorum.isDecided()) return this.#complete(gathering);
    return gathering.run().then(() => this.#complete(gathering));
  }

  #complete(gathering: Gathering): Later<ReadResult> {
    const { quorum, keyspace } = gathering.task;
    if (!quorum.isDecided()) return quorum.noAnswer();
    const own = quorum.withAbsences(gathering.own);
    const sources = quorum.sources(own);
    if (sources.length > 0) return this.#fetchAll(gathering, own, sources);
    return this.#answer(gathering.task, resolved(keyspace, own));
  }

  /** Our copy completed by the values that others have. */
  async #fetchAll(
    gathering: Gathering,
    own: StoredObject,
    sources: readonly MemberIndex[],
  ): Promise<ReadResult> {
    const { task } = gathering;
    let object = own;
    for (const member of sources) {
      this.counters.valuesFetched += 1;
      const answer = await this.#fetch(member, task);
      if (answer.kind !== 'object' || answer.object === undefined) {
        // The one who knew more is lost, or kept it for another who has it now: ask somebody else.
        task.quorum.addFailure(member);
        return this.#finish(gathering);
      }
      object = mergeObjects(object, decodeObject(answer.object));
    }
    return this.#answer(task, resolved(task.keyspace, object));
  }

  #answer(task: ReadTask, object: StoredObject): ReadResult {
    const { quorum } = task;
    if (quorum.got > 1) this.#repair(task, object);
    return { kind: 'read', object, members: quorum.answered };
  }

  #fetch(member: MemberIndex, { at, deadlineMs }: ReadTask): Promise<Answer> {
    const budgetMs = deadlineMs - this.#parts.clock.monotonicMs();
    return answerOf(this.#parts.peers, member, { ...at, kind: 'read-object' }, budgetMs);
  }

  #repair({ keyspace, at, quorum, deadlineMs }: ReadTask, object: StoredObject): void {
    const { clock, peers, view } = this.#parts;
    const primaries = view.primaries(keyspace, at.slot);
    // What a fallback lacks it gets with a hint, or not at all.
    const stale = quorum.stale(object).filter((member) => primaries.includes(member));
    if (stale.length === 0) return;
    if (this.#repairsUnderWay >= REPAIRS_MAX) {
      this.counters.repairsSkipped += stale.length;
      return;
    }
    const encoded = encodeObject(object);
    const others = stale.filter((member) => member !== view.self);
    this.counters.repairsSent += stale.length;
    this.#repairsUnderWay += others.length;
    if (others.length > 0) {
      peers.ask(others, {
        request: { kind: 'store-copy', ...at, object: encoded },
        budgetMs: deadlineMs - clock.monotonicMs(),
        onAnswer: () => {
          this.#repairsUnderWay -= 1;
        },
      });
    }
    if (others.length < stale.length) this.#repairOwn(keyspace, at, encoded);
  }

  /** Our own copy was behind. A disk that refuses this refuses writes, and says so there. */
  async #repairOwn(keyspace: Keyspace, at: KeyAt, encoded: Buffer): Promise<void> {
    try {
      await this.#parts.replica.merge(keyspace, at, encoded);
    } catch {
      this.counters.repairsSkipped += 1;
    }
  }
}
