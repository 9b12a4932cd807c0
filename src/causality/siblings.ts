// The versions of one object: a dotted version vector set. `context` covers every write that this
// copy has ever taken in; `siblings` are those of them that no later write has replaced. So a dot
// in the context without a sibling means "known, and replaced", and merging needs no history:
//
//   A  context a2 b1   siblings a2            (a2 replaced b1)
//   B  context b1 c1   siblings b1, c1        (c1 did not know b1)
//   merged: a2 b1 c1   siblings a2, c1        b1 goes: A covers it and does not have it any more
//
// Why not version vectors alone: when two clients write through one coordinator, a vector cannot
// say which of the siblings the second had seen, so either one is lost or siblings explode.
//
// Source: Almeida, Baquero, Gonçalves, Preguiça, Fonte: "Scalable and Accurate Causality Tracking
// for Eventually Consistent Stores" (DAIS 2014).
//
// Invariants: siblings ascend strictly by dot; the context covers each of them; a dot's facts
// never change; copies with equal contexts have equal siblings.
// Pure: no clock, no disk, no network; dice are an argument.

import { assert } from '../base/assert.ts';
import { compareDots, type Dot } from './dot.ts';
import type { HybridTime } from './hybrid-clock.ts';
import { trimmed } from './pruning.ts';
import {
  covers,
  cutOf,
  descends,
  EMPTY_VECTOR,
  mergeVectors,
  type VersionVector,
  withDot,
} from './version-vector.ts';

export interface SiblingFacts {
  readonly dot: Dot;
  readonly time: HybridTime;
  /** Milliseconds since 1970; 0: never. */
  readonly expiresAt: number;
  readonly isTombstone: boolean;
}

export interface Sibling extends SiblingFacts {
  /** Empty in a tombstone. */
  readonly value: Buffer;
}

export interface Versioned<S extends SiblingFacts> {
  readonly context: VersionVector;
  readonly siblings: readonly S[];
}

export type StoredObject = Versioned<Sibling>;
export type ObjectVersion = Versioned<SiblingFacts>;

export const EMPTY_OBJECT: StoredObject = { context: EMPTY_VECTOR, siblings: [] };

/**
 * Adds a write whose writer had seen `seen` (a blind write: `object.context`) and removes what it
 * replaces. The dot must be fresh: a context that knows more of this actor than the actor itself
 * is for the caller to refuse first.
 *
 * The write is given a time greater than that of every sibling here, however far ahead of us the
 * clock was that made them: hybrid time then never contradicts causality. Read it in the result.
 */
export function writeSibling(
  object: StoredObject,
  seen: VersionVector,
  sibling: Sibling,
): StoredObject {
  const known = mergeVectors(object.context, seen);
  assert(!covers(known, sibling.dot), 'the dot of a write is fresh');
  const siblings: Sibling[] = [];
  let time = sibling.time;
  for (const other of object.siblings) {
    if (other.time >= time) time = other.time + 1;
    if (!covers(seen, other.dot)) siblings.push(other);
  }
  siblings.push(time === sibling.time ? sibling : { ...sibling, time });
  if (siblings.length > 1) siblings.sort(byDot);
  return { context: trimmed(withDot(known, sibling.dot), siblings), siblings };
}

/**
 * Everything that either copy knows: a sibling stays when both have it, or when the other copy
 * does not cover it. Commutative, associative, idempotent. Returns `a` itself (else `b` itself)
 * where that is the result.
 */
export function mergeObjects<S extends SiblingFacts>(
  a: Versioned<S>,
  b: Versioned<S>,
): Versioned<S> {
  if (a === b) return a;
  const siblings = union(survivors(a, b), survivors(b, a));
  const context = trimmed(mergeVectors(a.context, b.context), siblings);
  if (siblings === a.siblings && context === a.context) return a;
  if (siblings.length === b.siblings.length && descends(b.context, context)) {
    if (siblings.every((sibling, i) => compareDots(sibling.dot, b.siblings[i]!.dot) === 0))
      return b;
  }
  return { context, siblings };
}

/** Whether merging `b` into `a` would change nothing. */
export function subsumes(a: ObjectVersion, b: ObjectVersion): boolean {
  // What was cut from a context may have to come back with a sibling.
  if (cutOf(a.context) > 0) return mergeObjects<SiblingFacts>(a, b) === a;
  // b's own siblings need no look: a covers them all, so they stay only where a has them too.
  return descends(a.context, b.context) && survivors(a, b) === a.siblings;
}

/**
 * Whether a copy that is `own` lacks something of `newest`. That a key is not there needs no copy:
 * where neither has a sibling, none is behind.
 */
export function isBehind(own: ObjectVersion, newest: ObjectVersion): boolean {
  if (own.siblings.length === 0 && newest.siblings.length === 0) return false;
  return !subsumes(own, newest);
}

/**
 * The conflict rule `latest`: only the greatest sibling by (time, then dot), applied after every
 * write and every merge.
 *
 * Why all replicas end up alike although each drops siblings by itself: a collapsed copy is the
 * pair (writes it covers, greatest of them), for the dropped ones stay covered. Merging two such
 * copies yields (union, greater of the two): the greater survives, because a copy that covers it
 * and had dropped it would hold a greater one. Union and maximum are commutative, associative and
 * idempotent.
 *
 * What it rests on: a write is greater than everything that its own context covers. writeSibling
 * sees to that for what the coordinator has; so here `seen` must lie within `object.context`. A
 * coordinator whose client has seen more first reads that from the other replicas, and else
 * counts it as unseen. Otherwise three writes can beat each other in a circle (t replaced w, w is
 * newer than s, s is newer than t) and a merge would drop all of them.
 */
export function keepLatest<S extends SiblingFacts>(object: Versioned<S>): Versioned<S> {
  if (object.siblings.length <= 1) return object;
  const siblings = [latestOf(object)!];
  return { context: trimmed(object.context, siblings), siblings };
}

/** The greatest sibling by (time, then dot), dead or alive. */
export function latestOf<S extends SiblingFacts>(object: Versioned<S>): S | undefined {
  let latest = object.siblings[0];
  for (const sibling of object.siblings) {
    if (newestFirst(sibling, latest!) < 0) latest = sibling;
  }
  return latest;
}

/** The siblings that hold a value at `nowMs`, the newest by time first. */
export function liveSiblings<S extends SiblingFacts>(object: Versioned<S>, nowMs: number): S[] {
  const live = object.siblings.filter((sibling) => isLive(sibling, nowMs));
  return live.length > 1 ? live.sort(newestFirst) : live;
}

/** Neither deleted nor expired. */
export function isLive(sibling: SiblingFacts, nowMs: number): boolean {
  return !sibling.isTombstone && (sibling.expiresAt === 0 || sibling.expiresAt > nowMs);
}

/** The object without its values, which it no longer keeps in memory. */
export function versionOf(object: StoredObject): ObjectVersion {
  const siblings = object.siblings.map(({ dot, time, expiresAt, isTombstone }) => {
    return { dot, time, expiresAt, isTombstone };
  });
  return { context: object.context, siblings };
}

/** The siblings of `own` that `other` has too or does not cover; the same array if all do. */
function survivors<S extends SiblingFacts>(own: Versioned<S>, other: Versioned<S>): readonly S[] {
  let kept: S[] | undefined;
  let j = 0;
  for (let i = 0; i < own.siblings.length; i++) {
    const sibling = own.siblings[i]!;
    while (j < other.siblings.length && byDot(other.siblings[j]!, sibling) < 0) j++;
    const isShared = j < other.siblings.length && byDot(other.siblings[j]!, sibling) === 0;
    const survives = isShared || !covers(other.context, sibling.dot);
    if (!survives) kept ??= own.siblings.slice(0, i);
    else if (kept !== undefined) kept.push(sibling);
  }
  return kept ?? own.siblings;
}

/** Both, in the order of dots; `a` itself where `b` adds nothing. */
function union<S extends SiblingFacts>(a: readonly S[], b: readonly S[]): readonly S[] {
  if (b.length === 0) return a;
  if (a.length === 0) return b;
  const both: S[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const order = i === a.length ? 1 : j === b.length ? -1 : byDot(a[i]!, b[j]!);
    both.push(order <= 0 ? a[i]! : b[j]!);
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
  return both.length === a.length ? a : both;
}

function byDot(a: SiblingFacts, b: SiblingFacts): number {
  return compareDots(a.dot, b.dot);
}

function newestFirst(a: SiblingFacts, b: SiblingFacts): number {
  return b.time - a.time || compareDots(b.dot, a.dot);
}
