// How many slots each member should own, in proportion to capacity.
//
// A new ring deals the exact quotas (largest remainder). A ring that changes keeps each member
// within half a run of its share instead: were it exact to the slot, a node that joins a hundred
// others would have to take one or two slots from each of them, and the rows that clients read
// would shatter a little more with every change, up to one row a slot.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { SLOT_COUNT } from '../base/ids.ts';
import type { Member } from './ring.ts';

/** Runs of an average member: what CLUSTER SLOTS prints is about that many rows a node. */
export const RUNS_PER_MEMBER = 16;

export interface Quota {
  /** The exact part of 16,384 that the capacity earns; 0 for a member that leaves. */
  readonly share: number;
  /** Invariant: low <= share <= high. */
  readonly low: number;
  readonly high: number;
}

export const NO_QUOTA: Quota = { share: 0, low: 0, high: 0 };

/** Whole numbers that sum to 16,384; each is the exact share rounded down or up. */
export function exactQuotas(members: readonly Member[]): Int32Array {
  const shares = sharesOf(members);
  const quotas = Int32Array.from(shares, Math.floor);
  const extras = SLOT_COUNT - quotas.reduce((sum, quota) => sum + quota, 0);
  const remainder = (i: number) => (shares[i] as number) % 1;
  const order = shares.map((_, i) => i).sort((a, b) => remainder(b) - remainder(a) || a - b);
  for (const i of order.slice(0, extras)) quotas[i] = (quotas[i] as number) + 1;
  return quotas;
}

/** The share of each member, give or take half a run. */
export function quotaRanges(members: readonly Member[]): Quota[] {
  return sharesOf(members).map((share) => {
    const tolerance = share / (2 * RUNS_PER_MEMBER);
    const low = Math.max(1, Math.floor(share - tolerance));
    return { share, low, high: Math.ceil(share + tolerance) };
  });
}

function sharesOf(members: readonly Member[]): number[] {
  const total = members.reduce((sum, member) => sum + member.capacity, 0);
  return members.map((member) => (SLOT_COUNT * member.capacity) / total);
}
