// Which commands of one connection may run side by side. A client that pipelines `SET a 1; GET a`
// must see its own write, though both only wait for other nodes; a pipeline over many keys must
// not wait at all.
//
//   key a:  [SET SET] → [GET GET] → [INCR] → …    one group runs, the next starts when it is done
//   key b:  [GET]                                 groups of other keys run at the same time
//
// - keyed: starts when its group is the first on each of its keys. Reads share a group, plain
//   writes share one, everything else is a group of its own.
// - barrier (SCAN, DBSIZE, WAIT): waits for all before it, holds back all after it.
// - free (PING, SELECT, HELLO): starts when all before it have started, and before all after it,
//   so that what it changes in the session is seen by exactly the commands that follow it.
//
// Pure: no clock, no disk, no network. A command alone on its key costs one Map entry.

export type Claim =
  | { readonly kind: 'keyed'; readonly effect: Effect; readonly keys: readonly Buffer[] }
  | { readonly kind: 'barrier' }
  | { readonly kind: 'free' };

export type Effect = 'read' | 'plain-write' | 'exclusive';

/** One command from its arrival to its end. */
export interface Turn<Item> {
  readonly item: Item;
  readonly claim: Claim;
  readonly groups: KeyGroup<Item>[];
  /** Keys on which another group comes first; 0: it has started or may. */
  waitsFor: number;
}

interface KeyGroup<Item> {
  readonly key: string;
  readonly effect: Effect;
  /** Invariant: > 0 while the group is reachable. */
  unfinished: number;
  /** Those that wait for this group to come first; undefined once it has. */
  waiting: Turn<Item>[] | undefined;
  latest: Turn<Item>;
  next: KeyGroup<Item> | undefined;
}

export class CommandOrder<Item> {
  /** The last group of each key; the first is the one that runs. */
  readonly #lastGroups = new Map<string, KeyGroup<Item>>();
  /** Arrived, but held back by a barrier or a free command: not yet in any group. */
  #held: Turn<Item>[] = [];
  #unfinished = 0;
  #waiting = 0;
  #isBarrierRunning = false;

  /** Nothing is unfinished: whatever comes next may start. */
  get isIdle(): boolean {
    return this.#unfinished === 0 && this.#held.length === 0;
  }

  /** Whether the returned turn may start at once is in `mayStart`; otherwise finish() returns it. */
  arrive(item: Item, claim: Claim): { turn: Turn<Item>; mayStart: boolean } {
    const turn: Turn<Item> = { item, claim, groups: [], waitsFor: 0 };
    if (this.#held.length > 0 || !this.#isAdmissible(claim)) {
      this.#held.push(turn);
      return { turn, mayStart: false };
    }
    return { turn, mayStart: this.#admit(turn) };
  }

  /** Ends a turn that had started; returns those that may start now, in the order to start them. */
  finish(turn: Turn<Item>): Turn<Item>[] {
    const ready: Turn<Item>[] = [];
    this.#unfinished--;
    if (turn.claim.kind === 'barrier') this.#isBarrierRunning = false;
    for (const group of turn.groups) {
      if (--group.unfinished === 0) this.#passOn(group, ready);
    }
    let admitted = 0;
    for (; admitted < this.#held.length; admitted++) {
      const first = this.#held[admitted] as Turn<Item>;
      if (!this.#isAdmissible(first.claim)) break;
      if (this.#admit(first)) ready.push(first);
    }
    if (admitted > 0) this.#held = this.#held.slice(admitted);
    return ready;
  }

  #isAdmissible(claim: Claim): boolean {
    if (this.#isBarrierRunning) return false;
    if (claim.kind === 'keyed') return true;
    return claim.kind === 'free' ? this.#waiting === 0 : this.#unfinished === 0;
  }

  /** Gives the turn its place; whether it may start now. */
  #admit(turn: Turn<Item>): boolean {
    this.#unfinished++;
    if (turn.claim.kind === 'barrier') this.#isBarrierRunning = true;
    if (turn.claim.kind !== 'keyed') return true;
    for (const key of turn.claim.keys) this.#join(turn, key.toString('latin1'), turn.claim.effect);
    if (turn.waitsFor > 0) this.#waiting++;
    return turn.waitsFor === 0;
  }

  #join(turn: Turn<Item>, key: string, effect: Effect): void {
    const last = this.#lastGroups.get(key);
    // The same key twice in one command: it is in the group already.
    if (last?.latest === turn) return;
    let group = last;
    if (last === undefined || last.effect !== effect || effect === 'exclusive') {
      const waiting = last === undefined ? undefined : [];
      group = { key, effect, unfinished: 0, waiting, latest: turn, next: undefined };
      if (last !== undefined) last.next = group;
      this.#lastGroups.set(key, group);
    }
    const joined = group as KeyGroup<Item>;
    joined.unfinished++;
    joined.latest = turn;
    turn.groups.push(joined);
    if (joined.waiting === undefined) return;
    joined.waiting.push(turn);
    turn.waitsFor++;
  }

  /** The first group of a key is done: its successor comes first. */
  #passOn(group: KeyGroup<Item>, ready: Turn<Item>[]): void {
    const next = group.next;
    if (next === undefined) {
      this.#lastGroups.delete(group.key);
      return;
    }
    for (const turn of next.waiting ?? []) {
      if (--turn.waitsFor > 0) continue;
      this.#waiting--;
      ready.push(turn);
    }
    next.waiting = undefined;
  }
}
