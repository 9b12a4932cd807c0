// Collects what has to happen at the end of this turn of the event loop: everyone who has got
// something to send, from whatever socket, disk or timer it came, is then flushed once, so that
// many small things leave in one write.

export class TurnEnd<Item> {
  readonly #clock: { atTurnEnd(run: () => void): void };
  readonly #run: (item: Item) => void;
  #items: Item[] = [];

  constructor(clock: { atTurnEnd(run: () => void): void }, run: (item: Item) => void) {
    this.#clock = clock;
    this.#run = run;
  }

  /** Whoever is added twice in one turn is run twice. */
  add(item: Item): void {
    if (this.#items.length === 0) this.#clock.atTurnEnd(this.#runAll);
    this.#items.push(item);
  }

  readonly #runAll = (): void => {
    const items = this.#items;
    this.#items = [];
    for (const item of items) this.#run(item);
  };
}
