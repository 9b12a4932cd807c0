// How deletes are forgotten without a grace period. A floor is what a replica claims of a slot:
//
//   "Every write of this slot that the floor covers I have, or it is obsolete."
//
// So a key that is not there stands, in every merge, for an object that has the floor as its
// context and no siblings: whatever old copy of it a stale replica, a late frame or a hint brings,
// it is recognised as replaced, though nobody remembers by what. Under a floor a tombstone says
// nothing that its absence would not say as well, and may be erased; so may what has expired.
//
// A floor is raised by a round (reap-round.ts): all primaries of the slot say how far they have
// counted, and from then on are brought level on every key. Whatever they counted is in the copies
// of all of them. Of earlier lives of a primary nothing is written any more, and what was
// acknowledged of them at least one primary has: they are covered whole.
//
// After Gonçalves, Almeida, Baquero, Fonte: "DottedDB: Anti-Entropy without Merkle Trees, Deletes
// without Tombstones" (SRDS 2017), whose node-wide clock this is for a slot.
//
// Invariants: of a key that is there, the context covers every write under the floor that any
// primary knew when it was raised; floors only grow.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { compareDots, type Dot } from '../../causality/dot.ts';
import { isLive, type ObjectVersion } from '../../causality/siblings.ts';
import {
  CUT,
  descends,
  mergeVectors,
  type VectorEntry,
  type VersionVector,
} from '../../causality/version-vector.ts';

/** How far a primary has come when a round begins. */
export interface Reached {
  /** No earlier than the last write that it has given a name to, in any slot. */
  readonly last: Dot;
  readonly floor: VersionVector;
}

/** The floor that primaries may take who are level with all that each of them had reached. */
export function raisedFloor(primaries: readonly Reached[]): VersionVector {
  const counted = primaries
    .map(({ last }): VectorEntry => ({ ...last, isClosed: true }))
    .sort(compareDots);
  return primaries.reduce<VersionVector>((all, { floor }) => mergeVectors(all, floor), counted);
}

/** Whether an object may be erased under `floor`, when all primaries agree that it is `nowMs`. */
export function isForgettable(object: ObjectVersion, floor: VersionVector, nowMs: number): boolean {
  return deadFrom(object) <= nowMs && isUnder(object.context, floor);
}

/**
 * Whether the floor covers all that the context does. What was cut from a context were earlier
 * lives of nodes that it still names: who covers these lives covers those.
 */
export function isUnder(context: VersionVector, floor: VersionVector): boolean {
  const whole = context[0]?.actor === CUT ? context.slice(1) : context;
  return descends(floor, whole);
}

/**
 * The time from which no sibling lives, in milliseconds since 1970: 0 when all are tombstones or
 * there are none, Infinity when one lives until it is replaced.
 */
export function deadFrom({ siblings }: ObjectVersion): number {
  let fromMs = 0;
  for (const sibling of siblings) {
    if (!isLive(sibling, 0)) continue;
    if (sibling.expiresAt === 0) return Number.POSITIVE_INFINITY;
    if (sibling.expiresAt > fromMs) fromMs = sibling.expiresAt;
  }
  return fromMs;
}
