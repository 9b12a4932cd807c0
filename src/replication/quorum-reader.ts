// A quorum read, as every coordinator does it: our own copy, the versions of R - 1 others, values
// only from those who know more, and afterwards a repair of those who know less.
//
//   own copy ─┐
//   versions ─┴→ R known → fetch what we lack → answer
//                                              └→ repair whoever was behind (not awaited)
//
// Only R - 1 others are asked at first; one that is lost is replaced at once, and one that is
// slow gets company after SLOW_MS.

import { decodeObject, encodeObject } from '../causality/object-format.ts';
import {
  EMPTY_OBJECT,
  keepLatest,
  mergeObjects,
  type StoredObject,
} from '../causality/siblings.ts';
import type { Clock } from '../host/host.ts';
import type { ClusterView } from './cluster-view.ts';
import type { Keyspace } from './keyspace.ts';
import type { KeyAt } from './messages.ts';
import type { Answer, MemberIndex, Peers } from './peers.ts';
import { ReadQuorum } from './read-quorum.ts';
import type { Replica } from './replica.ts';

/** A healthy answer takes a few milliseconds at most; after this one more replica is asked. */
const SLOW_MS = 30;

/** Repairs that may be under way at once; beyond, a repair is left to the next read. */
const REPAIRS_MAX = 256;

export type ReadResult =
  | { readonly kind: 'read'; readonly object: StoredObject }
  | { readonly kind: 'no-answer'; readonly needed: number; readonly got: number };

export interface ReaderParts {
  readonly view: ClusterView;
  readonly replica: Replica;
  readonly peers: Peers;
  readonly clock: Clock;
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

  constructor(parts: ReaderParts) {
    this.#parts = parts;
  }

  /** This node must be one of `primaries`. */
  async read(keyspace: Keyspace, at: KeyAt, r: number, deadlineMs: number): Promise<ReadResult> {
    const primaries = this.#parts.view.primaries(keyspace, at.slot);
    const quorum = new ReadQuorum(r);
    const own = this.#readLocal(at, quorum);
    const local = own instanceof Promise ? await own : own;
    if (!quorum.isDecided()) await this.#gather(quorum, at, primaries, deadlineMs);
    if (!quorum.isDecided()) return { kind: 'no-answer', needed: r, got: quorum.got };

    const object = await this.#complete(keyspace, local, quorum, at, deadlineMs);
    if (object === undefined) return { kind: 'no-answer', needed: r, got: quorum.got - 1 };
    if (r > 1) this.#repair(keyspace, at, quorum, object, deadlineMs);
    return { kind: 'read', object };
  }

  #readLocal(at: KeyAt, quorum: ReadQuorum): StoredObject | Promise<StoredObject> {
    const { replica, view } = this.#parts;
    const found = (bytes: Buffer | undefined) => {
      const object = bytes === undefined ? EMPTY_OBJECT : decodeObject(bytes);
      quorum.addVersion(view.self, object);
      return object;
    };
    // Our disk cannot vouch for this key: the others answer, and we count as failed.
    const failed = () => {
      quorum.addFailure(view.self);
      return EMPTY_OBJECT;
    };
    try {
      const bytes = replica.read(at);
      return bytes instanceof Promise ? bytes.then(found).catch(failed) : found(bytes);
    } catch {
      return failed();
    }
  }

  /** Asks others for their versions until the quorum is decided, impossible, or time is up. */
  #gather(
    quorum: ReadQuorum,
    at: KeyAt,
    primaries: readonly MemberIndex[],
    deadlineMs: number,
  ): Promise<void> {
    const { clock, peers, view } = this.#parts;
    const others = primaries.filter((member) => member !== view.self);
    const reserve = [
      ...others.filter((member) => view.isAlive(member)),
      ...others.filter((member) => !view.isAlive(member)),
    ];
    return new Promise((resolve) => {
      const ask = (count: number) => {
        const members = reserve.splice(0, count);
        if (members.length === 0) return;
        const budgetMs = deadlineMs - clock.monotonicMs();
        const request = { kind: 'read-version', ...at } as const;
        peers.ask(members, { request, budgetMs, onAnswer, slowAfterMs: SLOW_MS, onSlow });
      };
      const onSlow = () => ask(reserve.length);
      const onAnswer = (member: MemberIndex, answer: Answer) => {
        if (answer.kind === 'version') quorum.addVersion(member, answer.version);
        else {
          quorum.addFailure(member);
          ask(1);
        }
        if (quorum.isDecided() || quorum.isImpossible(primaries.length)) resolve();
      };
      if (others.length === 0) resolve();
      else ask(quorum.needed - quorum.got);
    });
  }

  /** Our copy completed by the values that others have; undefined when they cannot be had. */
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
      if (answer.kind !== 'object') return undefined;
      if (answer.object !== undefined) object = mergeObjects(object, decodeObject(answer.object));
    }
    return keyspace.conflictRule === 'latest' ? keepLatest(object) : object;
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
