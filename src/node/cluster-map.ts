// The cluster as this node sees it now: the placed topology, and what gossip knows of its members.
// Everything that routes a request asks this one place.

import { KvorumError } from '../base/errors.ts';
import type { Address, KeyspaceNumber, NodeId, Slot } from '../base/ids.ts';
import { INCARNATION_EPOCH_MS, SLOT_COUNT } from '../base/ids.ts';
import type { Clock, Random } from '../host/host.ts';
import { Gossip } from '../membership/gossip.ts';
import type { GossipPreset } from '../membership/gossip-preset.ts';
import { type ClusterView, coordinators } from '../replication/cluster-view.ts';
import type { Keyspace } from '../replication/keyspace.ts';
import type { MemberIndex } from '../replication/peers.ts';
import { HEALTHY, type MemberHealth, type MemberStatus, type OwnedRange } from './store.ts';
import { type ClusterMember, nodeNumberOf, type PlacedTopology } from './topology.ts';
import { clusterTagOf } from './wire.ts';

export interface ClusterMapOptions {
  readonly topology: PlacedTopology;
  readonly self: NodeId;
  readonly clock: Clock;
  readonly random: Random;
  readonly preset: GossipPreset;
}

export class ClusterMap implements ClusterView {
  readonly topology: PlacedTopology;
  readonly self: MemberIndex;
  readonly epoch: number;
  readonly clusterTag: number;
  readonly selfNumber: number;
  readonly members: readonly ClusterMember[];
  readonly gossip: Gossip;
  readonly #clock: Clock;
  readonly #byAddress = new Map<Address, MemberIndex>();
  readonly #byNumber = new Map<number, MemberIndex>();

  /** Throws BAD_OPTION when `self` is no member. */
  constructor({ topology, self, clock, random, preset }: ClusterMapOptions) {
    this.#clock = clock;
    this.topology = topology;
    this.epoch = topology.epoch;
    this.clusterTag = clusterTagOf(topology.clusterId);
    this.members = topology.members;
    this.self = this.members.findIndex((member) => member.id === self);
    if (this.self < 0) throw notAMember(self);
    this.selfNumber = nodeNumberOf(self);
    for (const [index, member] of this.members.entries()) {
      this.#byNumber.set(nodeNumberOf(member.id), index);
      this.#byAddress.set(member.peerAddress, index);
    }
    this.gossip = new Gossip({
      members: this.members.map(({ id }) => nodeNumberOf(id)),
      self: this.self,
      generation: Math.max(1, clock.wallMs() - INCARNATION_EPOCH_MS),
      epoch: this.epoch,
      preset,
      dice: (below) => Math.floor((random.u32() / 2 ** 32) * below),
      nowMs: clock.monotonicMs(),
    });
  }

  get memberCount(): number {
    return this.members.length;
  }

  keyspace(number: KeyspaceNumber): Keyspace {
    return this.topology.keyspace(number);
  }

  primaries(keyspace: Keyspace, slot: Slot): readonly MemberIndex[] {
    return this.topology.primaries(keyspace, slot);
  }

  fallbacks(keyspace: Keyspace, slot: Slot): readonly MemberIndex[] {
    return this.topology.fallbacks(keyspace, slot);
  }

  isAlive(member: MemberIndex): boolean {
    return member === this.self || this.gossip.detector.isAlive(member);
  }

  isSlow(member: MemberIndex): boolean {
    return this.gossip.detector.isSlow(member);
  }

  isDiskFull(member: MemberIndex): boolean {
    return this.gossip.heartbeat(member).load.isDiskFull;
  }

  nodeId(member: MemberIndex): NodeId {
    return (this.members[member] as ClusterMember).id;
  }

  dataCenterOf(member: MemberIndex): string {
    return (this.members[member] as ClusterMember).dataCenter;
  }

  nodeNumber(member: MemberIndex): number {
    return nodeNumberOf(this.nodeId(member));
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

  /** The first who may coordinate and seems alive, near ones before others: where clients ask. */
  contact(keyspace: Keyspace, slot: Slot): MemberIndex | undefined {
    const members = coordinators(this, keyspace, slot);
    const home = this.dataCenterOf(this.self);
    const isNear = (member: MemberIndex) => this.dataCenterOf(member) === home;
    const near = members.find((member) => isNear(member) && this.isAlive(member));
    return near ?? members.find((member) => this.isAlive(member));
  }

  /** The ring as clients should see it now: runs of slots, each with whom they should ask. */
  ownedRanges(): OwnedRange[] {
    const keyspace = this.topology.keyspaces[0] as Keyspace;
    const ranges: OwnedRange[] = [];
    let from = 0;
    let owner = this.contact(keyspace, 0 as Slot);
    for (let slot = 1; slot <= SLOT_COUNT; slot++) {
      const next = slot < SLOT_COUNT ? this.contact(keyspace, slot as Slot) : undefined;
      if (slot < SLOT_COUNT && next === owner) continue;
      if (owner !== undefined) {
        ranges.push({ from: from as Slot, to: (slot - 1) as Slot, owner: this.nodeId(owner) });
      }
      from = slot;
      owner = next;
    }
    return ranges;
  }

  health(index: MemberIndex): MemberHealth {
    const { detector } = this.gossip;
    const { load, epoch } = this.gossip.heartbeat(index);
    const said = { isDiskFull: load.isDiskFull, epoch, load };
    if (index === this.self) return { ...HEALTHY, ...said };
    const nowMs = this.#clock.monotonicMs();
    return {
      state: detector.state(index),
      phi: detector.phi(index, nowMs),
      silentMs: detector.silentMs(index, nowMs),
      answerMs: detector.answerMs(index),
      isSlow: detector.isSlow(index),
      ...said,
    };
  }

  memberStatus(index: MemberIndex): MemberStatus {
    const member = this.members[index] as ClusterMember;
    const { id, name, host, rack, dataCenter, capacity } = member;
    const { clientAddress, httpAddress, peerAddress } = member;
    const slots = this.topology.slotCounts[index] as number;
    const where = { host, rack, dataCenter, capacity };
    const addresses = { clientAddress, httpAddress, peerAddress };
    const isAlive = this.isAlive(index);
    return { id, name, ...where, ...addresses, slots, isAlive, health: this.health(index) };
  }
}

function notAMember(self: NodeId): KvorumError {
  const why = `this node (${self}) is not in the list of members`;
  return new KvorumError('BAD_OPTION', why, 'Add it to --cluster on every node.');
}
