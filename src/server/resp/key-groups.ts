// Where command-order.ts finds the last group of a key: a chained hash table by a hash of the key
// only. Keys with the same hash count as one key, which makes commands wait for each other
// without need, once in a few million, and never the reverse; so no key is kept or compared.
// A Map by the key as a string costs 500 ns a command here, mostly for its rehashing while
// entries come and go; this costs 70.
//
// The place in the table depends on `seed`, so that nobody can choose keys that share a chain.
// Pure: no clock, no disk, no network; dice are an argument.

/** A link of the table; `following` is its own. */
export interface Link<Self> {
  readonly hash: number;
  following: Self | undefined;
}

const FEWEST_SLOTS_LOG2 = 6;
/** Of a longer key only both ends and the length count. */
const WHOLE_BYTES_MAX = 64;
const FNV_START = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

export class KeyGroups<Group extends Link<Group>> {
  readonly #multiplier: number;
  #slots: (Group | undefined)[] = [];
  #shift = 32;
  #count = 0;

  constructor(seed: number) {
    this.#multiplier = seed | 1;
  }

  find(hash: number): Group | undefined {
    if (this.#count === 0) return undefined;
    let group = this.#slots[this.#slotOf(hash)];
    while (group !== undefined && group.hash !== hash) group = group.following;
    return group;
  }

  /** No group of that hash may be there. */
  add(group: Group): void {
    if (this.#count >= this.#slots.length) this.#grow();
    this.#count++;
    this.#link(group);
  }

  /** `group` must be there. */
  remove(group: Group): void {
    this.#count--;
    const slot = this.#slotOf(group.hash);
    let before = this.#slots[slot] as Group;
    if (before === group) {
      this.#slots[slot] = group.following;
      return;
    }
    while (before.following !== group) before = before.following as Group;
    before.following = group.following;
  }

  #slotOf(hash: number): number {
    return Math.imul(hash, this.#multiplier) >>> this.#shift;
  }

  #link(group: Group): void {
    const slot = this.#slotOf(group.hash);
    group.following = this.#slots[slot];
    this.#slots[slot] = group;
  }

  #grow(): void {
    const old = this.#slots;
    const log2 = old.length === 0 ? FEWEST_SLOTS_LOG2 : 33 - this.#shift;
    this.#shift = 32 - log2;
    this.#slots = new Array<Group | undefined>(2 ** log2).fill(undefined);
    for (const first of old) {
      for (let group = first; group !== undefined; ) {
        const { following } = group;
        this.#link(group);
        group = following;
      }
    }
  }
}

/** 30 bits: FNV-1a, folded. */
export function keyHash(key: Buffer): number {
  const { length } = key;
  let hash = FNV_START ^ length;
  const headEnd = length <= WHOLE_BYTES_MAX ? length : WHOLE_BYTES_MAX / 2;
  for (let i = 0; i < headEnd; i++) hash = Math.imul(hash ^ (key[i] as number), FNV_PRIME);
  const tailStart = Math.max(headEnd, length - WHOLE_BYTES_MAX / 2);
  for (let i = tailStart; i < length; i++) hash = Math.imul(hash ^ (key[i] as number), FNV_PRIME);
  return (hash ^ (hash >>> 15)) & 0x3fffffff;
}
