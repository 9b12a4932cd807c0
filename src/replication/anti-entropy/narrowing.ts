// How two sides find the leaves in which their trees differ: in turns, each of which goes down two
// levels. One tells its digests of some nodes; the other answers with its own of those children
// that differ; and the first goes on with what differs of these.
//
// Neither remembers anything of the other, so that each may change meanwhile: what was written
// under way is found or not, what differed all the time is found.
//
// Pure: no clock, no disk, no network; dice are an argument.

import type { Slot } from '../../base/ids.ts';
import {
  DIGEST_BYTES,
  differingPlaces,
  firstChildOf,
  isLeaf,
  type NodeDigests,
  slotOfLeaf,
  type TreeNode,
} from './tree-shape.ts';

export interface HashTree {
  digestsOf(node: TreeNode): NodeDigests;
}

/** What a side finds in an answer. */
export interface Narrowed {
  /** What it tells in the next turn; none: that was all. */
  readonly next: TreeNode[];
  /** Both digests of each slot that differs: `ours theirs`, in hexadecimal digits. */
  readonly differing: Map<Slot, string>;
}

/** From the root to the leaves. */
export const TURNS_MAX = 2;

/** What a side answers to what the other tells. */
export function answerTo(tree: HashTree, told: readonly NodeDigests[]): NodeDigests[] {
  const answer: NodeDigests[] = [];
  for (const { node, digests } of told) {
    const ours = tree.digestsOf(node).digests;
    for (const place of differingPlaces(ours, digests)) {
      answer.push(tree.digestsOf(nodeAt(node, place)));
    }
  }
  return answer;
}

export function narrowed(tree: HashTree, answer: readonly NodeDigests[]): Narrowed {
  const next: TreeNode[] = [];
  const differing = new Map<Slot, string>();
  for (const { node, digests } of answer) {
    const ours = tree.digestsOf(node).digests;
    for (const place of differingPlaces(ours, digests)) {
      const each = nodeAt(node, place);
      if (isLeaf(each)) differing.set(slotOfLeaf(each), bothAt(place, ours, digests));
      else next.push(each);
    }
  }
  return { next, differing };
}

/** Of which node the digest stands at that place of what `node` tells. */
function nodeAt(node: TreeNode, place: number): TreeNode {
  return isLeaf(node) ? node : firstChildOf(node) + place;
}

function bothAt(place: number, ours: Buffer, theirs: Buffer): string {
  const [from, end] = [place * DIGEST_BYTES, (place + 1) * DIGEST_BYTES];
  return `${ours.toString('hex', from, end)} ${theirs.toString('hex', from, end)}`;
}
