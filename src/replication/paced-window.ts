// How much background work may be under way at once: one more after each piece that went well and
// quickly, half as much when one was slow or lost (additive increase, multiplicative decrease:
// Chiu and Jain: "Analysis of the Increase and Decrease Algorithms" (1989)). Clients are answered
// from the same nodes, so what slows down is what they feel too.

const FIRST = 4;
const MOST = 64;

export class PacedWindow {
  #size = FIRST;
  #underWay = 0;
  #isClosed = false;
  /** Whoever waits until there is room, or nothing more under way. */
  readonly #waiting: (() => void)[] = [];

  /** Begins `work` when there is room; resolves then, and not when it is done. It never rejects. */
  async begin(work: () => Promise<unknown>): Promise<void> {
    while (this.#underWay >= this.#size && !this.#isClosed) await this.#change();
    if (this.#isClosed) return;
    this.#underWay += 1;
    work().finally(() => {
      this.#underWay -= 1;
      this.#wake();
    });
  }

  /** Resolves when nothing is under way. */
  async drained(): Promise<void> {
    while (this.#underWay > 0 && !this.#isClosed) await this.#change();
  }

  /** A piece of work is over; how it went. */
  adapt(isWell: boolean): void {
    this.#size = isWell ? Math.min(MOST, this.#size + 1) : Math.max(1, this.#size >>> 1);
  }

  /** Nobody waits any longer, and nothing more begins. */
  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
