// What the one writer of each key knows about its own writes, and so what anyone may read: the
// last acknowledged write or a later one whose fate is open, never an earlier one, never one that
// was refused with "nothing was written", and never bytes that nobody wrote.
//
//   numbers of a key:   1  2  3  4  5  6  7
//                       A  A  A  ?  R  A  ?      A acknowledged, R refused, ? open
//   may be read:                       6  7
//
// Every tenth write is a delete, unless told otherwise: then a reader may find nothing. What a
// value holds follows from its key and number alone, so that a torn or mixed-up value is noticed.

export type Fate = 'acknowledged' | 'refused' | 'open';

export interface Attempt {
  readonly key: string;
  readonly number: number;
  readonly words: readonly string[];
}

interface Account {
  begun: number;
  acknowledged: number;
  readonly refused: Set<number>;
}

const DELETE_EVERY = 10;
/** Most values fit into a packet; some need several reads and several pages of the log. */
const MEDIUM = { every: 8, bytes: 4 * 1024 };
const LARGE = { every: 32, bytes: 96 * 1024 };
const SMALL_BYTES = 64;

export class Ledger {
  readonly #accounts = new Map<string, Account>();
  readonly counts = { acknowledged: 0, refused: 0, open: 0 };
  readonly #deleteEvery: number;
  #awaited: { readonly count: number; readonly resolve: () => void }[] = [];

  constructor(options: { readonly hasDeletes: boolean } = { hasDeletes: true }) {
    this.#deleteEvery = options.hasDeletes ? DELETE_EVERY : Number.POSITIVE_INFINITY;
  }

  get keys(): readonly string[] {
    return [...this.#accounts.keys()];
  }

  /** The next write of a key; its fate must be settled before another is begun. */
  begin(key: string): Attempt {
    const account = this.#accountOf(key);
    account.begun += 1;
    const number = account.begun;
    const words = this.#isDelete(number) ? ['DEL', key] : ['SET', key, valueFor(key, number)];
    return { key, number, words };
  }

  settle({ key, number }: Attempt, fate: Fate): void {
    const account = this.#accountOf(key);
    this.counts[fate] += 1;
    if (fate === 'acknowledged') account.acknowledged = number;
    if (fate === 'refused') account.refused.add(number);
    if (fate !== 'acknowledged') return;
    const due = this.#awaited.filter(({ count }) => count <= this.counts.acknowledged);
    if (due.length === 0) return;
    this.#awaited = this.#awaited.filter((each) => !due.includes(each));
    for (const { resolve } of due) resolve();
  }

  /** Resolves when so many more writes than now are acknowledged. */
  more(acknowledged: number): Promise<void> {
    const count = this.counts.acknowledged + acknowledged;
    return new Promise((resolve) => this.#awaited.push({ count, resolve }));
  }

  /** The last acknowledged write of a key: a read that begins now must not find an earlier one. */
  floor(key: string): number {
    return this.#accountOf(key).acknowledged;
  }

  /** What is wrong with having read `value`; undefined: nothing. `floor`: from before the read. */
  wrong(key: string, floor: number, value: Buffer | null): string | undefined {
    const { begun, refused } = this.#accountOf(key);
    if (value === null) {
      if (floor === 0) return undefined;
      for (let number = floor; number <= begun; number++) {
        if (this.#isDelete(number) && !refused.has(number)) return undefined;
      }
      return `${key} is gone, write ${floor} was acknowledged`;
    }
    const text = value.toString('latin1');
    const number = Number(text.split(' ', 2)[1]);
    const found = `${key} holds write ${number}`;
    if (text !== valueFor(key, number)) return `${key} holds bytes that nobody wrote`;
    if (number < floor) return `${found}, write ${floor} was acknowledged`;
    if (number > begun) return `${found}, only ${begun} were begun`;
    return refused.has(number) ? `${found}, of which was said that it is nowhere` : undefined;
  }

  #isDelete(number: number): boolean {
    return number % this.#deleteEvery === 0;
  }

  #accountOf(key: string): Account {
    let account = this.#accounts.get(key);
    if (account === undefined) {
      account = { begun: 0, acknowledged: 0, refused: new Set() };
      this.#accounts.set(key, account);
    }
    return account;
  }
}

function valueFor(key: string, number: number): string {
  const start = `${key} ${number} `;
  return start.padEnd(valueBytes(number), `.${number}`);
}

function valueBytes(number: number): number {
  if (number % LARGE.every === LARGE.every / 2) return LARGE.bytes;
  return number % MEDIUM.every === MEDIUM.every / 2 ? MEDIUM.bytes : SMALL_BYTES;
}
