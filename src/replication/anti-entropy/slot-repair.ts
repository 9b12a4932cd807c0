// Brings two copies of a slot level: the buckets that differ are listed on both sides, and of each
// key of which one side knows more the other gets the object. Whoever has less merges: nothing is
// ever taken back, so it does no harm when both sides do this at once, or clients write meanwhile.

import { crc32 } from '../../base/checksum.ts';
import type { Slot } from '../../base/ids.ts';
import { type ObjectVersion, subsumes } from '../../causality/siblings.ts';
import type { Clock } from '../../host/host.ts';
import type { Engine } from '../../storage/engine.ts';
import type { Keyspace } from '../keyspace.ts';
import { listOwnKeys } from '../listing/own-keys.ts';
import type { KeyAt, ListedKey, Listing, SlotsRequest } from '../messages.ts';
import type { PacedWindow } from '../paced-window.ts';
import { answerOf, type MemberIndex, type Peers } from '../peers.ts';
import type { Replica } from '../replica.ts';
import type { KeyPosition } from '../request.ts';
import { bucketDigests } from './slot-buckets.ts';
import { BUCKET_COUNT, BUCKET_HASHES } from './tree-shape.ts';

export interface SlotRepairParts {
  readonly engine: Engine;
  readonly replica: Replica;
  readonly peers: Peers;
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

const PAGE_KEYS = 1_000;
/** An answer that took longer is slow. */
const SLOW_MS = 50;

type Listed = Map<string, ListedKey>;

export class SlotRepair {
  readonly counters: RepairCounters = { keysSent: 0, keysFetched: 0 };
  readonly #parts: SlotRepairParts;

  constructor(parts: SlotRepairParts) {
    this.#parts = parts;
  }

  /** How many keys differed; undefined: the other side did not answer. Rejects as our disk does. */
  async run(member: MemberIndex, keyspace: Keyspace, slot: Slot): Promise<number | undefined> {
    const { engine, peers, requestMs, digestSeed, window } = this.#parts;
    const { number } = keyspace;
    const buckets = await bucketDigests(engine, digestSeed, number, slot);
    const request = { kind: 'compare-buckets', keyspace: number, slot, buckets } as const;
    const answer = await answerOf(peers, member, request, requestMs);
    if (answer.kind !== 'buckets') return undefined;
    let keys = 0;
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      if (((answer.differing >>> bucket) & 1) === 0) continue;
      const differing = await this.#repairBucket(member, keyspace, slot, bucket);
      if (differing === undefined) return undefined;
      keys += differing;
    }
    await window.drained();
    return keys;
  }

  async #repairBucket(member: MemberIndex, keyspace: Keyspace, slot: Slot, bucket: number) {
    const { engine, clock, peers, requestMs, window } = this.#parts;
    const asked = (from: KeyPosition): SlotsRequest => {
      return {
        kind: 'list-slots',
        keyspace: keyspace.number,
        from,
        toSlot: slot,
        count: PAGE_KEYS,
      };
    };
    const ours = await listed(slot, bucket, (from) => listOwnKeys(engine, clock, asked(from)));
    const theirs = await listed(slot, bucket, async (from) => {
      const answer = await answerOf(peers, member, asked(from), requestMs);
      return answer.kind === 'listing' ? answer : undefined;
    });
    if (ours === undefined || theirs === undefined) return undefined;
    let keys = 0;
    for (const { key, weLack, theyLack } of differences(ours, theirs)) {
      const at = { keyspace: keyspace.number, slot, key };
      keys += 1;
      if (weLack) await window.begin(() => this.#fetch(member, keyspace, at));
      if (theyLack) await window.begin(() => this.#send(member, keyspace, at));
    }
    return keys;
  }

  /** Never rejects: what could not be done now is found again. */
  async #fetch(member: MemberIndex, keyspace: Keyspace, at: KeyAt): Promise<void> {
    const { peers, replica, requestMs, window } = this.#parts;
    const answer = await answerOf(peers, member, { ...at, kind: 'read-object' }, requestMs);
    const isThere = answer.kind === 'object' && answer.object !== undefined;
    window.adapt(isThere);
    if (!isThere) return;
    try {
      await replica.merge(keyspace, at, answer.object as Buffer);
      this.counters.keysFetched += 1;
    } catch {
      window.adapt(false);
    }
  }

  async #send(member: MemberIndex, keyspace: Keyspace, at: KeyAt): Promise<void> {
    const { clock, peers, replica, requestMs, window } = this.#parts;
    try {
      const object = await replica.read(keyspace, at);
      if (object === undefined) return;
      const fromMs = clock.monotonicMs();
      const answer = await answerOf(
        peers,
        member,
        { ...at, kind: 'store-copy', object },
        requestMs,
      );
      const isKept = answer.kind === 'stored';
      window.adapt(isKept && clock.monotonicMs() - fromMs < SLOW_MS);
      if (isKept) this.counters.keysSent += 1;
    } catch {
      window.adapt(false);
    }
  }
}

/** Everything in a bucket, page by page; undefined: somebody did not answer. */
async function listed(
  slot: Slot,
  bucket: number,
  page: (from: KeyPosition) => Promise<Listing | undefined>,
): Promise<Listed | undefined> {
  const keys: Listed = new Map();
  const end = (bucket + 1) * BUCKET_HASHES;
  let from: KeyPosition | undefined = { slot, hash: bucket * BUCKET_HASHES };
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

function* differences(ours: Listed, theirs: Listed) {
  for (const name of new Set([...ours.keys(), ...theirs.keys()])) {
    const [mine, other] = [ours.get(name), theirs.get(name)];
    const key = ((mine ?? other) as ListedKey).key;
    const weLack = other !== undefined && !has(mine?.version, other.version);
    const theyLack = mine !== undefined && !has(other?.version, mine.version);
    if (weLack || theyLack) yield { key, weLack, theyLack };
  }
}

function has(known: ObjectVersion | undefined, version: ObjectVersion): boolean {
  return known !== undefined && subsumes(known, version);
}
