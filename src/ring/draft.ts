// A ring while it is being planned, with a price on it: the planner gives a piece to another
// member, looks at the price, and keeps the change or takes it back. The price adds up
//
//   replica loads far from ideal     what the members would suffer from
//   slots owned far from the share   what their clients would notice
//   runs of unequal length           what makes loads drift: a member is replica of the runs
//                                    before its own, and inherits their unevenness
//   rows beyond 16 a member          what clients would read
//   neighbours on one host           runs that add nothing to the spread
//
// A gift alters the preference lists of the piece and of the runs before it whose walk reaches
// it; only those are walked again, so a trial costs microseconds whatever the size of the ring.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { SLOT_COUNT } from '../base/ids.ts';
import { idealLoads } from './ideal-load.ts';
import { NO_QUOTA, type Quota, quotaRanges, RUNS_PER_MEMBER } from './quota.ts';
import { ReplicaRule, type Replication } from './replica-rule.ts';
import type { Member } from './ring.ts';
import { RunList } from './run-list.ts';

/** A replica load this far from ideal costs 1: well inside the 5 % that we hold ourselves to. */
const LOAD_TOLERANCE = 0.02;
/** The same for the slots that a member owns. */
const SHARE_TOLERANCE = 0.04;
/** Price of unequal runs. Cheaper, and the runs of the first members are never cut down. */
const UNEVENNESS_PRICE = 4;
/** Price of rows beyond RUNS_PER_MEMBER: each costs more than the one before it. */
const ROW_PRICE = 4;
/** Price of two runs in a row on one host. */
const CLASH_PRICE = 0.5;
/**
 * Runs that the planner's walk looks at. Longer walks occur only where a rack is tiny; there the
 * load of that rack is out of the planner's hands anyway.
 */
const REACH_MAX = 32;

/** `length` slots from `first` on, all of one run, go from their owner to another member. */
export interface Gift {
  readonly first: number;
  readonly length: number;
  readonly from: number;
  readonly to: number;
}

export interface DraftOptions {
  /** Those that shall own nothing in the end stand behind the others. */
  readonly members: readonly Member[];
  readonly stayingCount: number;
  readonly owners: ArrayLike<number>;
  /** Replicas to balance for; a plain number is capped at the number of hosts. */
  readonly n: Replication;
}

export class Draft {
  readonly runs: RunList;
  readonly quotas: readonly Quota[];
  /** Slots that each member owns. */
  readonly owned: Int32Array;
  /** Slots that each member holds a replica of. */
  readonly #loads: Float64Array;
  readonly #ideals: Float64Array;
  readonly #members: readonly Member[];
  readonly #rule: ReplicaRule;
  /** What each member adds to the price. */
  readonly #costs: Float64Array;
  /** The replicas that the last walk met; -1 after the last of them. */
  readonly #replicas: Int32Array;
  readonly #rowsTarget: number;
  #memberPrice = 0;
  #rows = 0;
  #clashes = 0;

  constructor({ members, stayingCount, owners, n }: DraftOptions) {
    const staying = members.slice(0, stayingCount);
    const ranges = quotaRanges(staying);
    this.#members = members;
    this.quotas = members.map((_, i) => ranges[i] ?? NO_QUOTA);
    this.#rule = new ReplicaRule(members, n, (i) => i < stayingCount);
    this.#ideals = new Float64Array(members.length);
    this.#ideals.set(idealLoads(staying, typeof n === 'number' ? this.#rule.n : n));
    this.#rowsTarget = RUNS_PER_MEMBER * stayingCount;
    this.runs = new RunList(owners);
    this.owned = new Int32Array(members.length);
    this.#loads = new Float64Array(members.length);
    this.#costs = new Float64Array(members.length);
    this.#replicas = new Int32Array(this.#rule.n);
    for (const first of this.runs.firsts()) {
      const length = this.runs.length(first);
      this.#own(this.runs.owner[first] as number, length);
      this.#walk(first);
      this.#addLoad(length);
      this.#countBorder(first, 1);
    }
    for (let member = 0; member < members.length; member++) this.#reprice(member);
  }

  /** What the planner makes as small as it can. */
  get price(): number {
    const target = this.#rowsTarget;
    const excess = Math.max(0, this.#rows / target - 0.9);
    const rows = ROW_PRICE * target * excess * excess;
    const unevenness = (UNEVENNESS_PRICE * this.runs.squares) / (SLOT_COUNT / target) ** 2;
    return this.#memberPrice + rows + unevenness + this.#clashes * CLASH_PRICE;
  }

  /** Whether clients would read clearly more rows than RUNS_PER_MEMBER for each member. */
  get hasManyRows(): boolean {
    return this.#rows > 1.1 * this.#rowsTarget;
  }

  /** The member furthest from its ideal replica load, and how far that is, as a part of it. */
  get worst(): { readonly member: number; readonly error: number } {
    let worst = { member: 0, error: 0 };
    for (let member = 0; member < this.#loads.length; member++) {
      const ideal = this.#ideals[member] as number;
      const error = ideal > 0 ? Math.abs((this.#loads[member] as number) / ideal - 1) : 0;
      if (error > worst.error) worst = { member, error };
    }
    return worst;
  }

  priceWith(gift: Gift): number {
    this.give(gift);
    const price = this.price;
    this.takeBack(gift);
    return price;
  }

  takeBack({ first, length, from, to }: Gift): void {
    this.give({ first, length, from: to, to: from });
  }

  give({ first, length, from, to }: Gift): void {
    const { runs } = this;
    const end = first + length;
    runs.split(first);
    runs.split(end);
    const reaching = this.#reaching(first);
    this.#shiftLoads(reaching, -1);
    this.#countBorder(first, -1);
    this.#countBorder(end % SLOT_COUNT, -1);
    runs.owner[first] = to;
    this.#countBorder(first, 1);
    this.#countBorder(end % SLOT_COUNT, 1);
    this.#shiftLoads(reaching, 1);
    this.#own(from, -length);
    this.#own(to, length);
    runs.merge(end);
    runs.merge(first);
  }

  /** The run at `first`, and those before it whose walks reach it, whoever owns it. */
  #reaching(first: number): number[] {
    const reaching = [first];
    let at = this.runs.previous[first] as number;
    while (at !== first && this.#walk(at, first)) {
      reaching.push(at);
      at = this.runs.previous[at] as number;
    }
    return reaching;
  }

  #shiftLoads(firsts: readonly number[], sign: 1 | -1): void {
    for (const first of firsts) {
      this.#walk(first);
      this.#addLoad(sign * this.runs.length(first));
    }
  }

  /** Fills #replicas from the run at `first` on; whether the walk came to the run at `goal`. */
  #walk(first: number, goal = -1): boolean {
    const { next, owner } = this.runs;
    let at = first;
    let met = 0;
    let reached = false;
    this.#rule.begin();
    for (let steps = 0; steps < REACH_MAX && met < this.#replicas.length; steps++) {
      if (at === goal) reached = true;
      const member = owner[at] as number;
      if (this.#rule.meet(member) === 'primary') this.#replicas[met++] = member;
      at = next[at] as number;
      if (at === first) break;
    }
    this.#replicas.fill(-1, met);
    return reached;
  }

  #addLoad(slots: number): void {
    for (const member of this.#replicas) {
      if (member < 0) return;
      this.#loads[member] = (this.#loads[member] as number) + slots;
      this.#reprice(member);
    }
  }

  #own(member: number, slots: number): void {
    this.owned[member] = (this.owned[member] as number) + slots;
    this.#reprice(member);
  }

  /**
   * A member far below or above its quota is measured by the part of it that it has, so that the
   * first piece that changes hands is judged as soundly as the last.
   */
  #reprice(member: number): void {
    const { share, low, high } = this.quotas[member] as Quota;
    const owned = this.owned[member] as number;
    let cost = 0;
    if (share > 0) {
      const ideal = this.#ideals[member] as number;
      const due = owned < low || owned > high ? (ideal * owned) / share : ideal;
      const load = this.#loads[member] as number;
      // Where no replicas are asked for there are none, and nothing to be off.
      const error = ideal > 0 ? (load - due) / (ideal * LOAD_TOLERANCE) : 0;
      // The fourth power sees to the worst member, the square to all of them.
      cost = error ** 2 + error ** 4 / 4;
      if (owned >= low) cost += ((owned - share) / (share * SHARE_TOLERANCE)) ** 2;
    }
    this.#memberPrice += cost - (this.#costs[member] as number);
    this.#costs[member] = cost;
  }

  /** The border before the run at `first`: a new row for clients, perhaps a clash of hosts. */
  #countBorder(first: number, sign: 1 | -1): void {
    const { owner, previous } = this.runs;
    const here = owner[first] as number;
    const before = owner[previous[first] as number] as number;
    if (here === before) return;
    this.#rows += sign;
    if (this.#members[here]?.host === this.#members[before]?.host) this.#clashes += sign;
  }
}
