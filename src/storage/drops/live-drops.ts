// The drops that may still hide something. Readers see a drop at once, as they see a write; work
// behind them, which makes it final, heeds it only when it is durable: a power cut must not leave
// half of a drop that nobody was told of, nor the sequence of one to be used again.
//
//   add ──► visible ──durable──► settled ──► heeded by flushes and compactions ──► forgotten
//
// A table says up to which sequence it heeded drops: what they hide is not in it. So a drop is
// forgotten once no memtable is older and every table that has its slots heeded it, or is gone.
// It stands in the log until its sequence is flushed past, and from then on in the manifest.

import type { TableInfo } from '../table-info.ts';
import { type Drop, type DropMap, NO_DROPS } from './drop-map.ts';

/** What work that begins now heeds. */
export interface SettledDrops {
  readonly map: DropMap;
  /** All drops up to this sequence are in it, and no later one. */
  readonly upTo: number;
}

export class LiveDrops {
  #settled: DropMap;
  /** Later than all that are settled, oldest first. */
  #unsettled: Drop[] = [];
  #visible: DropMap;

  /** `drops`: of the manifest. */
  constructor(drops: readonly Drop[]) {
    this.#settled = NO_DROPS.with(drops);
    this.#visible = this.#settled;
  }

  /** All of them, for readers. */
  get visible(): DropMap {
    return this.#visible;
  }

  /** A drop with the highest sequence so far. */
  add(drop: Drop): void {
    this.#unsettled.push(drop);
    this.#visible = this.#visible.with([drop]);
  }

  settled(durableSequence: number): SettledDrops {
    const isDurable = ({ sequence }: Drop) => sequence <= durableSequence;
    this.#settled = this.#settled.with(this.#unsettled.filter(isDurable));
    this.#unsettled = this.#unsettled.filter((drop) => !isDurable(drop));
    return { map: this.#settled, upTo: durableSequence };
  }

  /**
   * For a manifest of these tables: those up to `flushedSequence`, which was settled. The log has
   * the others, and nothing that is older than these.
   */
  flushed(tables: readonly TableInfo[], flushedSequence: number): Drop[] {
    const needed = this.#settled.needed(tables, Number.POSITIVE_INFINITY);
    return needed.drops().filter(({ sequence }) => sequence <= flushedSequence);
  }

  /** `tables`: all that live; `memtablesFrom`: the first sequence in any memtable. */
  forget(tables: readonly TableInfo[], memtablesFrom: number): void {
    if (this.#settled.isEmpty) return;
    this.#settled = this.#settled.needed(tables, memtablesFrom);
    this.#visible = this.#settled.with(this.#unsettled);
  }
}
