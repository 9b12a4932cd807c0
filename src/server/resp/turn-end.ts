// Collects what has to happen at the end of this turn of the event loop: all connections for which
// a reply was finished, from whatever socket, disk or timer it came, are flushed together, with
// one write each. setImmediate runs right after the sockets were read, so that nobody waits for it.

export class TurnEnd<Item> {
  readonly #run: (item: Item) => void;
  #items: Item[] = [];

  constructor(run: (item: Item) => void) {
    this.#run = run;
  }

  add(item: Item): void {
    if (this.#items.length === 0) setImmediate(() => this.#runAll());
    this.#items.push(item);
  }

  #runAll(): void {
    const items = this.#items;
    this.#items = [];
    for (const item of items) this.#run(item);
  }
}
