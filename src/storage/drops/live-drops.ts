// The drops that may still hide something. Readers see a drop at once, as they see a write. What
// makes it final may come only when it is flushed past, as no table may know a write that the
// manifest does not vouch for: or a log that lost its end would leave half of a drop behind, older
// values that newer ones had hidden, and its sequence to be used again.
//
//   add ──► visible ──flushed past──► settled ──► heeded by compactions ──► forgotten
//          (in the log)              (in the manifest)
//
// A table says up to which sequence it heeded drops: what they hide is not in it. No memtable is as
// old as a settled drop; so one is forgotten when every table over its slots heeded it, or is gone.

import type { TableInfo } from '../table-info.ts';
import { type Drop, type DropMap, NO_DROPS } from './drop-map.ts';

export class LiveDrops {
  #settled: DropMap;
  #settledUpTo: number;
  /** Later than all that are settled, oldest first. */
  #unsettled: Drop[] = [];
  #visible: DropMap;

  /** What the manifest says. */
  constructor(drops: readonly Drop[], flushedSequence: number) {
    this.#settled = NO_DROPS.with(drops);
    this.#settledUpTo = flushedSequence;
    this.#visible = this.#settled;
  }

  /** All of them, for readers. */
  get visible(): DropMap {
    return this.#visible;
  }

  /** For compactions. */
  get settled(): DropMap {
    return this.#settled;
  }

  /** All drops up to this sequence are settled, and no later one. */
  get settledUpTo(): number {
    return this.#settledUpTo;
  }

  get areSettled(): boolean {
    return this.#unsettled.length === 0;
  }

  /** A drop with the highest sequence so far. */
  add(drop: Drop): void {
    this.#unsettled.push(drop);
    this.#visible = this.#visible.with([drop]);
  }

  /** What is settled with the manifest of that flushed sequence. */
  upTo(flushedSequence: number): DropMap {
    return this.#settled.with(this.#unsettled.filter((drop) => drop.sequence <= flushedSequence));
  }

  /** That manifest is durable; `tables` are those that it names. */
  settle(flushedSequence: number, tables: readonly TableInfo[]): void {
    this.#settled = this.upTo(flushedSequence).neededBy(tables);
    this.#settledUpTo = flushedSequence;
    this.#unsettled = this.#unsettled.filter((drop) => drop.sequence > flushedSequence);
    this.#visible = this.#settled.with(this.#unsettled);
  }
}
