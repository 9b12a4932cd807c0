// The hash tree over all slots. Its nodes have numbers, level by level:
//
//   0 ───► 1 … 32 ───────► 33 … 288 ─────► 289 … 2,336 ──► 2,337 … 18,720
//   root   of 512 slots    of 64 slots     of 8 slots      the slots
//
// What a node tells of itself are the digests of its children, 8 bytes each, and a slot its own. So
// equal trees cost the 256 bytes of a root, and each slot that differs some 64 bytes a level.
//
// Below the slots are the buckets of a slot's keys.
//
// Pure: no clock, no disk, no network; dice are an argument.

import type { Slot } from '../../base/ids.ts';

/** Place of a node in the tree: 0 is the root. */
export type TreeNode = number;

/** What a node of the tree tells of itself. */
export interface NodeDigests {
  readonly node: TreeNode;
  readonly digests: Buffer;
}

export const ROOT: TreeNode = 0;
export const ROOT_FAN_OUT = 32;
export const FAN_OUT = 8;
/** The first of 64 slots, of which the engine says whether any has changed. */
export const FIRST_OF_64 = 33;
export const FIRST_LEAF = 2_337;
export const NODE_COUNT = 18_721;
export const DIGEST_BYTES = 8;

export const BUCKET_COUNT = 32;
/** Hashes of one bucket. */
export const BUCKET_HASHES = 2 ** 32 / BUCKET_COUNT;
export const BUCKETS_BYTES = BUCKET_COUNT * DIGEST_BYTES;

export function isLeaf(node: TreeNode): boolean {
  return node >= FIRST_LEAF;
}

export function leafOf(slot: Slot): TreeNode {
  return FIRST_LEAF + slot;
}

export function slotOfLeaf(node: TreeNode): Slot {
  return (node - FIRST_LEAF) as Slot;
}

/** Of a node that is no leaf. */
export function firstChildOf(node: TreeNode): TreeNode {
  return node === ROOT ? 1 : ROOT_FAN_OUT + 1 + FAN_OUT * (node - 1);
}

/** How many digests it tells. */
export function digestCountOf(node: TreeNode): number {
  if (node === ROOT) return ROOT_FAN_OUT;
  return isLeaf(node) ? 1 : FAN_OUT;
}

/** The places at which two rows of digests differ. */
export function* differingPlaces(ours: Buffer, theirs: Buffer): Generator<number> {
  for (let at = 0; at < ours.length; at += DIGEST_BYTES) {
    const isSame = ours.compare(theirs, at, at + DIGEST_BYTES, at, at + DIGEST_BYTES) === 0;
    if (!isSame) yield at / DIGEST_BYTES;
  }
}
