// The hash tree of what two nodes both have to hold: a leaf for each slot of which both are
// primaries, in groups of 128, and the groups. The leaves are kept up to date by the engine, with
// every change; the groups are XORs of them, made when somebody compares.
//
// Source: Merkle: "A Digital Signature Based on a Conventional Encryption Function" (CRYPTO '87);
// DeCandia et al.: "Dynamo" (SOSP 2007), section 4.7.

import { SLOT_COUNT, type Slot } from '../../base/ids.ts';
import type { Engine } from '../../storage/engine.ts';
import type { ClusterView } from '../cluster-view.ts';
import type { Keyspace } from '../keyspace.ts';
import type { MemberIndex } from '../peers.ts';
import { DIGEST_BYTES, GROUP_COUNT, GROUP_SLOTS, LEVEL_BYTES } from './tree-shape.ts';

export class SharedSlots {
  readonly #keyspace: Keyspace;
  readonly #isShared = new Uint8Array(SLOT_COUNT);
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

  /** Both ends inclusive. */
  countIn(fromSlot: Slot, toSlot: Slot): number {
    let count = 0;
    for (let slot = fromSlot; slot <= toSlot; slot++) count += this.#isShared[slot] as number;
    return count;
  }

  /** A digest for each group: 128 × u64. */
  groups(engine: Engine): Buffer {
    const bytes = Buffer.alloc(LEVEL_BYTES);
    const words = engine.digests(this.#keyspace.number);
    if (words === undefined) return bytes;
    for (let group = 0; group < GROUP_COUNT; group++) {
      let high = 0;
      let low = 0;
      for (let slot = group * GROUP_SLOTS; slot < (group + 1) * GROUP_SLOTS; slot++) {
        if (this.#isShared[slot] === 0) continue;
        high ^= words[2 * slot] as number;
        low ^= words[2 * slot + 1] as number;
      }
      bytes.writeInt32BE(high, group * DIGEST_BYTES);
      bytes.writeInt32BE(low, group * DIGEST_BYTES + 4);
    }
    return bytes;
  }

  /** A digest for each slot of the group, empty for those that are not shared: 128 × u64. */
  slots(engine: Engine, group: number): Buffer {
    const bytes = Buffer.alloc(LEVEL_BYTES);
    const words = engine.digests(this.#keyspace.number);
    if (words === undefined) return bytes;
    for (let i = 0; i < GROUP_SLOTS; i++) {
      const slot = group * GROUP_SLOTS + i;
      if (this.#isShared[slot] === 0) continue;
      bytes.writeInt32BE(words[2 * slot] as number, i * DIGEST_BYTES);
      bytes.writeInt32BE(words[2 * slot + 1] as number, i * DIGEST_BYTES + 4);
    }
    return bytes;
  }
}
