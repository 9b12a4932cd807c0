// The cluster as this node sees it: the members of the topology, the ring over them, and who
// seems alive. Everything that routes a request asks this one place.

import { crc32 } from '../base/checksum.ts';
import { KvorumError } from '../base/errors.ts';
import type { Address, ClusterId, KeyspaceNumber, NodeId, Slot } from '../base/ids.ts';
import { SLOT_COUNT } from '../base/ids.ts';
import { NODE_NUMBER_MAX } from '../causality/dot.ts';
import type { Clock } from '../host/host.ts';
import { Liveness } from '../membership/liveness.ts';
import type { ClusterView } from '../replication/cluster-view.ts';
import { cappedTo, type Keyspace } from '../replication/keyspace.ts';
import type { MemberIndex } from '../replication/peers.ts';
import { placeTokens } from '../ring/placement.ts';
import { type PreferenceTable, preferenceLists } from '../ring/preference-list.ts';
import type { Member, Ring } from '../ring/ring.ts';
import type { MemberStatus, OwnedRange } from './store.ts';
import { clusterTagOf } from './wire.ts';

export interface ClusterMember extends Member {
  /** What people call it: `n1`. */
  readonly name: string;
  readonly clientAddress: Address;
  readonly httpAddress: Address;
  readonly peerAddress: Address;
}

/** Who belongs to the cluster and what it stores: given at start and the same on every node. */
export interface Topology {
  readonly clusterId: ClusterId;
  readonly epoch: number;
  readonly members: readonly ClusterMember[];
  readonly keyspaces: readonly Keyspace[];
}

export class ClusterMap implements ClusterView {
  readonly self: MemberIndex;
  readonly epoch: number;
  readonly clusterId: ClusterId;
  readonly clusterTag: number;
  readonly selfNumber: number;
  readonly members: readonly ClusterMember[];
  readonly keyspaces: readonly Keyspace[];
  readonly ring: Ring;
  readonly liveness = new Liveness();
  readonly #clock: Clock;
  readonly #tables = new Map<number, PreferenceTable>();
  readonly #byAddress = new Map<Address, MemberIndex>();
  readonly #byNumber = new Map<number, MemberIndex>();

  /** Throws PLACEMENT_IMPOSSIBLE or BAD_OPTION when the topology cannot work. */
  constructor(topology: Topology, self: NodeId, clock: Clock) {
    this.#clock = clock;
    this.epoch = topology.epoch;
    this.clusterId = topology.clusterId;
    this.clusterTag = clusterTagOf(topology.clusterId);
    this.members = [...topology.members].sort((a, b) => (a.id < b.id ? -1 : 1));
    this.self = this.members.findIndex((member) => member.id === self);
    if (this.self < 0) throw notAMember(self);
    for (const [index, member] of this.members.entries()) this.#index(index, member);
    this.selfNumber = nodeNumberOf(self);

    const hosts = new Set(this.members.map((member) => member.host)).size;
    this.keyspaces = topology.keyspaces.map((keyspace) => cappedTo(keyspace, hosts));
    const n = Math.max(...this.keyspaces.map((keyspace) => keyspace.n));
    this.ring = { ...placeTokens(this.members, { n }), epoch: topology.epoch };
    for (const keyspace of this.keyspaces) {
      if (!this.#tables.has(keyspace.n)) {
        this.#tables.set(keyspace.n, preferenceLists(this.ring, keyspace.n));
      }
    }
  }

  keyspace(number: KeyspaceNumber): Keyspace {
    const keyspace = this.keyspaces.find((each) => each.number === number);
    if (keyspace !== undefined) return keyspace;
    const fix = `Use one of: ${this.keyspaces.map((each) => each.number).join(', ')}.`;
    throw new KvorumError('BAD_OPTION', `there is no keyspace ${number}`, fix);
  }

  primaries(keyspace: Keyspace, slot: Slot): readonly MemberIndex[] {
    return (this.#tables.get(keyspace.n) as PreferenceTable).primaries(slot);
  }

  isAlive(member: MemberIndex): boolean {
    return member === this.self || this.liveness.isAlive(member, this.#clock.monotonicMs());
  }

  nodeId(member: MemberIndex): NodeId {
    return (this.members[member] as ClusterMember).id;
  }

  memberAt(peer: Address): MemberIndex | undefined {
    return this.#byAddress.get(peer);
  }

  memberNumbered(number: number): MemberIndex | undefined {
    return this.#byNumber.get(number);
  }

  /** The first primary that seems alive; undefined when none does. */
  leader(keyspace: Keyspace, slot: Slot): MemberIndex | undefined {
    return this.primaries(keyspace, slot).find((member) => this.isAlive(member));
  }

  /** The ring as clients should see it now: runs of slots, each with its first live primary. */
  ownedRanges(): OwnedRange[] {
    const keyspace = this.keyspaces[0] as Keyspace;
    const ranges: OwnedRange[] = [];
    let from = 0;
    let owner = this.leader(keyspace, 0 as Slot);
    for (let slot = 1; slot <= SLOT_COUNT; slot++) {
      const next = slot < SLOT_COUNT ? this.leader(keyspace, slot as Slot) : undefined;
      if (slot < SLOT_COUNT && next === owner) continue;
      if (owner !== undefined) {
        ranges.push({ from: from as Slot, to: (slot - 1) as Slot, owner: this.nodeId(owner) });
      }
      from = slot;
      owner = next;
    }
    return ranges;
  }

  memberStatus(member: MemberIndex): MemberStatus {
    const { id, name, host, rack, dataCenter, capacity, ...addresses } = this.members[
      member
    ] as ClusterMember;
    const { clientAddress, httpAddress, peerAddress } = addresses;
    let slots = 0;
    for (const owner of this.ring.owners) if (owner === member) slots += 1;
    const isAlive = this.isAlive(member);
    const where = { host, rack, dataCenter, capacity };
    return { id, name, ...where, clientAddress, httpAddress, peerAddress, isAlive, slots };
  }

  #index(index: MemberIndex, member: ClusterMember): void {
    const number = nodeNumberOf(member.id);
    const twin = this.#byNumber.get(number);
    if (twin !== undefined) throw sameNumber(member, this.members[twin] as ClusterMember);
    this.#byNumber.set(number, index);
    this.#byAddress.set(member.peerAddress, index);
  }
}

/** The 21 bits that stand for a node in its dots. */
export function nodeNumberOf(id: NodeId): number {
  return crc32(Buffer.from(id, 'latin1')) & NODE_NUMBER_MAX;
}

function notAMember(self: NodeId): KvorumError {
  const why = `this node (${self}) is not in the list of members`;
  return new KvorumError('BAD_OPTION', why, 'Add it to --cluster on every node.');
}

function sameNumber(a: ClusterMember, b: ClusterMember): KvorumError {
  const why = `the nodes "${a.name}" and "${b.name}" would share the number of their dots`;
  return new KvorumError('PLACEMENT_IMPOSSIBLE', why, 'Give one of them another name.');
}
