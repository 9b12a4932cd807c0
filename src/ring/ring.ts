// The ring: one owner for each of the 16,384 slots, and the members that own them. A plain value;
// it travels between nodes as it stands here, and never changes: a new epoch is a new ring.
//
//   slot    0        341      682          16383
//           |  n1    |  n2    |  n3    | … |         owners: an index in `members` for each slot
//
// Consecutive slots of one owner are a run, and one row of the CLUSTER SLOTS that clients read.
// A member's tokens are its slots; DeCandia et al.: "Dynamo" (SOSP 2007), 6.2, strategy 3.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { KvorumError } from '../base/errors.ts';
import { type NodeId, SLOT_COUNT, type Slot } from '../base/ids.ts';

export interface Member {
  readonly id: NodeId;
  /** The physical server; several members may share one. */
  readonly host: string;
  /** Unique within its data center only. */
  readonly rack: string;
  readonly dataCenter: string;
  /** Any positive number; only the ratios between members count. */
  readonly capacity: number;
}

export interface Ring {
  readonly epoch: number;
  readonly members: readonly Member[];
  /** Slot → index in `members`. */
  readonly owners: Uint16Array;
}

/** Slots `first … last`, both included, of one owner. */
export interface Run {
  readonly first: Slot;
  readonly last: Slot;
  /** An index in `members`. */
  readonly owner: number;
}

/** Slots `first … last` that change hands. */
export interface Move {
  readonly first: Slot;
  readonly last: Slot;
  readonly from: NodeId;
  readonly to: NodeId;
}

/** In the order of slots; a run that goes on past slot 16383 is cut there, as clients expect. */
export function runsOf(ring: Ring): Run[] {
  const runs: Run[] = [];
  for (let first = 0; first < SLOT_COUNT; ) {
    const owner = ring.owners[first] as number;
    let last = first;
    while (last + 1 < SLOT_COUNT && ring.owners[last + 1] === owner) last++;
    runs.push({ first: first as Slot, last: last as Slot, owner });
    first = last + 1;
  }
  return runs;
}

/** How many slots each member owns, in the order of `members`. */
export function slotsOwned(ring: Ring): Uint32Array {
  const owned = new Uint32Array(ring.members.length);
  for (const owner of ring.owners) owned[owner] = (owned[owner] as number) + 1;
  return owned;
}

/** What has to be handed over to get from one ring to the other, in the order of slots. */
export function movesBetween(before: Ring, after: Ring): Move[] {
  const moves: Move[] = [];
  let previous: { -readonly [field in keyof Move]: Move[field] } | undefined;
  for (let slot = 0 as Slot; slot < SLOT_COUNT; slot++) {
    const from = ownerIn(before, slot);
    const to = ownerIn(after, slot);
    if (from === to) {
      previous = undefined;
    } else if (previous?.from === from && previous.to === to) {
      previous.last = slot;
    } else {
      previous = { first: slot, last: slot, from, to };
      moves.push(previous);
    }
  }
  return moves;
}

/** Throws PLACEMENT_IMPOSSIBLE unless every slot has an owner and the members can form a ring. */
export function checkRing(ring: Ring): void {
  checkMembers(ring.members);
  if (ring.owners.length !== SLOT_COUNT) {
    throw impossible(`the ring has ${ring.owners.length} slots instead of ${SLOT_COUNT}`);
  }
  const stray = ring.owners.findIndex((owner) => owner >= ring.members.length);
  if (stray >= 0) {
    const owner = ring.owners[stray];
    throw impossible(`slot ${stray} belongs to member ${owner} of ${ring.members.length}`);
  }
}

/**
 * Throws PLACEMENT_IMPOSSIBLE when no ring can be dealt to these members: none at all, an id
 * twice, a host in two racks, or a capacity that earns less than one slot.
 */
export function checkMembers(members: readonly Member[]): void {
  if (members.length === 0) throw impossible('there are no members', 'Name at least one node.');
  if (members.length > SLOT_COUNT) {
    const why = `${members.length} members share ${SLOT_COUNT} slots`;
    throw impossible(why, `Keep to ${SLOT_COUNT} nodes, one slot each, at most.`);
  }
  const ids = new Set<NodeId>();
  const rackOfHost = new Map<string, string>();
  let total = 0;
  for (const { id, host, rack, dataCenter, capacity } of members) {
    if (ids.has(id)) throw impossible(`two members have the id ${id}`, 'Give each its own id.');
    ids.add(id);
    if (!(capacity > 0 && Number.isFinite(capacity))) {
      const why = `node ${id} has capacity ${capacity}`;
      throw impossible(why, 'Give it a capacity above 0, or let it leave.');
    }
    total += capacity;
    const place = `rack "${rack}" of data center "${dataCenter}"`;
    const other = rackOfHost.get(host) ?? place;
    if (other !== place) {
      const why = `host "${host}" stands in ${other} and in ${place}`;
      throw impossible(why, 'Give all nodes of one host the same rack and data center.');
    }
    rackOfHost.set(host, place);
  }
  for (const { id, capacity } of members) {
    const share = (SLOT_COUNT * capacity) / total;
    if (share >= 1) continue;
    const why = `node ${id} with capacity ${capacity} of ${total} earns ${share.toFixed(2)} slots`;
    throw impossible(why, 'Raise its capacity until it earns at least one of the 16,384 slots.');
  }
}

export function impossible(why: string, fix = 'Fetch the ring again from another node.') {
  return new KvorumError('PLACEMENT_IMPOSSIBLE', `no placement is possible: ${why}`, fix);
}

function ownerIn(ring: Ring, slot: Slot): NodeId {
  return (ring.members[ring.owners[slot] as number] as Member).id;
}
