// A quorum read, as every coordinator does it: our own copy, the versions of R - 1 others, values
// only from those who know more, and afterwards a repair of those who know less.
//
//   own copy ─┐
//   versions ─┴→ R known → fetch what we lack → answer
//                                              └→ repair whoever was behind (not awaited)
//
// Only R - 1 others are asked at first, each time beginning with another one, so that reads find
// every replica that is behind. One that is lost is replaced at once; when one is slow (our own
// disk is no exception) all that are left are asked after SLOW_MS.

import { decodeObject, encodeObject } from '../causality/object-format.ts';
import { EMPTY_OBJECT, mergeObjects, type StoredObject } from '../causality/siblings.ts';
import type { VersionVector } from '../causality/version-vector.ts';
import type { Clock } from '../host/host.ts';
import type { ClusterView } from './cluster-view.ts';
import { resolved } from './conflict-rule.ts';
import type { Keyspace } from './keyspace.ts';
import type { KeyAt } from './messages.ts';
import type { Answer, MemberIndex, Peers } from './peers.ts';
import { ReadQuorum } from './read-quorum.ts';
import type { Replica } from './replica.ts';
import type { NoAnswer } from './request.ts';

/** A healthy answer takes a few milliseconds at most; after this all who are left are asked. */
const SLOW_MS = 30;

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
  readonly r: number;
  /** What the answer must cover; nobody is left unasked for it. */
  readonly after?: VersionVector | undefined;
  readonly deadlineMs: number;
}

export interface ReaderParts {
  readonly view: ClusterView;
  readonly replica: Replica;
  readonly peers: Peers;
  readonly clock: Clock;
}

interface OwnCopy {
  object: StoredObject;
  /** While our disk is being asked. Never rejects. */
  coming: Promise<void> | undefined;
}

interface Gathering {
  readonly quorum: ReadQuorum;
  readonly at: KeyAt;
  readonly own: OwnCopy;
  /** Those not asked yet; whoever is asked is taken out. */
  readonly others: MemberIndex[];
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
  #turn = 0;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
  }

  /** This node must be one of the primaries of `at`. */
  async read(keyspace: Keyspace, at: KeyAt, terms: ReadTerms): Promise<ReadResult> {
    const { deadlineMs } = terms;
    const quorum = new ReadQuorum(terms.r, terms.after);
    const own = this.#ownCopy(keyspace, at, quorum);
    const others = this.#othersInTurn(keyspace, at);
    for (;;) {
      if (!quorum.isDecided()) await this.#gather({ quorum, at, own, others, deadlineMs });
      if (!quorum.isDecided()) return quorum.noAnswer();
      const object = await this.#complete(keyspace, own.object, quorum, at, deadlineMs);
      if (object === undefined) continue; // the one who knew more is lost: ask somebody else
      if (quorum.got > 1) this.#repair(keyspace, at, quorum, object, deadlineMs);
      return { kind: 'read', object, members: quorum.answered };
    }
  }

  /** Our own copy: there at once when it is in memory, else counted when it has come. */
  #ownCopy(keyspace: Keyspace, at: KeyAt, quorum: ReadQuorum): OwnCopy {
    const { replica, view } = this.#parts;
    const own: OwnCopy = { object: EMPTY_OBJECT, coming: undefined };
    const take = (bytes: Buffer | undefined) => {
      if (bytes !== undefined) own.object = decodeObject(bytes);
      quorum.addVersion(view.self, own.object);
    };
    // Our disk cannot vouch for this key: the others answer, and we count as failed.
    const fail = () => quorum.addFailure(view.self);
    try {
      const bytes = replica.read(keyspace, at);
      if (bytes instanceof Promise) own.coming = bytes.then(take).catch(fail);
      else take(bytes);
    } catch {
      fail();
    }
    return own;
  }

  /** The other primaries, those alive first; the first of them is another one each time. */
  #othersInTurn(keyspace: Keyspace, at: KeyAt): MemberIndex[] {
    const { view } = this.#parts;
    const others = view.primaries(keyspace, at.slot).filter((member) => member !== view.self);
    this.#turn += 1;
    const first = others.length === 0 ? 0 : this.#turn % others.length;
    const turned = [...others.slice(first), ...others.slice(0, first)];
    const alive = turned.filter((member) => view.isAlive(member));
    return alive.length === turned.length
      ? turned
      : [...alive, ...turned.filter((member) => !view.isAlive(member))];
  }

  /** Asks others for their versions until the quorum is decided, impossible, or time is up. */
  #gather({ quorum, at, own, others, deadlineMs }: Gathering): Promise<void> {
    const { clock, peers } = this.#parts;
    return new Promise((resolve) => {
      let missing = own.coming === undefined ? 0 : 1;
      const ask = (count: number) => {
        const members = others.splice(0, count);
        if (members.length === 0) return;
        missing += members.length;
        const budgetMs = deadlineMs - clock.monotonicMs();
        const request = { kind: 'read-version', ...at } as const;
        peers.ask(members, { request, budgetMs, onAnswer, slowAfterMs: SLOW_MS, onSlow: askAll });
      };
      const askAll = () => ask(others.length);
      const conclude = () => {
        missing -= 1;
        if (missing < quorum.lacking()) ask(1);
        if (quorum.isDecided() || missing === 0) resolve();
      };
      const onAnswer = (member: MemberIndex, answer: Answer) => {
        if (answer.kind === 'version') quorum.addVersion(member, answer.version);
        else quorum.addFailure(member);
        conclude();
      };
      if (own.coming !== undefined) {
        const slow = clock.after(SLOW_MS, askAll);
        const late = clock.after(deadlineMs - clock.monotonicMs(), resolve);
        own.coming.then(conclude).finally(() => {
          slow.cancel();
          late.cancel();
        });
        own.coming = undefined;
      }
      ask(quorum.lacking() - missing);
      if (missing === 0) resolve();
    });
  }

  /** Our copy completed by the values that others have; undefined when one of them is lost. */
  async #complete(
    keyspace: Keyspace,
    local: StoredObject,
    quorum: ReadQuorum,
    at: KeyAt,
    deadlineMs: number,
  ): Promise<StoredObject | undefined> {
    let object = local;
    for (const member of quorum.sources(local)) {
      this.counters.valuesFetched += 1;
      const answer = await this.#fetch(member, at, deadlineMs);
      if (answer.kind !== 'object') {
        quorum.addFailure(member);
        return undefined;
      }
      if (answer.object !== undefined) object = mergeObjects(object, decodeObject(answer.object));
    }
    return resolved(keyspace, object);
  }

  #fetch(member: MemberIndex, at: KeyAt, deadlineMs: number): Promise<Answer> {
    const budgetMs = deadlineMs - this.#parts.clock.monotonicMs();
    const request = { kind: 'read-object', ...at } as const;
    return new Promise((resolve) => {
      const onAnswer = (_: MemberIndex, answer: Answer) => resolve(answer);
      this.#parts.peers.ask([member], { request, budgetMs, onAnswer });
    });
  }

  #repair(
    keyspace: Keyspace,
    at: KeyAt,
    quorum: ReadQuorum,
    object: StoredObject,
    deadlineMs: number,
  ): void {
    const stale = quorum.stale(object);
    if (stale.length === 0) return;
    if (this.#repairsUnderWay >= REPAIRS_MAX) {
      this.counters.repairsSkipped += stale.length;
      return;
    }
    const { clock, peers, view } = this.#parts;
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
