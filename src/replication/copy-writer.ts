// How what a turn decided gets into the engine: the copy, the hints that others lack it, and the
// mark that something dead stands in its slot, in one batch, so that a power cut takes all of it or
// nothing. Counters of hints and of dead slots follow here and nowhere else.

import type { HybridTime } from '../causality/hybrid-clock.ts';
import type { StoredObject } from '../causality/siblings.ts';
import type { Change, Engine, Written } from '../storage/engine.ts';
import { putOf, removalOf, type Step } from './copy-change.ts';
import type { HintBook, Lacking } from './hints/hint-book.ts';
import { type Hint, hintPut, hintRemoval } from './hints/hint-record.ts';
import type { KeyAt } from './messages.ts';
import type { DeadSlots } from './reaping/dead-slots.ts';
import { deadFrom, isUnder } from './reaping/floor.ts';
import type { FloorBook } from './reaping/floor-book.ts';

export interface CopyWriterParts {
  readonly engine: Engine;
  readonly hints: HintBook;
  readonly floors: FloorBook;
  readonly dead: DeadSlots;
  /** Of the digests of keys: the same on all nodes of the cluster. */
  readonly digestSeed: number;
}

const NO_CHANGES: readonly Change[] = [];
export const NO_HINTS: readonly Lacking[] = [];

export class CopyWriter {
  readonly #parts: CopyWriterParts;

  constructor(parts: CopyWriterParts) {
    this.#parts = parts;
  }

  /** What stands there after a step; nothing, where its absence says the same under the floor. */
  put(at: KeyAt, step: Step, time: HybridTime, lacking: readonly Lacking[]): Written {
    const { floors, dead, digestSeed } = this.#parts;
    const { before, after } = step;
    if (after.siblings.length === 0 && isUnder(after.context, floors.floorOf(at))) {
      return this.#write([removalOf(digestSeed, at, before)], time, lacking);
    }
    const put = putOf(digestSeed, at, step);
    const deadFromMs = deadFrom(after);
    if (deadFromMs === Number.POSITIVE_INFINITY) return this.#write([put], time, lacking);
    const written = this.#write([put, ...dead.missingMark(at)], time, lacking);
    dead.note(at, deadFromMs);
    return written;
  }

  /** Hints of a copy that stands there already. */
  putHints(time: HybridTime, lacking: readonly Lacking[]): Written {
    return this.#write(NO_CHANGES, time, lacking);
  }

  /** Erases `object`, which stands there. */
  remove(at: KeyAt, object: StoredObject, time: HybridTime): Written {
    return this.#write([removalOf(this.#parts.digestSeed, at, object)], time, NO_HINTS);
  }

  /** `hint`, and with it the copy that stands there, where nobody else lacks that. */
  removeHint(hint: Hint, object: StoredObject | undefined, time: HybridTime): void {
    const removed = object && [removalOf(this.#parts.digestSeed, hint.at, object)];
    this.#write([hintRemoval(hint), ...(removed ?? NO_CHANGES)], time, NO_HINTS);
    this.#parts.hints.delivered(hint);
  }

  #write(changes: readonly Change[], time: HybridTime, lacking: readonly Lacking[]): Written {
    const { engine, hints } = this.#parts;
    if (lacking.length === 0) return engine.write(changes, time);
    const missing = lacking.filter(isMissing);
    const written = engine.write([...changes, ...missing.map(({ hint }) => hintPut(hint))], time);
    for (const { hint } of missing) hints.kept(hint);
    return written;
  }
}

/** Whether the hint is still to be written. */
export function isMissing({ sequence }: Lacking): boolean {
  return sequence === 0;
}
