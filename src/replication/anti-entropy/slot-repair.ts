// Brings two copies of a slot level: the buckets that differ are listed on both sides, and of each
// key of which one side knows more the other gets the object. Whoever has less merges: nothing is
// ever taken back, so it does no harm when both sides do this at once, or clients write meanwhile.

import { crc32 } from '../../base/checksum.ts';
import type { Slot } from '../../base/ids.ts';
import { encodeObject } from '../../causality/object-format.ts';
import { EMPTY_OBJECT, isBehind, type ObjectVersion } from '../../causality/siblings.ts';
import type { Clock } from '../../host/host.ts';
import type { Engine } from '../../storage/engine.ts';
import type { Keyspace } from '../keyspace.ts';
import { listOwnKeys } from '../listing/own-keys.ts';
import type { KeyAt, ListedKey, Listing, SlotsRequest } from '../messages.ts';
import type { PacedWindow } from '../paced-window.ts';
import { type Asking, answerOf, type MemberIndex } from '../peers.ts';
import type { RefillBook } from '../refill/refill-book.ts';
import type { Replica } from '../replica.ts';
import type { KeyPosition } from '../request.ts';
import { bucketDigests } from './slot-buckets.ts';
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

const PAGE_KEYS = 1_000;
/** An answer that took longer is slow. */
const SLOW_MS = 50;

/** Buckets that are worth a listing of their own: each reads its slot. */
const LISTED_APART_MAX = 4;

/** From one hash of a key up to another, exclusive. */
interface Hashes {
  readonly from: number;
  readonly end: number;
}

type Listed = Map<string, ListedKey>;

export class SlotRepair {
  readonly counters: RepairCounters = { keysSent: 0, keysFetched: 0 };
  readonly #parts: SlotRepairParts;

  constructor(parts: SlotRepairParts) {
    this.#parts = parts;
  }

  /** Undefined: the other side did not answer. Rejects as our disk does. */
  async run(member: MemberIndex, keyspace: Keyspace, slot: Slot): Promise<Repaired | undefined> {
    const { engine, peers, requestMs, digestSeed, window } = this.#parts;
    const { number } = keyspace;
    const buckets = await bucketDigests(engine, digestSeed, number, slot);
    const request = { kind: 'compare-buckets', keyspace: number, slot, buckets } as const;
    const answer = await answerOf(peers, member, request, requestMs);
    if (answer.kind !== 'buckets') return undefined;
    const repaired = { keys: 0, bytes: 0, hasAll: true, isLevel: true };
    for (const hashes of differingHashes(answer.differing)) {
      const wasListed = await this.#repairPart(member, keyspace, slot, hashes, repaired);
      if (!wasListed) return undefined;
    }
    await window.drained();
    return repaired;
  }

  async #repairPart(
    member: MemberIndex,
    keyspace: Keyspace,
    slot: Slot,
    hashes: Hashes,
    repaired: Repaired,
  ): Promise<boolean> {
    const { peers, replica, requestMs, window } = this.#parts;
    const asked = (from: KeyPosition): SlotsRequest => {
      return {
        kind: 'list-slots',
        keyspace: keyspace.number,
        from,
        toSlot: slot,
        count: PAGE_KEYS,
      };
    };
    const ours = await listed(slot, hashes, (from) => listOwnKeys(this.#parts, asked(from)));
    const theirs = await listed(slot, hashes, async (from) => {
      const answer = await answerOf(peers, member, asked(from), requestMs);
      return answer.kind === 'listing' ? answer : undefined;
    });
    if (ours === undefined || theirs === undefined) return false;
    const absent = replica.objectOf({ keyspace: keyspace.number, slot }, undefined);
    for (const { key, weLack, theyLack } of differences(ours, theirs, absent)) {
      const at = { keyspace: keyspace.number, slot, key };
      repaired.keys += 1;
      if (weLack) await window.begin(() => this.#fetch(member, keyspace, at, repaired));
      if (theyLack) await window.begin(() => this.#send(member, keyspace, at, repaired));
    }
    return true;
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

/** What is to be listed: the buckets that differ, or the whole slot when many do. */
function* differingHashes(differing: number): Generator<Hashes> {
  const buckets = Array.from({ length: BUCKET_COUNT }, (_, bucket) => bucket);
  const places = buckets.filter((bucket) => ((differing >>> bucket) & 1) === 1);
  if (places.length > LISTED_APART_MAX) yield { from: 0, end: 2 ** 32 };
  else {
    for (const place of places) {
      yield { from: place * BUCKET_HASHES, end: (place + 1) * BUCKET_HASHES };
    }
  }
}

/** Everything with these hashes, page by page; undefined: somebody did not answer. */
async function listed(
  slot: Slot,
  { from: first, end }: Hashes,
  page: (from: KeyPosition) => Promise<Listing | undefined>,
): Promise<Listed | undefined> {
  const keys: Listed = new Map();
  let from: KeyPosition | undefined = { slot, hash: first };
  while (from !== undefined && from.hash < end) {
    const listing: Listing | undefined = await page(from);
    if (listing === undefined) return undefined;
    for (const entry of listing.entries) {
      if (crc32(entry.key) < end) keys.set(entry.key.toString('latin1'), entry);
    }
    from = listing.next;
  }
  return keys;
}

/** `absent`: what a key is to us that we do not have. What it is to them, they know. */
function* differences(ours: Listed, theirs: Listed, absent: ObjectVersion) {
  for (const name of new Set([...ours.keys(), ...theirs.keys()])) {
    const [mine, other] = [ours.get(name), theirs.get(name)];
    const key = ((mine ?? other) as ListedKey).key;
    const known = mine?.version ?? absent;
    const theirVersion = other?.version ?? EMPTY_OBJECT;
    const weLack = isBehind(known, theirVersion);
    const theyLack = isBehind(theirVersion, known);
    if (weLack || theyLack) yield { key, weLack, theyLack };
  }
}
