// Remembers which questions were already taken up, so that a request that must not be carried out
// twice is not, even when the network delivers its frame twice. Ids begin at a random number in
// each life of a node, so that those of a restarted one are new.
//
// Pure: no clock, no disk, no network; dice are an argument.

/** A duplicate follows its original within milliseconds; this many writes lie minutes apart. */
const REMEMBERED_MAX = 65_536;

export class Once {
  /** In the order of arrival. */
  readonly #taken = new Set<number>();

  /** Whether this is the first time that `sender` asks its question `id` (32 bits). */
  isFirst(sender: number, id: number): boolean {
    const name = sender * 2 ** 32 + id;
    if (this.#taken.has(name)) return false;
    this.#taken.add(name);
    if (this.#taken.size > REMEMBERED_MAX) {
      for (const oldest of this.#taken) {
        this.#taken.delete(oldest);
        break;
      }
    }
    return true;
  }
}
