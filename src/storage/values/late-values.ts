// The large values of one page of a scan: while the page is merged only their pointers are at hand;
// when it is known which entries are in it, they are read together, as an SSD likes it.

import type { Entry, ScanPage, ScanRange } from '../engine.ts';
import { rangeAfter } from '../page-merge.ts';
import type { ValueFiles } from './value-files.ts';
import type { ValuePointer } from './value-pointer.ts';

export class LateValues {
  readonly #files: ValueFiles;
  readonly #range: ScanRange;
  readonly #late: { readonly place: number; readonly pointer: ValuePointer }[] = [];

  /** `range`: of the page. */
  constructor(files: ValueFiles, range: ScanRange) {
    this.#files = files;
    this.#range = range;
  }

  /** The entry at index `place` of the page waits for its value; places ascend. */
  add(place: number, pointer: ValuePointer): void {
    this.#late.push({ place, pointer });
  }

  /**
   * The page with its values, up to the first one that cannot be read; when that is the first entry
   * it rejects with CORRUPTION or IO_ERROR.
   */
  fill(page: ScanPage): ScanPage | Promise<ScanPage> {
    return this.#late.length === 0 ? page : this.#fill(page);
  }

  async #fill({ entries, next }: ScanPage): Promise<ScanPage> {
    const reads = this.#late.map(async ({ pointer }) => this.#files.read(pointer));
    const outcomes = await Promise.allSettled(reads);
    const whole = [...entries];
    for (const [n, { place }] of this.#late.entries()) {
      const outcome = outcomes[n] as PromiseSettledResult<Buffer>;
      if (outcome.status === 'rejected') {
        const last = whole[place - 1];
        if (last === undefined) throw outcome.reason;
        return { entries: whole.slice(0, place), next: rangeAfter(this.#range, last) };
      }
      whole[place] = { ...(whole[place] as Entry), value: outcome.value };
    }
    return { entries: whole, next };
  }
}
