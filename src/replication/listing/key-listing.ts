// The keys of the whole cluster, page by page, for SCAN, KEYS and FLUSHDB. The order is (slot,
// hash of the key, key): a position fits into 64 bits, means the same on every replica, and a key
// that is there from the first page to the last is met exactly once, whatever comes and goes.
//
// A page asks as many replicas of a stretch of slots with one preference list as a read would, and
// merges versions, so that what a quorum would not read is not listed and what one missed is.

import { assert } from '../../base/assert.ts';
import { KvorumError } from '../../base/errors.ts';
import { type KeyspaceNumber, SLOT_COUNT, type Slot } from '../../base/ids.ts';
import { isLive, mergeObjects } from '../../causality/siblings.ts';
import { type ClusterView, nearestFirst } from '../cluster-view.ts';
import type { Keyspace } from '../keyspace.ts';
import { counts, type Need, needOf } from '../levels/need.ts';
import type { CountRequest, Listing, SlotsRequest } from '../messages.ts';
import type { Answer, MemberIndex, Peers } from '../peers.ts';
import { areAllWithoutPast } from '../refill/without-past.ts';
import type { GetRequest, KeyPage, KeyPosition, ListRequest, NoAnswer } from '../request.ts';
import { commonEnd, isBefore, type KeyVersions, versionsByKey } from './listed-keys.ts';
import { countOwnKeys, listOwnKeys, type OwnParts } from './own-keys.ts';

/** Stretches that one page may look at when they turn out empty, before it returns no keys. */
const STRETCHES_MAX = 32;

export interface ListingParts extends OwnParts {
  readonly view: ClusterView;
  readonly peers: Peers;
  readonly requestMs: number;
  /** Whether a read finds the key; true when nobody can say. */
  readonly isThere: (request: GetRequest) => Promise<boolean>;
}

/** A page that runs out of time returns the keys that it has. */
export async function listKeys(parts: ListingParts, request: ListRequest): Promise<KeyPage> {
  const keyspace = parts.view.keyspace(request.keyspace);
  const deadlineMs = parts.clock.monotonicMs() + parts.requestMs;
  const keys: Buffer[] = [];
  let from: KeyPosition | undefined = request.from;
  for (let tries = 0; tries < STRETCHES_MAX && from !== undefined; tries++) {
    if (keys.length >= request.count) break;
    const count = request.count - keys.length;
    const stretch = await listStretch(parts, keyspace, { from, count, deadlineMs });
    if (stretch.kind === 'no-answer') {
      if (tries === 0) return stretch;
      break;
    }
    assert(stretch.next === undefined || isBefore(from, stretch.next), 'a page makes progress');
    keys.push(...stretch.keys);
    from = stretch.next;
  }
  return { kind: 'page', keys, next: from };
}

/** Keys that live, each slot as its first live primary has it; throws NO_ANSWER. */
export async function countKeys(parts: ListingParts, keyspace: KeyspaceNumber): Promise<number> {
  const { engine, view } = parts;
  let total = 0;
  const asked: ReturnType<typeof askEach>[] = [];
  for (const [leader, slots] of slotsByLeader(parts, keyspace)) {
    if (leader === view.self) total += countOwnKeys(engine, keyspace, slots);
    else asked.push(askEach(parts, [leader], { kind: 'count-keys', keyspace, slots }));
  }
  for (const answer of (await Promise.all(asked)).flatMap((each) => [...each.values()])) {
    if (answer.kind !== 'count') throw noCount('a node that seems alive did not answer');
    total += answer.count;
  }
  return total;
}

/** One bit per slot, for each node that leads any. */
function slotsByLeader(parts: ListingParts, number: KeyspaceNumber): Map<MemberIndex, Buffer> {
  const { view } = parts;
  const keyspace = view.keyspace(number);
  const led = new Map<MemberIndex, Buffer>();
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    const leader = view.leader(keyspace, slot as Slot);
    if (leader === undefined) throw noCount(`no node that holds slot ${slot} is alive`);
    let slots = led.get(leader);
    if (slots === undefined) {
      slots = Buffer.alloc(SLOT_COUNT / 8);
      led.set(leader, slots);
    }
    slots[slot >> 3] = (slots[slot >> 3] as number) | (1 << (slot & 7));
  }
  return led;
}

interface Stretch {
  readonly from: KeyPosition;
  readonly count: number;
  readonly deadlineMs: number;
}

async function listStretch(
  parts: ListingParts,
  keyspace: Keyspace,
  { from, count, deadlineMs }: Stretch,
): Promise<KeyPage> {
  const { view } = parts;
  const { number, r: level } = keyspace;
  const need = needOf(keyspace, { letter: 'R', level, home: view.dataCenterOf(view.self) });
  const primaries = view.primaries(keyspace, from.slot);
  const toSlot = stretchEnd(view, keyspace, from.slot, primaries);
  const request: SlotsRequest = { kind: 'list-slots', keyspace: number, from, toSlot, count };
  const listings = await ownAndOthers(parts, primaries, { need, request, deadlineMs });
  if ('kind' in listings) return listings;
  const end = commonEnd(listings);
  const keys = await liveKeys(parts, keyspace, versionsByKey(listings, end));
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

interface Wanted {
  readonly need: Need;
  readonly request: SlotsRequest;
  readonly deadlineMs: number;
}

/** Our own listing, then others, near ones first, until every share of the need is full. */
async function ownAndOthers(
  parts: ListingParts,
  primaries: readonly MemberIndex[],
  { need, request, deadlineMs }: Wanted,
): Promise<Listing[] | NoAnswer> {
  const { view } = parts;
  const held = new Map<MemberIndex, Listing>();
  if (primaries.includes(view.self)) {
    const own = await ownListing(parts, request);
    if (own !== undefined) held.set(view.self, own);
  }
  const inOrder = nearestFirst(view, primaries);
  const isCounted = (member: MemberIndex) => held.get(member)?.isRefilling === undefined;
  for (const share of need) {
    const there = inOrder.filter((member) => counts(share, view, member));
    const waiting = there.filter((member) => member !== view.self && view.isAlive(member));
    const got = () => there.filter((member) => held.has(member) && isCounted(member)).length;
    while (got() < share.needed && waiting.length > 0) {
      const members = waiting.splice(0, share.needed - got());
      const budgetMs = deadlineMs - parts.clock.monotonicMs();
      for (const [member, answer] of await askEach(parts, members, request, budgetMs)) {
        if (answer.kind === 'listing') held.set(member, answer);
      }
    }
    if (got() >= share.needed) continue;
    const refilling = [...held.keys()].filter((member) => !isCounted(member)).length;
    const keyspace = view.keyspace(request.keyspace);
    // As a read of one key counts them: read/gathering.ts.
    const areAllHere = there.every((member) => held.has(member));
    if (areAllHere || areAllWithoutPast(refilling, keyspace)) continue;
    const noAnswer = { kind: 'no-answer', ...share, got: got() } as const;
    return refilling > 0 ? { ...noAnswer, isRefilling: true } : noAnswer;
  }
  return [...held.values()];
}

/** Undefined when our disk cannot vouch for it: then others must. */
async function ownListing(
  parts: ListingParts,
  request: SlotsRequest,
): Promise<Listing | undefined> {
  try {
    return await listOwnKeys(parts, request);
  } catch (error) {
    if (error instanceof KvorumError) return undefined;
    throw error;
  }
}

function askEach(
  parts: ListingParts,
  members: readonly MemberIndex[],
  request: SlotsRequest | CountRequest,
  budgetMs = parts.requestMs,
): Promise<ReadonlyMap<MemberIndex, Answer>> {
  const answers = new Map<MemberIndex, Answer>();
  return new Promise((resolve) => {
    const onAnswer = (member: MemberIndex, answer: Answer) => {
      answers.set(member, answer);
      if (answers.size === members.length) resolve(answers);
    };
    parts.peers.ask(members, { request, budgetMs, onAnswer });
  });
}

/**
 * Those that have a value which lives. What some of those who were asked do not have may be a key
 * that was deleted and forgotten there: only a read tells, and heals whoever still has it.
 */
async function liveKeys(
  parts: ListingParts,
  keyspace: Keyspace,
  found: readonly KeyVersions[],
): Promise<Buffer[]> {
  const nowMs = parts.clock.wallMs();
  const are = await Promise.all(
    found.map(({ key, versions }) => {
      const known = versions.filter((version) => version !== undefined);
      const merged = known.reduce((one, other) => mergeObjects(one, other));
      const isAlive = merged.siblings.some((sibling) => isLive(sibling, nowMs));
      if (!isAlive || known.length === versions.length) return isAlive;
      return parts.isThere({ keyspace: keyspace.number, key });
    }),
  );
  return found.filter((_, place) => are[place]).map(({ key }) => key);
}

function noCount(why: string): KvorumError {
  const fix = 'Try again; "kvorum status" shows which nodes are down or slow.';
  return new KvorumError('NO_ANSWER', `the keys cannot be counted: ${why}`, fix);
}
