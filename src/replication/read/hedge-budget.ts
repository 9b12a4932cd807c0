// How many reads may be asked of one replica more than they need: a share of all reads, so that
// hedges never become the load that they are to help against, saved up for a few, so that a node
// with little to do can hedge any of its reads (Dean and Barroso: "The Tail at Scale", CACM 2013).
//
// Pure: no clock, no disk, no network; dice are an argument.

/** Of all reads. */
const HEDGE_SHARE = 0.05;
/** What a quiet time saves up. */
const SAVED_MAX = 20;

export class HedgeBudget {
  #saved = SAVED_MAX;

  /** A read was asked of others. */
  earn(): void {
    this.#saved = Math.min(SAVED_MAX, this.#saved + HEDGE_SHARE);
  }

  get isSpent(): boolean {
    return this.#saved < 1;
  }

  spend(): void {
    this.#saved -= 1;
  }
}
