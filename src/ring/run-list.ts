// A ring while it is being planned: runs of consecutive slots as a linked circle, so that a
// piece changes hands without touching the other 16,383 slots. A run is named by its first slot.
//
//   0 ──next──► 341 ──next──► 682 ──next──► … ──next──► 0
//
// Invariant: neighbours have different owners, except across slot 0, where a run always starts.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { assert } from '../base/assert.ts';
import { SLOT_COUNT } from '../base/ids.ts';

export class RunList {
  /** Valid at the first slot of a run only, like `next` and `previous`. */
  readonly owner = new Int32Array(SLOT_COUNT);
  readonly next = new Int32Array(SLOT_COUNT);
  readonly previous = new Int32Array(SLOT_COUNT);
  /** 1 where a run starts. */
  readonly #starts = new Uint8Array(SLOT_COUNT);
  /** Sum of the squared lengths of all runs: the smaller, the more even they are. */
  squares = 0;

  constructor(owners: ArrayLike<number>) {
    assert(owners.length === SLOT_COUNT, 'a run list covers all slots');
    let last = 0;
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      if (slot > 0 && owners[slot] === owners[slot - 1]) continue;
      this.owner[slot] = owners[slot] as number;
      this.#starts[slot] = 1;
      this.previous[slot] = last;
      this.next[last] = slot;
      last = slot;
    }
    this.next[last] = 0;
    this.previous[0] = last;
    for (const first of this.firsts()) this.squares += this.length(first) ** 2;
  }

  /** Slots in the run that starts at `first`. */
  length(first: number): number {
    return ((this.next[first] as number) || SLOT_COUNT) - first;
  }

  /** The first slot of the run that `slot` is in. */
  firstOf(slot: number): number {
    let first = slot;
    while (this.#starts[first] === 0) first--;
    return first;
  }

  /** Makes a run start at `slot`; the run before it keeps its owner and so does the new one. */
  split(slot: number): void {
    if (slot === SLOT_COUNT || this.#starts[slot] === 1) return;
    const before = this.firstOf(slot);
    const after = this.next[before] as number;
    this.#starts[slot] = 1;
    this.owner[slot] = this.owner[before] as number;
    this.next[before] = slot;
    this.previous[slot] = before;
    this.next[slot] = after;
    this.previous[after] = slot;
    this.squares -= 2 * this.length(before) * this.length(slot);
  }

  /** Joins the run that starts at `slot` to the one before it when both have one owner. */
  merge(slot: number): void {
    if (slot === SLOT_COUNT || slot === 0 || this.#starts[slot] === 0) return;
    const before = this.previous[slot] as number;
    if (this.owner[before] !== this.owner[slot]) return;
    const after = this.next[slot] as number;
    this.squares += 2 * this.length(before) * this.length(slot);
    this.#starts[slot] = 0;
    this.next[before] = after;
    this.previous[after] = before;
  }

  /** The first slots of all runs, in the order of slots. */
  firsts(): number[] {
    const firsts: number[] = [];
    let first = 0;
    do {
      firsts.push(first);
      first = this.next[first] as number;
    } while (first !== 0);
    return firsts;
  }

  toOwners(): Uint16Array {
    const owners = new Uint16Array(SLOT_COUNT);
    for (const first of this.firsts()) {
      owners.fill(this.owner[first] as number, first, first + this.length(first));
    }
    return owners;
  }
}
