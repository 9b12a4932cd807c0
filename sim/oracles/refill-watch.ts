// O12: a node whose disk is as it left it trusts what stands there. While no disk was lost or went
// back in time, no node that was full is seen being refilled later in the same life: nothing would
// be wrong with its answers, but it would vote in no read until others had told it what it knows.

import type { Node } from '../../src/node/node.ts';
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
  /** The life in which it was full last. */
  readonly #full = new Map<string, Node>();
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
      const node = cluster.node(name);
      const slots = cluster.slotsRefilling(name);
      if (node !== undefined && slots === 0) this.#full.set(name, node);
      if (!slots || this.#full.get(name) !== node || this.#told.has(name)) continue;
      this.#told.add(name);
      history.broken.push(`distrustful: ${name} refills ${slots} slots, and its disk is well`);
    }
  }
}
