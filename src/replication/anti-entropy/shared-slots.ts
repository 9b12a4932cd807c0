// The hash tree of what two nodes both have to hold (tree-shape.ts): its leaves are the slots of
// which both are primaries. The engine keeps their digests with every change, and counts changes;
// the nodes above are XORs of them, made anew where something has changed since somebody compared.
// So a write pays for one number, and a comparison for what was written since the last one.
//
// Source: Merkle: "A Digital Signature Based on a Conventional Encryption Function" (CRYPTO '87);
// DeCandia et al.: "Dynamo" (SOSP 2007), section 4.7.

import { SLOT_COUNT, type Slot } from '../../base/ids.ts';
import { CHANGES_SLOTS, type Engine } from '../../storage/engine.ts';
import type { ClusterView } from '../cluster-view.ts';
import type { Keyspace } from '../keyspace.ts';
import type { MemberIndex } from '../peers.ts';
import {
  DIGEST_BYTES,
  digestCountOf,
  FAN_OUT,
  FIRST_LEAF,
  FIRST_OF_64,
  firstChildOf,
  isLeaf,
  type NodeDigests,
  ROOT_FAN_OUT,
  slotOfLeaf,
  type TreeNode,
} from './tree-shape.ts';

const NO_WORDS = new Int32Array(2 * SLOT_COUNT);

export class SharedSlots {
  readonly #keyspace: Keyspace;
  readonly #isShared = new Uint8Array(SLOT_COUNT);
  /** Of the engine. */
  #slotWords: Int32Array = NO_WORDS;
  /** Of node n above the slots at 2 n and 2 n + 1; of the root there is none. */
  readonly #words = new Int32Array(2 * FIRST_LEAF);
  /** The numbers of changes that the words stand for. */
  readonly #changes = new Float64Array(SLOT_COUNT / CHANGES_SLOTS);
  readonly count: number;

  constructor(view: ClusterView, keyspace: Keyspace, member: MemberIndex) {
    this.#keyspace = keyspace;
    let count = 0;
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      const primaries = view.primaries(keyspace, slot as Slot);
      if (!primaries.includes(view.self) || !primaries.includes(member)) continue;
      this.#isShared[slot] = 1;
      count += 1;
    }
    this.count = count;
  }

  has(slot: Slot): boolean {
    return this.#isShared[slot] === 1;
  }

  /** Both ends inclusive. */
  countIn(fromSlot: Slot, toSlot: Slot): number {
    if (fromSlot === 0 && toSlot === SLOT_COUNT - 1) return this.count;
    let count = 0;
    for (let slot = fromSlot; slot <= toSlot; slot++) count += this.#isShared[slot] as number;
    return count;
  }

  /** From now on digestsOf() tells of the slots as they are now. */
  refresh(engine: Engine): void {
    const table = engine.digests(this.#keyspace.number);
    if (table === undefined) return;
    this.#slotWords = table.words;
    for (let top = 1; top <= ROOT_FAN_OUT; top++) {
      const from = firstChildOf(top);
      let hasChanged = false;
      for (let node = from; node < from + FAN_OUT; node++) {
        const changes = table.changes[node - FIRST_OF_64] as number;
        if (changes === this.#changes[node - FIRST_OF_64]) continue;
        this.#changes[node - FIRST_OF_64] = changes;
        const first = firstChildOf(node);
        for (let child = first; child < first + FAN_OUT; child++) this.#sumUp(child);
        this.#sumUp(node);
        hasChanged = true;
      }
      if (hasChanged) this.#sumUp(top);
    }
  }

  /** As slots were when they were refreshed, or later. */
  digestsOf(node: TreeNode): NodeDigests {
    const digests = Buffer.allocUnsafe(digestCountOf(node) * DIGEST_BYTES);
    const first = isLeaf(node) ? node : firstChildOf(node);
    for (let at = 0; at < digests.length; at += DIGEST_BYTES) {
      const each = first + at / DIGEST_BYTES;
      digests.writeInt32BE(this.#word(each, 0), at);
      digests.writeInt32BE(this.#word(each, 1), at + 4);
    }
    return { node, digests };
  }

  #sumUp(node: TreeNode): void {
    const first = firstChildOf(node);
    let high = 0;
    let low = 0;
    for (let child = first; child < first + FAN_OUT; child++) {
      high ^= this.#word(child, 0);
      low ^= this.#word(child, 1);
    }
    this.#words[2 * node] = high;
    this.#words[2 * node + 1] = low;
  }

  /** The higher or the lower half of its digest; slots that are not shared have none. */
  #word(node: TreeNode, half: 0 | 1): number {
    if (!isLeaf(node)) return this.#words[2 * node + half] as number;
    const slot = slotOfLeaf(node);
    return this.#isShared[slot] === 0 ? 0 : (this.#slotWords[2 * slot + half] as number);
  }
}
