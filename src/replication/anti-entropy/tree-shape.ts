// The levels of the hash tree that two nodes compare, and what they take:
//
//   128 groups × 8 bytes ─ differ? ─► 128 slots × 8 bytes ─ differ? ─► 32 buckets of a slot's keys
//
// With 10⁶ keys on a node a slot holds some sixty of them, and a bucket two.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { SLOT_COUNT } from '../../base/ids.ts';

export const GROUP_SLOTS = 128;
export const GROUP_COUNT = SLOT_COUNT / GROUP_SLOTS;
export const DIGEST_BYTES = 8;
/** Of the digests of all groups, and of those of one group's slots. */
export const LEVEL_BYTES = GROUP_SLOTS * DIGEST_BYTES;

export const BUCKET_COUNT = 32;
/** Hashes of one bucket. */
export const BUCKET_HASHES = 2 ** 32 / BUCKET_COUNT;
export const BUCKETS_BYTES = BUCKET_COUNT * DIGEST_BYTES;

/** The places at which two levels of digests differ. */
export function* differingPlaces(ours: Buffer, theirs: Buffer): Generator<number> {
  for (let at = 0; at < ours.length; at += DIGEST_BYTES) {
    const isSame = ours.compare(theirs, at, at + DIGEST_BYTES, at, at + DIGEST_BYTES) === 0;
    if (!isSame) yield at / DIGEST_BYTES;
  }
}
