// The order of runs around a new ring. Read clockwise, the next run is chosen among those that
// are due by now: no host among the last few, no rack that was there lately, and a successor that
// its neighbour had least often, so that all others share the work of one that fails.
//
// Near the end the choice looks past slot 16383 as well, at the runs that the ring began with.
//
// Pure: no clock, no disk, no network; dice are an argument.

import type { Dice } from './dice.ts';
import type { Member } from './ring.ts';

/** Runs due that the choice of the next one looks at. */
const LOOKAHEAD = 24;
const HOST_CLASH_PRICE = 100;
const RACK_CLASH_PRICE = 20;
/** Price of each time that the pair of neighbours occurs already. */
const PAIR_PRICE = 2;

/** `due` in another order; its entries are indices in `members`. */
export function interleaved(
  due: readonly number[],
  members: readonly Member[],
  n: number,
  dice: Dice,
): number[] {
  const neighbourhood = new Neighbourhood(due.length, members, n);
  const waiting = [...due];
  while (waiting.length > 0) {
    let best = 0;
    let bestPrice = Number.POSITIVE_INFINITY;
    for (let i = 0; i < Math.min(LOOKAHEAD, waiting.length); i++) {
      const late = i / LOOKAHEAD + dice(100) / 1000;
      const price = late + neighbourhood.priceOf(waiting[i] as number);
      if (price < bestPrice) [best, bestPrice] = [i, price];
    }
    neighbourhood.add(waiting.splice(best, 1)[0] as number);
  }
  return neighbourhood.order;
}

class Neighbourhood {
  readonly order: number[] = [];
  readonly #size: number;
  readonly #hosts: readonly string[];
  readonly #racks: readonly string[];
  /** Runs between two of one host, and of one rack, that are too few. */
  readonly #hostGap: number;
  readonly #rackGap: number;
  /** How often one member follows another. */
  readonly #pairs = new Map<number, number>();

  constructor(size: number, members: readonly Member[], n: number) {
    this.#size = size;
    this.#hosts = members.map(({ host }) => host);
    this.#racks = members.map(({ rack, dataCenter }) => `${rack}\n${dataCenter}`);
    const hosts = new Set(this.#hosts).size;
    const racks = new Set(this.#racks).size;
    // Up to n hosts hold every slot in any order: only the spread of successors counts there.
    this.#hostGap = hosts > n ? Math.min(hosts - 1, n) : 1;
    this.#rackGap = Math.min(racks - 1, n - 1);
  }

  add(member: number): void {
    const pair = this.#pairWith(member);
    if (pair !== undefined) this.#pairs.set(pair, (this.#pairs.get(pair) ?? 0) + 1);
    this.order.push(member);
  }

  priceOf(member: number): number {
    const pair = this.#pairWith(member);
    let price = pair === undefined ? 0 : PAIR_PRICE * (this.#pairs.get(pair) ?? 0);
    const position = this.order.length;
    for (let gap = 1; gap <= Math.max(this.#hostGap, this.#rackGap); gap++) {
      price += this.#clash(member, this.order[position - gap], gap);
      const ahead = position + gap - this.#size;
      if (ahead >= 0) price += this.#clash(member, this.order[ahead], gap);
    }
    return price;
  }

  #clash(member: number, other: number | undefined, gap: number): number {
    if (other === undefined) return 0;
    let price = 0;
    if (gap <= this.#hostGap && this.#hosts[member] === this.#hosts[other]) {
      price += HOST_CLASH_PRICE * (this.#hostGap + 1 - gap);
    }
    if (gap <= this.#rackGap && this.#racks[member] === this.#racks[other]) {
      price += RACK_CLASH_PRICE;
    }
    return price;
  }

  #pairWith(member: number): number | undefined {
    const last = this.order.at(-1);
    return last === undefined ? undefined : last * this.#hosts.length + member;
  }
}
