// The keys of the whole cluster, page by page, for SCAN, KEYS and FLUSHDB. The order is (slot,
// hash of the key, key): a position fits into 64 bits, means the same on every replica, and a key
// that is there from the first page to the last is met exactly once, whatever comes and goes.
//
// A page asks R replicas of a stretch of slots with one preference list and merges versions, so
// that what a quorum would not read is not listed and what one replica missed is.

import { KvorumError } from '../base/errors.ts';
import { type KeyspaceNumber, SLOT_COUNT, type Slot } from '../base/ids.ts';
import { isLive, mergeObjects, type ObjectVersion } from '../causality/siblings.ts';
import type { Clock } from '../host/host.ts';
import type { Engine } from '../storage/engine.ts';
import type { ClusterView } from './cluster-view.ts';
import type { Keyspace } from './keyspace.ts';
import type { ListedKey, Listing, SlotsRequest } from './messages.ts';
import { listOwnKeys } from './own-keys.ts';
import type { Answer, MemberIndex, Peers } from './peers.ts';
import type { KeyPage, KeyPosition, ListRequest } from './request.ts';

/** Stretches that one page may look at when they turn out empty, before it returns no keys. */
const STRETCHES_MAX = 32;

export interface ListingParts {
  readonly view: ClusterView;
  readonly engine: Engine;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly requestMs: number;
}

export async function listKeys(parts: ListingParts, request: ListRequest): Promise<KeyPage> {
  const keyspace = parts.view.keyspace(request.keyspace);
  const keys: Buffer[] = [];
  let from: KeyPosition | undefined = request.from;
  for (let tries = 0; tries < STRETCHES_MAX && from !== undefined; tries++) {
    if (keys.length >= request.count) break;
    const stretch = await listStretch(parts, keyspace, from, request.count - keys.length);
    if (stretch.kind === 'no-answer') return stretch;
    keys.push(...stretch.keys);
    from = stretch.next;
  }
  return { kind: 'page', keys, next: from };
}

/** Keys that live in slots whose first live primary is a given node, summed over all nodes. */
export async function countKeys(parts: ListingParts, keyspace: KeyspaceNumber, own: number) {
  const { view } = parts;
  parts.view.keyspace(keyspace);
  const leaders = new Set<MemberIndex>();
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    const primaries = view.primaries(view.keyspace(keyspace), slot as Slot);
    const leader = primaries.find((member) => member === view.self || view.isAlive(member));
    if (leader !== undefined) leaders.add(leader);
  }
  leaders.delete(view.self);
  const answers = await askEach(parts, [...leaders], { kind: 'count-keys', keyspace });
  let total = own;
  for (const answer of answers) {
    if (answer.kind !== 'count') throw noCount();
    total += answer.count;
  }
  return total;
}

async function listStretch(
  parts: ListingParts,
  keyspace: Keyspace,
  from: KeyPosition,
  count: number,
): Promise<KeyPage> {
  const { view } = parts;
  const primaries = view.primaries(keyspace, from.slot);
  const toSlot = stretchEnd(view, keyspace, from.slot, primaries);
  const request: SlotsRequest = {
    kind: 'list-slots',
    keyspace: keyspace.number,
    from,
    toSlot,
    count,
  };
  const listings = await ownAndOthers(parts, primaries, keyspace.r, request);
  if (listings.length < keyspace.r) {
    return { kind: 'no-answer', needed: keyspace.r, got: listings.length };
  }
  const end = earliest(listings.map((listing) => listing.next));
  const keys = liveKeys(listings, end, parts.clock.wallMs());
  const after = toSlot + 1 < SLOT_COUNT ? { slot: (toSlot + 1) as Slot, hash: 0 } : undefined;
  return { kind: 'page', keys, next: end ?? after };
}

/** The last slot of the stretch from `slot` on that has the very same primaries. */
function stretchEnd(
  view: ClusterView,
  keyspace: Keyspace,
  slot: Slot,
  primaries: readonly MemberIndex[],
): Slot {
  let end: number = slot;
  while (end + 1 < SLOT_COUNT) {
    const next = view.primaries(keyspace, (end + 1) as Slot);
    const isSame = next === primaries || next.every((member, place) => member === primaries[place]);
    if (!isSame) break;
    end += 1;
  }
  return end as Slot;
}

/** Listings of `needed` primaries: our own first, then the others in turn until enough answer. */
async function ownAndOthers(
  parts: ListingParts,
  primaries: readonly MemberIndex[],
  needed: number,
  request: SlotsRequest,
): Promise<Listing[]> {
  const { view } = parts;
  const listings: Listing[] = [];
  const waiting = primaries.filter((member) => member !== view.self && view.isAlive(member));
  if (primaries.includes(view.self)) listings.push(await listOwnKeys(parts.engine, request));
  while (listings.length < needed && waiting.length > 0) {
    const members = waiting.splice(0, needed - listings.length);
    for (const answer of await askEach(parts, members, request)) {
      if (answer.kind === 'listing') listings.push(answer);
    }
  }
  return listings;
}

function askEach(
  parts: ListingParts,
  members: readonly MemberIndex[],
  request: SlotsRequest | { readonly kind: 'count-keys'; readonly keyspace: KeyspaceNumber },
): Promise<Answer[]> {
  if (members.length === 0) return Promise.resolve([]);
  const answers: Answer[] = [];
  return new Promise((resolve) => {
    const onAnswer = (_: MemberIndex, answer: Answer) => {
      answers.push(answer);
      if (answers.length === members.length) resolve(answers);
    };
    parts.peers.ask(members, { request, budgetMs: parts.requestMs, onAnswer });
  });
}

/** Keys before `end` of which the merged version has a value that lives. */
function liveKeys(
  listings: readonly Listing[],
  end: KeyPosition | undefined,
  nowMs: number,
): Buffer[] {
  const merged = new Map<string, { key: Buffer; version: ObjectVersion }>();
  for (const listing of listings) {
    for (const entry of listing.entries) {
      if (end !== undefined && !isBefore(entry, end)) break;
      const name = entry.key.toString('latin1');
      const known = merged.get(name);
      const version =
        known === undefined ? entry.version : mergeObjects(known.version, entry.version);
      merged.set(name, { key: entry.key, version });
    }
  }
  const keys: Buffer[] = [];
  for (const { key, version } of merged.values()) {
    if (version.siblings.some((sibling) => isLive(sibling, nowMs))) keys.push(key);
  }
  return keys;
}

function isBefore(entry: ListedKey, end: KeyPosition): boolean {
  return entry.slot < end.slot || (entry.slot === end.slot && entry.hash < end.hash);
}

function earliest(positions: readonly (KeyPosition | undefined)[]): KeyPosition | undefined {
  let first: KeyPosition | undefined;
  for (const position of positions) {
    if (position === undefined) continue;
    const isEarlier =
      first === undefined ||
      position.slot < first.slot ||
      (position.slot === first.slot && position.hash < first.hash);
    if (isEarlier) first = position;
  }
  return first;
}

function noCount(): KvorumError {
  return new KvorumError(
    'NO_ANSWER',
    'a node that seems alive did not say how many keys it holds',
    'Try again; "kvorum status" shows which node is slow.',
  );
}
