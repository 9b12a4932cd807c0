// Brings one key level between this node and another one: whoever lacks something of it gets the
// object of the other side and merges it. How many are under way is for the window to say.

import { encodeObject } from '../../causality/object-format.ts';
import type { Clock } from '../../host/host.ts';
import type { Keyspace } from '../keyspace.ts';
import type { KeyAt, SlotAt } from '../messages.ts';
import type { PacedWindow } from '../paced-window.ts';
import { type Asking, answerOf, type MemberIndex } from '../peers.ts';
import type { Replica } from '../replica.ts';
import type { KeyDifference } from './key-prints.ts';

export interface ExchangeParts {
  readonly replica: Replica;
  readonly peers: Asking;
  readonly clock: Clock;
  readonly requestMs: number;
  readonly window: PacedWindow;
}

export interface ExchangeCounters {
  /** Objects that the other side lacked, and that we did. */
  keysSent: number;
  keysFetched: number;
}

/** What came of the keys of a slot. */
export interface Exchanged {
  /** That differed. */
  keys: number;
  /** Of the objects that were sent and fetched for them. */
  bytes: number;
  /** We have all that the other side had. */
  hasAll: boolean;
  /** And it has all that we had. */
  isLevel: boolean;
}

/** An answer that took longer is slow. */
const SLOW_MS = 50;

export class ObjectExchange {
  readonly counters: ExchangeCounters = { keysSent: 0, keysFetched: 0 };
  readonly #parts: ExchangeParts;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
  }

  /** Resolves when it has begun; `slot` says what came of it when the window is drained. */
  async begin(
    member: MemberIndex,
    keyspace: Keyspace,
    difference: KeyDifference & SlotAt,
    slot: Exchanged,
  ): Promise<void> {
    const { window } = this.#parts;
    slot.keys += 1;
    if (difference.weLack) {
      await window.begin(() => this.#fetch(member, keyspace, difference, slot));
    }
    if (difference.theyLack) {
      await window.begin(() => this.#send(member, keyspace, difference, slot));
    }
  }

  /** Never rejects: what could not be done now is found again. */
  async #fetch(
    member: MemberIndex,
    keyspace: Keyspace,
    { slot, key }: KeyAt,
    exchanged: Exchanged,
  ): Promise<void> {
    const { peers, requestMs, window } = this.#parts;
    const at = { keyspace: keyspace.number, slot, key };
    const answer = await answerOf(peers, member, { ...at, kind: 'read-object' }, requestMs);
    const isThere = answer.kind === 'object' && answer.object !== undefined;
    window.adapt(isThere);
    const object = isThere ? (answer.object as Buffer) : undefined;
    if (object !== undefined && (await this.#merge(keyspace, at, object))) {
      exchanged.bytes += object.length;
      return;
    }
    exchanged.hasAll = false;
    exchanged.isLevel = false;
  }

  async #merge(keyspace: Keyspace, at: KeyAt, object: Buffer): Promise<boolean> {
    try {
      await this.#parts.replica.merge(keyspace, at, object);
      this.counters.keysFetched += 1;
      return true;
    } catch {
      this.#parts.window.adapt(false);
      return false;
    }
  }

  /** Never rejects either. */
  async #send(
    member: MemberIndex,
    keyspace: Keyspace,
    { slot, key }: KeyAt,
    exchanged: Exchanged,
  ): Promise<void> {
    const { clock, peers, replica, requestMs, window } = this.#parts;
    const at = { keyspace: keyspace.number, slot, key };
    try {
      const object = encodeObject(replica.objectOf(at, await replica.read(keyspace, at)));
      const fromMs = clock.monotonicMs();
      const request = { ...at, kind: 'store-copy', object } as const;
      const answer = await answerOf(peers, member, request, requestMs);
      const isKept = answer.kind === 'stored';
      window.adapt(isKept && clock.monotonicMs() - fromMs < SLOW_MS);
      if (!isKept) exchanged.isLevel = false;
      else this.counters.keysSent += 1;
      exchanged.bytes += object.length;
    } catch {
      exchanged.isLevel = false;
      window.adapt(false);
    }
  }
}
