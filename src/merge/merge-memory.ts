// What came of the merges on the thread, for reads that meet the same siblings again. A dot names
// the same value for ever, so a merge of the same dots needs to be made only once, and those who
// ask while it is made wait for the same answer. Above all a failure is remembered: one key whose
// siblings make a function loop, read again and again, would else keep the thread from all others.

import type { Later } from '../base/later.ts';
import type { GuestMerge } from './guest-modules.ts';

/** The most that is kept: some hundred carts of a few KB, or the largest object twice. */
const BYTES_MAX = 8 * 1024 * 1024;
const ENTRIES_MAX = 4_096;
/** A function may have been late because of the machine, not of the siblings: it is tried again. */
const FAILURE_MS = 5_000;

interface Remembered {
  merge: Later<GuestMerge>;
  bytes: number;
  untilMs: number;
}

export class MergeMemory {
  /** By the dots of the siblings, the one made longest ago first. */
  readonly #known = new Map<string, Remembered>();
  #bytes = 0;

  recall(siblings: string, nowMs: number): Later<GuestMerge> | undefined {
    const known = this.#known.get(siblings);
    if (known === undefined || known.untilMs > nowMs) return known?.merge;
    this.#forget(siblings, known);
    return undefined;
  }

  /** From now on; `merge` never rejects. `nowMs` is asked when it is there. */
  keep(siblings: string, merge: Promise<GuestMerge>, nowMs: () => number): Promise<GuestMerge> {
    const known: Remembered = { merge, bytes: 0, untilMs: Number.POSITIVE_INFINITY };
    this.#known.set(siblings, known);
    return merge.then((made) => {
      if (this.#known.get(siblings) === known) this.#conclude(siblings, known, made, nowMs());
      return made;
    });
  }

  #conclude(siblings: string, known: Remembered, made: GuestMerge, nowMs: number): void {
    if (made.kind === 'unbegun') {
      this.#forget(siblings, known);
      return;
    }
    known.merge = made;
    if (made.kind === 'merged') known.bytes = made.value.length;
    else known.untilMs = nowMs + FAILURE_MS;
    this.#bytes += known.bytes;
    for (const [name, oldest] of this.#known) {
      if (this.#bytes <= BYTES_MAX && this.#known.size <= ENTRIES_MAX) break;
      this.#forget(name, oldest);
    }
  }

  #forget(siblings: string, known: Remembered): void {
    this.#known.delete(siblings);
    this.#bytes -= known.bytes;
  }
}
