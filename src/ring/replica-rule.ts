// Which nodes met on the clockwise walk become replicas: the one rule behind the preference list
// and behind the planner that balances the replica load.
//
//   1. Two replicas never share a host: the first node of each host counts, later ones do not.
//   2. Hosts are taken from the racks in rounds: no rack has its second replica before every rack
//      has its first. With as many racks as replicas, all racks are distinct.
//   3. With counts per data center, each data center is a ring of its own for rules 1 and 2, and
//      data centers that are not named hold nothing, not even fallbacks.
//
// Round by round, and yet in one pass: how many rounds every rack takes part in (`fullRounds`)
// follows from the racks' sizes; the hosts of those rounds are taken wherever they stand, those of
// the round after it only until its `extras` are used up.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { impossible, type Member } from './ring.ts';

/** Copies of each slot: over all data centers, or so many in each of those that are named. */
export type Replication = number | { readonly [dataCenter: string]: number };

/** Copies of each slot in all data centers together. */
export function totalOf(replication: Replication): number {
  if (typeof replication === 'number') return replication;
  return Object.values(replication).reduce((sum, count) => sum + count, 0);
}

/** How one data center, or the whole ring, gives its replicas to a slot. */
export interface Zone {
  readonly fullRounds: number;
  readonly extras: number;
}

export class ReplicaRule {
  /** Replicas of each slot; a plain number asked for is capped at the number of hosts. */
  readonly n: number;
  /** Distinct hosts that may hold replicas or stand in as fallbacks. */
  readonly hostCount: number;
  readonly #hostOf: Int32Array;
  readonly #rackOf: Int32Array;
  readonly #zoneOf: Int32Array;
  readonly #zones: Zone[];
  readonly #seenHost: Uint32Array;
  readonly #metInRack: Uint32Array;
  readonly #extrasLeft: Int32Array;
  readonly #racksMet: number[] = [];
  #walk = 0;
  #accepted = 0;

  /**
   * Throws PLACEMENT_IMPOSSIBLE when a data center has fewer hosts than replicas asked of it.
   * Members that do not `count` (they own nothing, or are about to) offer no host and no rack.
   */
  constructor(
    members: readonly Member[],
    replication: Replication,
    counts: (index: number) => boolean = () => true,
  ) {
    const counted = members.filter((_, index) => counts(index));
    const zones = zonesOf(counted, replication);
    this.#hostOf = numbered(members, (member) => member.host);
    this.#rackOf = numbered(members, (member) => `${member.rack}\n${member.dataCenter}`);
    this.#zoneOf = Int32Array.from(members, (member) =>
      zones.findIndex((zone) => zone.holds(member)),
    );
    this.#seenHost = new Uint32Array(members.length);
    this.#metInRack = new Uint32Array(members.length);
    this.#zones = zones.map((zone) => roundsOf(zone.members, zone.count));
    this.#extrasLeft = new Int32Array(zones.length);
    this.n = zones.reduce((sum, zone) => sum + zone.count, 0);
    this.hostCount = zones.reduce((sum, zone) => sum + hostsIn(zone.members), 0);
  }

  /** Starts a walk: nothing met yet. */
  begin(): void {
    this.#walk++;
    this.#accepted = 0;
    for (const rack of this.#racksMet) this.#metInRack[rack] = 0;
    this.#racksMet.length = 0;
    for (let zone = 0; zone < this.#zones.length; zone++) {
      this.#extrasLeft[zone] = (this.#zones[zone] as Zone).extras;
    }
  }

  /** Whether the walk has met all its replicas. */
  get isComplete(): boolean {
    return this.#accepted === this.n;
  }

  /** What the member met next is to the slot; `skipped`: its host was met, or is in no zone. */
  meet(member: number): 'primary' | 'fallback' | 'skipped' {
    const host = this.#hostOf[member] as number;
    const zone = this.#zoneOf[member] as number;
    if (zone < 0 || this.#seenHost[host] === this.#walk) return 'skipped';
    this.#seenHost[host] = this.#walk;
    const rack = this.#rackOf[member] as number;
    const round = this.#metInRack[rack] as number;
    if (round === 0) this.#racksMet.push(rack);
    this.#metInRack[rack] = round + 1;
    if (!this.#mayTake(zone, round)) return 'fallback';
    this.#accepted++;
    return 'primary';
  }

  #mayTake(zone: number, round: number): boolean {
    const { fullRounds } = this.#zones[zone] as Zone;
    if (round < fullRounds) return true;
    const left = this.#extrasLeft[zone] as number;
    if (round > fullRounds || left === 0) return false;
    this.#extrasLeft[zone] = left - 1;
    return true;
  }
}

interface ZoneMembers {
  readonly count: number;
  readonly members: readonly Member[];
  holds(member: Member): boolean;
}

function zonesOf(members: readonly Member[], replication: Replication): ZoneMembers[] {
  if (typeof replication === 'number') {
    checkCount(replication, 'the ring');
    const count = Math.min(replication, hostsIn(members));
    return [{ count, members, holds: () => true }];
  }
  const zones = Object.entries(replication).map(([dataCenter, count]) => {
    const holds = (member: Member) => member.dataCenter === dataCenter;
    const inside = members.filter(holds);
    checkCount(count, `data center "${dataCenter}"`);
    const hosts = hostsIn(inside);
    if (hosts < count) {
      const why = `data center "${dataCenter}" has ${hosts} hosts for ${count} replicas`;
      throw impossible(why, `Ask it for ${hosts} at most, or add hosts there.`);
    }
    return { count, members: inside, holds };
  });
  if (zones.length === 0) throw impossible('no data center is named', 'Name at least one.');
  return zones;
}

function checkCount(count: number, where: string): void {
  if (Number.isInteger(count) && count >= 1) return;
  throw impossible(`${count} replicas are asked of ${where}`, 'Ask for a whole number from 1 on.');
}

/** How `count` replicas fall on the racks when each round takes one host of each. */
export function roundsOf(members: readonly Member[], count: number): Zone {
  const hostsByRack = new Map<string, Set<string>>();
  for (const { dataCenter, rack, host } of members) {
    const name = `${rack}\n${dataCenter}`;
    hostsByRack.set(name, (hostsByRack.get(name) ?? new Set()).add(host));
  }
  const sizes = [...hostsByRack.values()].map((hosts) => hosts.size);
  let fullRounds = 0;
  let taken = 0;
  for (;;) {
    const more = sizes.filter((size) => size > fullRounds).length;
    if (more === 0 || taken + more > count) return { fullRounds, extras: count - taken };
    taken += more;
    fullRounds++;
  }
}

function hostsIn(members: readonly Member[]): number {
  return new Set(members.map((member) => member.host)).size;
}

/** Names as small numbers: equal names, equal numbers. */
function numbered(members: readonly Member[], nameOf: (member: Member) => string): Int32Array {
  const numbers = new Map<string, number>();
  return Int32Array.from(members, (member) => {
    const name = nameOf(member);
    const number = numbers.get(name) ?? numbers.size;
    numbers.set(name, number);
    return number;
  });
}
