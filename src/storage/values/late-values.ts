// The large values of one page of a scan: while the page is merged only their pointers are at hand;
// when it is known which entries are in it, they are read together, as an SSD likes it.

import { hasCode } from '../../base/errors.ts';
import type { Entry, ScanPage, ScanRange } from '../engine.ts';
import { rangeAfter } from '../page-merge.ts';
import type { ValueFiles } from './value-files.ts';
import type { ValuePointer } from './value-pointer.ts';

export class LateValues {
  readonly #files: ValueFiles;
  readonly #range: ScanRange;
  readonly #isSoundOnly: boolean;
  readonly #late: { readonly place: number; readonly pointer: ValuePointer }[] = [];

  /** `range`: of the page; `isSoundOnly`: what cannot be read is left out of it. */
  constructor(files: ValueFiles, range: ScanRange, isSoundOnly: boolean) {
    this.#files = files;
    this.#range = range;
    this.#isSoundOnly = isSoundOnly;
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
    const passedOver = new Set<number>();
    for (const [n, { place }] of this.#late.entries()) {
      const outcome = outcomes[n] as PromiseSettledResult<Buffer>;
      if (outcome.status === 'fulfilled') {
        whole[place] = { ...(whole[place] as Entry), value: outcome.value };
      } else if (this.#isSoundOnly && hasCode(outcome.reason, 'CORRUPTION')) {
        passedOver.add(place);
      } else {
        const last = whole[place - 1];
        if (last === undefined) throw outcome.reason;
        const before = whole.slice(0, place).filter((_, at) => !passedOver.has(at));
        return { entries: before, next: rangeAfter(this.#range, last) };
      }
    }
    if (passedOver.size === 0) return { entries: whole, next };
    return { entries: whole.filter((_, place) => !passedOver.has(place)), next };
  }
}
