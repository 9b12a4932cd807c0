// One writer per key at a time on this node. A read-modify-write that finds its key in memory
// runs at once and never waits; only where the old value must come from the disk does the key
// get a queue, and whoever comes later stands in it. As long as nobody waits, a turn costs nothing.

import type { KeyspaceNumber } from '../base/ids.ts';
import type { Later } from '../base/later.ts';
import type { KeyAt } from './messages.ts';

export class KeyTurns {
  readonly #lastInLine = new Map<string, Promise<unknown>>();

  /** Runs `turn` after every earlier unfinished turn of the same key. */
  take<T>(at: KeyAt, turn: () => Later<T>): Later<T> {
    const before = this.#lastInLine.size === 0 ? undefined : this.#lastInLine.get(nameOf(at));
    const result = before === undefined ? turn() : before.then(turn, turn);
    if (result instanceof Promise) this.#queue(nameOf(at), result);
    return result;
  }

  /** Keys of the keyspace whose turns are under way or waited for. */
  *underWay(keyspace: KeyspaceNumber): Iterable<Buffer> {
    const prefix = `${keyspace}:`;
    for (const name of this.#lastInLine.keys()) {
      if (name.startsWith(prefix)) yield Buffer.from(name.slice(prefix.length), 'latin1');
    }
  }

  #queue(name: string, turn: Promise<unknown>): void {
    const finished: Promise<void> = turn.then(
      () => this.#leave(name, finished),
      () => this.#leave(name, finished),
    );
    this.#lastInLine.set(name, finished);
  }

  #leave(name: string, finished: Promise<unknown>): void {
    if (this.#lastInLine.get(name) === finished) this.#lastInLine.delete(name);
  }
}

function nameOf({ keyspace, key }: KeyAt): string {
  return `${keyspace}:${key.toString('latin1')}`;
}
