// The replica load that each member would have in the best of all rings: `n` copies of 16,384
// slots in proportion to capacity, as far as the rules of placement let them be.
//
// A host holds a slot once at most, and a rack takes part in each round of ReplicaRule once: a
// large host among small ones, or a rack of two beside racks of ten, cannot have its full share
// or cannot be spared. What one cannot take, the others share (water-filling, twice: first over
// the racks, then over the hosts of each rack).
//
// Pure: no clock, no disk, no network; dice are an argument.

import { SLOT_COUNT } from '../base/ids.ts';
import { type Replication, roundsOf } from './replica-rule.ts';
import type { Member } from './ring.ts';

/** Slots of which each member should hold a replica; they sum to the number of copies · 16,384. */
export function idealLoads(members: readonly Member[], replication: Replication): Float64Array {
  if (typeof replication === 'number') return idealsWithin(members, replication);
  const loads = new Float64Array(members.length);
  for (const [dataCenter, count] of Object.entries(replication)) {
    const isThere = (member: Member) => member.dataCenter === dataCenter;
    const ideals = idealsWithin(members.filter(isThere), count).values();
    for (const [i, member] of members.entries()) {
      if (isThere(member)) loads[i] = ideals.next().value as number;
    }
  }
  return loads;
}

function idealsWithin(members: readonly Member[], n: number): Float64Array {
  const loads = new Float64Array(members.length);
  const all = members.map((_, index) => index);
  const racks = grouped(all, (i) => `${members[i]?.rack}\n${members[i]?.dataCenter}`);
  const hosts = racks.map((rack) => grouped(rack, (i) => members[i]?.host ?? ''));
  const { fullRounds } = roundsOf(members, n);
  const weigh = (group: readonly number[]) =>
    group.reduce((sum, i) => sum + (members[i]?.capacity ?? 0), 0);
  const ofRacks = fill(
    n * SLOT_COUNT,
    racks.map((rack, r) => {
      const size = hosts[r]?.length ?? 0;
      const floor = Math.min(size, fullRounds) * SLOT_COUNT;
      return { weight: weigh(rack), floor, ceiling: Math.min(size, fullRounds + 1) * SLOT_COUNT };
    }),
  );
  for (const [r, inRack] of hosts.entries()) {
    const bounds = inRack.map((host) => ({ weight: weigh(host), floor: 0, ceiling: SLOT_COUNT }));
    const ofHosts = fill(ofRacks[r] ?? 0, bounds);
    for (const [h, host] of inRack.entries()) {
      const perCapacity = (ofHosts[h] ?? 0) / weigh(host);
      for (const i of host) loads[i] = perCapacity * (members[i]?.capacity ?? 0);
    }
  }
  return loads;
}

interface Vessel {
  readonly weight: number;
  readonly floor: number;
  readonly ceiling: number;
}

/** Shares `total` in proportion to weight within the bounds, which must have room for it. */
function fill(total: number, vessels: readonly Vessel[]): number[] {
  const at = (level: number) =>
    vessels.map(({ weight, floor, ceiling }) => Math.min(ceiling, Math.max(floor, level * weight)));
  let low = 0;
  let high = Math.max(...vessels.map(({ weight, ceiling }) => ceiling / weight));
  // 60 halvings leave less than one slot in a thousand million.
  for (let step = 0; step < 60; step++) {
    const level = (low + high) / 2;
    if (at(level).reduce((sum, share) => sum + share, 0) < total) low = level;
    else high = level;
  }
  return at(high);
}

function grouped(indices: readonly number[], nameOf: (index: number) => string): number[][] {
  const groups = new Map<string, number[]>();
  for (const index of indices) {
    const group = groups.get(nameOf(index)) ?? [];
    group.push(index);
    groups.set(nameOf(index), group);
  }
  return [...groups.values()];
}
