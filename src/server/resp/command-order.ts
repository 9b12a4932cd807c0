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
// Pure: no clock, no disk, no network; dice are an argument.

import { KeyGroups, keyHash } from './key-groups.ts';

export type Claim =
  | { readonly kind: 'keyed'; readonly effect: Effect; readonly keys: readonly Buffer[] }
  | { readonly kind: 'barrier' }
  | { readonly kind: 'free' };

export type Effect = 'read' | 'plain-write' | 'exclusive';

/** One command from its arrival to its end. */
export interface Turn<Item> {
  readonly item: Item;
  readonly claim: Claim;
  groups: readonly KeyGroup<Item>[];
  /** What arrive() found: it may start at once. */
  mayStart: boolean;
  /** Keys on which another group comes first; 0: it has started or may. */
  waitsFor: number;
}

interface KeyGroup<Item> {
  readonly hash: number;
  readonly effect: Effect;
  /** Invariant: > 0 while the group is reachable. */
  unfinished: number;
  /** Those that wait for this group to come first; undefined once it has. */
  waiting: Turn<Item>[] | undefined;
  latest: Turn<Item>;
  next: KeyGroup<Item> | undefined;
  /** Belongs to KeyGroups. */
  following: KeyGroup<Item> | undefined;
}

const NOTHING: readonly never[] = [];

export class CommandOrder<Item> {
  /** The last group of each key; the first is the one that runs. */
  readonly #lastGroups: KeyGroups<KeyGroup<Item>>;
  /** Arrived, but held back by a barrier or a free command: not yet in any group. */
  #held: Turn<Item>[] = [];
  #unfinished = 0;
  #waiting = 0;
  #isBarrierRunning = false;

  /** `seed`: any number that clients cannot know. */
  constructor(seed: number) {
    this.#lastGroups = new KeyGroups(seed);
  }

  /** Nothing is unfinished: whatever comes next may start. */
  get isIdle(): boolean {
    return this.#unfinished === 0 && this.#held.length === 0;
  }

  /** Somebody waits for his start behind a barrier, or to let all before him start. */
  get isHolding(): boolean {
    return this.#held.length > 0;
  }

  /** A turn that may not start at once is returned by a later finish(). */
  arrive(item: Item, claim: Claim): Turn<Item> {
    const turn: Turn<Item> = { item, claim, groups: NOTHING, mayStart: false, waitsFor: 0 };
    if (this.#held.length > 0 || !this.#isAdmissible(claim)) this.#held.push(turn);
    else turn.mayStart = this.#admit(turn);
    return turn;
  }

  /** Ends a turn that had started; returns those that may start now, in the order to start them. */
  finish(turn: Turn<Item>): readonly Turn<Item>[] {
    let ready: readonly Turn<Item>[] = NOTHING;
    this.#unfinished--;
    if (turn.claim.kind === 'barrier') this.#isBarrierRunning = false;
    for (const group of turn.groups) {
      if (--group.unfinished === 0) ready = this.#passOn(group, ready);
    }
    return this.#held.length === 0 ? ready : [...ready, ...this.#admitHeld()];
  }

  #admitHeld(): Turn<Item>[] {
    const ready: Turn<Item>[] = [];
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
    const { keys, effect } = turn.claim;
    if (keys.length === 1) {
      const group = this.#join(turn, keyHash(keys[0] as Buffer), effect);
      turn.groups = group === undefined ? NOTHING : [group];
    } else {
      const joined = keys.map((key) => this.#join(turn, keyHash(key), effect));
      turn.groups = joined.filter((group) => group !== undefined);
    }
    if (turn.waitsFor > 0) this.#waiting++;
    return turn.waitsFor === 0;
  }

  /** The group that the turn now belongs to; undefined when it already did. */
  #join(turn: Turn<Item>, hash: number, effect: Effect): KeyGroup<Item> | undefined {
    const last = this.#lastGroups.find(hash);
    if (last?.latest === turn) return undefined;
    let group = last;
    if (group === undefined || group.effect !== effect || effect === 'exclusive') {
      group = this.#newGroup(turn, hash, effect, last);
    }
    group.unfinished++;
    group.latest = turn;
    if (group.waiting !== undefined) {
      group.waiting.push(turn);
      turn.waitsFor++;
    }
    return group;
  }

  #newGroup(
    latest: Turn<Item>,
    hash: number,
    effect: Effect,
    last: KeyGroup<Item> | undefined,
  ): KeyGroup<Item> {
    const waiting = last === undefined ? undefined : [];
    const group: KeyGroup<Item> = {
      hash,
      effect,
      unfinished: 0,
      waiting,
      latest,
      next: undefined,
      following: undefined,
    };
    if (last !== undefined) {
      last.next = group;
      this.#lastGroups.remove(last);
    }
    this.#lastGroups.add(group);
    return group;
  }

  /** The first group of a key is done: its successor comes first. */
  #passOn(group: KeyGroup<Item>, before: readonly Turn<Item>[]): readonly Turn<Item>[] {
    const next = group.next;
    if (next === undefined) {
      this.#lastGroups.remove(group);
      return before;
    }
    const ready = [...before];
    for (const turn of next.waiting ?? []) {
      if (--turn.waitsFor > 0) continue;
      this.#waiting--;
      ready.push(turn);
    }
    next.waiting = undefined;
    return ready;
  }
}
