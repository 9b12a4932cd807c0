// The large values of one page of a scan: while the page is merged only their pointers are at hand;
// when it is known which entries are in it, they are read together, as an SSD likes it.

import type { Entry } from '../engine.ts';
import type { ValueFiles } from './value-files.ts';
import type { ValuePointer } from './value-pointer.ts';

export class LateValues {
  readonly #files: ValueFiles;
  readonly #late: { readonly place: number; readonly pointer: ValuePointer }[] = [];

  constructor(files: ValueFiles) {
    this.#files = files;
  }

  get isEmpty(): boolean {
    return this.#late.length === 0;
  }

  /** The entry at index `place` of the page waits for its value; places ascend. */
  add(place: number, pointer: ValuePointer): void {
    this.#late.push({ place, pointer });
  }

  /**
   * Puts the values into the entries. Where one cannot be read the entries end before it, and what
   * was wrong is the answer; undefined when all are whole.
   */
  async fill(entries: Entry[]): Promise<unknown> {
    const reads = this.#late.map(async ({ pointer }) => this.#files.read(pointer));
    const outcomes = await Promise.allSettled(reads);
    for (const [n, { place }] of this.#late.entries()) {
      const outcome = outcomes[n] as PromiseSettledResult<Buffer>;
      if (outcome.status === 'rejected') {
        entries.length = place;
        return outcome.reason;
      }
      entries[place] = { ...(entries[place] as Entry), value: outcome.value };
    }
    return undefined;
  }
}
