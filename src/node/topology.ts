// Who belongs to the cluster and what it stores, with every token dealt and every preference list
// walked: the same on every node, and unchanged for a whole epoch.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { crc32 } from '../base/checksum.ts';
import { KvorumError } from '../base/errors.ts';
import type { Address, ClusterId, KeyspaceNumber, NodeId, Slot } from '../base/ids.ts';
import { NODE_NUMBER_MAX } from '../causality/dot.ts';
import { cappedTo, type Keyspace, keyspaceNumbered } from '../replication/keyspace.ts';
import { usualNeeds } from '../replication/levels/need.ts';
import type { MemberIndex } from '../replication/peers.ts';
import { placeTokens } from '../ring/placement.ts';
import {
  type PreferenceList,
  type PreferenceTable,
  preferenceLists,
} from '../ring/preference-list.ts';
import type { Member, Ring } from '../ring/ring.ts';

export interface ClusterMember extends Member {
  /** What people call it: `n1`. */
  readonly name: string;
  readonly clientAddress: Address;
  readonly httpAddress: Address;
  readonly peerAddress: Address;
}

/** What an operator states: given at start and the same on every node. */
export interface Topology {
  readonly clusterId: ClusterId;
  readonly epoch: number;
  readonly members: readonly ClusterMember[];
  readonly keyspaces: readonly Keyspace[];
}

export class PlacedTopology implements Topology {
  readonly clusterId: ClusterId;
  readonly epoch: number;
  /** Sorted by id, so that a MemberIndex means the same on every node. */
  readonly members: readonly ClusterMember[];
  /** As these members can serve them: see cappedTo. */
  readonly keyspaces: readonly Keyspace[];
  readonly ring: Ring;
  /** Slots that each member owns, alive or not. */
  readonly slotCounts: readonly number[];
  /** By the number of the keyspace; equal ones are one. */
  readonly #tables: PreferenceTable[] = [];

  /**
   * Throws PLACEMENT_IMPOSSIBLE when the members cannot form a ring, LEVEL_IMPOSSIBLE when a
   * keyspace has a level that its copies cannot have.
   */
  constructor(topology: Topology) {
    this.clusterId = topology.clusterId;
    this.epoch = topology.epoch;
    this.members = [...topology.members].sort((a, b) => (a.id < b.id ? -1 : 1));
    refuseTwins(this.members);
    const hosts = new Set(this.members.map((member) => member.host)).size;
    const dataCenters = [...new Set(this.members.map((member) => member.dataCenter))];
    this.keyspaces = topology.keyspaces.map((each) => cappedTo(each, hosts, dataCenters));
    for (const each of this.keyspaces) for (const home of dataCenters) usualNeeds(each, home);
    // The one that loads its nodes most is the one to be evened out.
    const most = this.keyspaces.reduce((a, b) => (b.n > a.n ? b : a));
    const n = most.copies ?? most.n;
    this.ring = { ...placeTokens(this.members, { n }), epoch: topology.epoch };
    const slotCounts = this.members.map(() => 0);
    for (const owner of this.ring.owners) slotCounts[owner] = (slotCounts[owner] as number) + 1;
    this.slotCounts = slotCounts;
    const known = new Map<string, PreferenceTable>();
    for (const { number, n, copies = n } of this.keyspaces) {
      const name = JSON.stringify(copies);
      const table = known.get(name) ?? preferenceLists(this.ring, copies);
      known.set(name, table);
      this.#tables[number] = table;
    }
  }

  /** Throws NO_SUCH_KEYSPACE. */
  keyspace(number: KeyspaceNumber): Keyspace {
    return keyspaceNumbered(this.keyspaces, number);
  }

  primaries(keyspace: Keyspace, slot: Slot): readonly MemberIndex[] {
    return this.#table(keyspace).primaries(slot);
  }

  fallbacks(keyspace: Keyspace, slot: Slot): readonly MemberIndex[] {
    return this.#table(keyspace).fallbacks(slot);
  }

  /** The distinct ones: far fewer than slots. */
  preferenceLists(keyspace: Keyspace): readonly PreferenceList[] {
    return this.#table(keyspace).lists;
  }

  #table({ number }: Keyspace): PreferenceTable {
    return this.#tables[number] as PreferenceTable;
  }
}

/** The 21 bits that stand for a node in its dots; 0 stands for nobody. */
export function nodeNumberOf(id: NodeId): number {
  return crc32(Buffer.from(id, 'latin1')) & NODE_NUMBER_MAX || 1;
}

function refuseTwins(members: readonly ClusterMember[]): void {
  const byNumber = new Map<number, ClusterMember>();
  for (const member of members) {
    const number = nodeNumberOf(member.id);
    const twin = byNumber.get(number);
    byNumber.set(number, member);
    if (twin === undefined) continue;
    const why = `the nodes "${member.name}" and "${twin.name}" share the number of their dots`;
    throw new KvorumError('PLACEMENT_IMPOSSIBLE', why, 'Give one of them another name.');
  }
}
