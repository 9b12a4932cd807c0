// One writer per key at a time on this node. A read-modify-write that finds its key in memory
// runs at once and never waits; only where the old value must come from the disk does the key
// get a queue, and whoever comes later stands in it.

type Turn<T> = () => T | Promise<T>;

export class KeyTurns {
  readonly #lastInLine = new Map<string, Promise<unknown>>();

  /** Runs `turn` after every earlier unfinished turn of the same key. */
  take<T>(key: string, turn: Turn<T>): T | Promise<T> {
    const before = this.#lastInLine.size === 0 ? undefined : this.#lastInLine.get(key);
    const result = before === undefined ? turn() : before.then(turn, turn);
    if (result instanceof Promise) this.#queue(key, result);
    return result;
  }

  #queue(key: string, turn: Promise<unknown>): void {
    const finished: Promise<void> = turn.then(
      () => this.#leave(key, finished),
      () => this.#leave(key, finished),
    );
    this.#lastInLine.set(key, finished);
  }

  #leave(key: string, finished: Promise<unknown>): void {
    if (this.#lastInLine.get(key) === finished) this.#lastInLine.delete(key);
  }
}
