// O12: a node whose disk is as it left it trusts what stands there. While no disk was lost or went
// back in time, no node that was full once is ever seen being refilled: nothing would be wrong with
// its answers, but it would vote in no read until others had told it what it knows.

import type { SimCluster } from '../cluster.ts';
import type { History } from '../history.ts';
import type { SimWorld } from '../sim-host.ts';

/** Refilling takes longer. */
const LOOK_MS = 200;

export interface RefillWatchParts {
  readonly world: SimWorld;
  readonly cluster: SimCluster;
  readonly history: History;
  /** Whether no disk was replaced so far. */
  readonly isAllKept: () => boolean;
}

export class RefillWatch {
  readonly #parts: RefillWatchParts;
  readonly #full = new Set<string>();
  readonly #told = new Set<string>();
  #isOver = false;

  constructor(parts: RefillWatchParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#parts.world.after(LOOK_MS, 'who is refilled', () => {
      if (this.#isOver) return;
      this.#look();
      this.start();
    });
  }

  stop(): void {
    this.#isOver = true;
  }

  #look(): void {
    const { cluster, history, isAllKept } = this.#parts;
    if (!isAllKept()) return;
    for (const name of cluster.names) {
      const slots = cluster.slotsRefilling(name);
      if (slots === 0) this.#full.add(name);
      if (!slots || !this.#full.has(name) || this.#told.has(name)) continue;
      this.#told.add(name);
      history.broken.push(`distrustful: ${name} refills ${slots} slots, and its disk is well`);
    }
  }
}
