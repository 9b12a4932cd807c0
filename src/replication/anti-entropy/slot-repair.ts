// Brings two copies of a slot level: the keys that differ are found by their prints, and of each
// key of which one side knows more the other gets the object. Of a slot of many keys only those
// buckets are looked at that differ. Whoever has less merges: nothing is ever taken back, so it
// does no harm when both sides do this at once, or clients write meanwhile.

import type { Slot } from '../../base/ids.ts';
import { encodeObject } from '../../causality/object-format.ts';
import type { Clock } from '../../host/host.ts';
import type { Engine } from '../../storage/engine.ts';
import type { Keyspace } from '../keyspace.ts';
import type { HashRange, KeyAt, SlotAt } from '../messages.ts';
import type { PacedWindow } from '../paced-window.ts';
import { type Asking, answerOf, type MemberIndex } from '../peers.ts';
import type { RefillBook } from '../refill/refill-book.ts';
import type { Replica } from '../replica.ts';
import { digestOf } from './key-digest.ts';
import { differencesIn, printsOf } from './key-prints.ts';
import { bucketDigests } from './slot-buckets.ts';
import { slotKeys } from './slot-keys.ts';
import { BUCKET_COUNT, BUCKET_HASHES } from './tree-shape.ts';

export interface SlotRepairParts {
  readonly engine: Engine;
  readonly replica: Replica;
  readonly refill: RefillBook;
  readonly peers: Asking;
  readonly clock: Clock;
  readonly requestMs: number;
  readonly digestSeed: number;
  readonly window: PacedWindow;
}

export interface RepairCounters {
  /** Objects that the other side lacked, and that we did. */
  keysSent: number;
  keysFetched: number;
}

export interface Repaired {
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

/** The prints of more keys would cost more than the digests of buckets, and another turn. */
const KEYS_WITHOUT_BUCKETS_MAX = 256;

/** Buckets that are worth prints of their own: each reads its slot. */
const BUCKETS_APART_MAX = 4;

const ALL_HASHES: HashRange = { fromHash: 0, toHash: 2 ** 32 - 1 };

export class SlotRepair {
  readonly counters: RepairCounters = { keysSent: 0, keysFetched: 0 };
  readonly #parts: SlotRepairParts;
  /** Of the prints: another one each time. */
  #salt = 0;

  constructor(parts: SlotRepairParts) {
    this.#parts = parts;
  }

  /** Undefined: we were not told everything. Rejects as our disk does. */
  async run(member: MemberIndex, keyspace: Keyspace, slot: Slot): Promise<Repaired | undefined> {
    const at = { keyspace: keyspace.number, slot };
    const repaired = { keys: 0, bytes: 0, hasAll: true, isLevel: true };
    const ranges = await this.#differingHashes(member, at);
    if (ranges === undefined) return undefined;
    let wasToldAll = true;
    for (const hashes of ranges) {
      wasToldAll = (await this.#repairPart(member, keyspace, at, hashes, repaired)) && wasToldAll;
    }
    await this.#parts.window.drained();
    return wasToldAll ? repaired : undefined;
  }

  /** Where the slot differs, or may; undefined: the other side did not answer. */
  async #differingHashes(member: MemberIndex, at: SlotAt): Promise<HashRange[] | undefined> {
    const { engine, peers, requestMs, digestSeed } = this.#parts;
    if (engine.countOf(at.keyspace, at.slot) <= KEYS_WITHOUT_BUCKETS_MAX) return [ALL_HASHES];
    const buckets = await bucketDigests(engine, digestSeed, at.keyspace, at.slot);
    const request = { kind: 'compare-buckets', ...at, buckets } as const;
    const answer = await answerOf(peers, member, request, requestMs);
    return answer.kind === 'buckets' ? bucketRanges(answer.differing) : undefined;
  }

  /** Whether we were told everything that differs there. */
  async #repairPart(
    member: MemberIndex,
    keyspace: Keyspace,
    at: SlotAt,
    hashes: HashRange,
    repaired: Repaired,
  ): Promise<boolean> {
    const { digestSeed, peers, replica, requestMs, window } = this.#parts;
    const absent = replica.objectOf(at, undefined);
    let wasToldAll = true;
    for (let { fromHash } = hashes; fromHash <= hashes.toHash; ) {
      const { keys, toHash } = await slotKeys(this.#parts, at, { ...hashes, fromHash });
      this.#salt = (this.#salt + 1) >>> 0;
      const told = { salt: this.#salt, prints: printsOf(keys, this.#salt) };
      const request = { kind: 'compare-keys', ...at, fromHash, toHash, ...told } as const;
      const answer = await answerOf(peers, member, request, requestMs);
      if (answer.kind !== 'keys' || answer.toHash < fromHash) return false;
      const ours = keys.filter(({ hash }) => hash <= answer.toHash);
      const { found, areAll } = differencesIn({
        ...{ ours, answer, absent },
        digestOf: ({ key, version }) => digestOf(digestSeed, { ...at, key }, version.context),
      });
      wasToldAll &&= areAll;
      for (const { key, weLack, theyLack } of found) {
        repaired.keys += 1;
        const keyAt = { ...at, key };
        if (weLack) await window.begin(() => this.#fetch(member, keyspace, keyAt, repaired));
        if (theyLack) await window.begin(() => this.#send(member, keyspace, keyAt, repaired));
      }
      fromHash = answer.toHash + 1;
    }
    return wasToldAll;
  }

  /** Never rejects: what could not be done now is found again. */
  async #fetch(
    member: MemberIndex,
    keyspace: Keyspace,
    at: KeyAt,
    repaired: Repaired,
  ): Promise<void> {
    const { peers, requestMs, window } = this.#parts;
    const answer = await answerOf(peers, member, { ...at, kind: 'read-object' }, requestMs);
    const isThere = answer.kind === 'object' && answer.object !== undefined;
    window.adapt(isThere);
    const object = isThere ? (answer.object as Buffer) : undefined;
    if (object !== undefined && (await this.#merge(keyspace, at, object))) {
      repaired.bytes += object.length;
      return;
    }
    repaired.hasAll = false;
    repaired.isLevel = false;
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

  async #send(
    member: MemberIndex,
    keyspace: Keyspace,
    at: KeyAt,
    repaired: Repaired,
  ): Promise<void> {
    const { clock, peers, replica, requestMs, window } = this.#parts;
    try {
      const object = encodeObject(replica.objectOf(at, await replica.read(keyspace, at)));
      const fromMs = clock.monotonicMs();
      const answer = await answerOf(
        peers,
        member,
        { ...at, kind: 'store-copy', object },
        requestMs,
      );
      const isKept = answer.kind === 'stored';
      window.adapt(isKept && clock.monotonicMs() - fromMs < SLOW_MS);
      if (!isKept) repaired.isLevel = false;
      else this.counters.keysSent += 1;
      repaired.bytes += object.length;
    } catch {
      repaired.isLevel = false;
      window.adapt(false);
    }
  }
}

/** The buckets that differ, or the whole slot when many do. */
function bucketRanges(differing: number): HashRange[] {
  const buckets = Array.from({ length: BUCKET_COUNT }, (_, bucket) => bucket);
  const places = buckets.filter((bucket) => ((differing >>> bucket) & 1) === 1);
  if (places.length > BUCKETS_APART_MAX) return [ALL_HASHES];
  return places.map((place) => {
    const fromHash = place * BUCKET_HASHES;
    return { fromHash, toHash: fromHash + BUCKET_HASHES - 1 };
  });
}
