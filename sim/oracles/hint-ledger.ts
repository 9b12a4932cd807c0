// O6, the ledger of fallbacks: whoever counted for a primary that was away owes it the copy. Until
// that primary has the write, its fallback has the copy and a hint for whom it is, durably. Looked
// at with every look at the disks, for all writes that fallbacks had counted for until then.
//
// A receipt does not say who stood in for whom. So they are counted: of the fallbacks of a write no
// more may be without a copy and a hint than there are primaries that it has reached since.

import type { Dot } from '../../src/causality/dot.ts';
import { type DiskImage, knows } from '../disk-image.ts';
import type { History, WriteRecord } from '../history.ts';

interface Debt {
  readonly write: WriteRecord;
  readonly name: string;
  readonly dot: Dot;
  readonly fallbacks: readonly string[];
  /** The primaries that had not confirmed it when it was acknowledged. */
  readonly lacking: readonly string[];
}

type Images = ReadonlyMap<string, DiskImage>;

export class HintLedger {
  readonly #history: History;
  /** Whether no disk was replaced so far: who lost his owes nothing. */
  readonly #isAllKept: () => boolean;
  #debts: readonly Debt[] = [];

  constructor(history: History, isAllKept: () => boolean) {
    this.#history = history;
    this.#isAllKept = isAllKept;
  }

  /** The write was acknowledged with these fallbacks among those that counted. */
  add(debt: Debt): void {
    this.#debts = [...this.#debts, debt];
  }

  /** What is owed now, to be held against images of the disks as they are now. */
  open(): readonly Debt[] {
    return this.#debts;
  }

  check(debts: readonly Debt[], images: Images): void {
    const isOver = (debt: Debt) => isPaid(debt, images) || this.#history.mayBeFlushed(debt.write);
    const unpaid = this.#isAllKept() ? debts.filter((debt) => !isOver(debt)) : [];
    const broken = unpaid.filter((debt) => isForgotten(debt, images));
    for (const { name, write, fallbacks } of broken) {
      const what = `${name} = ${write.value ?? 'a delete'}`;
      const why = 'and keeps no hint with a copy for whoever lacks it';
      this.#history.broken.push(`unaccounted: [${fallbacks}] counted for ${what}, ${why}`);
    }
    const done = new Set(debts.filter((debt) => !unpaid.includes(debt) || broken.includes(debt)));
    this.#debts = this.#debts.filter((debt) => !done.has(debt));
  }
}

function isPaid({ lacking, name, dot }: Debt, images: Images): boolean {
  return lacking.every((primary) => knows(images.get(primary)!, name, dot));
}

function isForgotten({ fallbacks, lacking, name, dot }: Debt, images: Images): boolean {
  const keeps = (node: string) => {
    const image = images.get(node)!;
    return image.hinted.has(name) && knows(image, name, dot);
  };
  const quit = fallbacks.filter((node) => !keeps(node));
  const reached = lacking.filter((primary) => knows(images.get(primary)!, name, dot));
  return quit.length > reached.length;
}
