// What replication needs to know of the cluster at this moment: who owns a slot, and who seems
// alive. The node composes it from the ring and its member table; replication only asks.

import type { KeyspaceNumber, NodeId, Slot } from '../base/ids.ts';
import type { Keyspace } from './keyspace.ts';
import type { MemberIndex } from './peers.ts';

export interface ClusterView {
  readonly self: MemberIndex;
  readonly epoch: number;
  readonly memberCount: number;
  /** With N, R and W capped to what the topology can serve; throws NO_SUCH_KEYSPACE. */
  keyspace(number: KeyspaceNumber): Keyspace;
  /** The preference list without fallbacks: members on N distinct hosts, alive or not. */
  primaries(keyspace: Keyspace, slot: Slot): readonly MemberIndex[];
  /** Who stands in for primaries that are away, best first; on hosts of their own. */
  fallbacks(keyspace: Keyspace, slot: Slot): readonly MemberIndex[];
  isAlive(member: MemberIndex): boolean;
  /** The first primary that seems alive; undefined when none does. */
  leader(keyspace: Keyspace, slot: Slot): MemberIndex | undefined;
  nodeId(member: MemberIndex): NodeId;
  /** Its number in dots and hints. */
  nodeNumber(member: MemberIndex): number;
  /** Undefined: a node that is none of this cluster's. */
  memberNumbered(number: number): MemberIndex | undefined;
}

/**
 * Who else can stand in now, best first, each as it seems when its turn comes; nobody where strict.
 */
export function* livingFallbacks(
  view: ClusterView,
  keyspace: Keyspace,
  slot: Slot,
): Generator<MemberIndex, undefined> {
  if (!keyspace.isSloppy) return;
  for (const member of view.fallbacks(keyspace, slot)) {
    if (member !== view.self && view.isAlive(member)) yield member;
  }
}

/**
 * Who coordinates where no primary seems alive: not more than there are primaries, for each of them
 * may give names to writes of the slot. Nobody where strict.
 */
export function standIns(
  view: ClusterView,
  keyspace: Keyspace,
  slot: Slot,
): readonly MemberIndex[] {
  return keyspace.isSloppy ? view.fallbacks(keyspace, slot).slice(0, keyspace.n) : [];
}

/** Who may coordinate requests now. */
export function coordinators(
  view: ClusterView,
  keyspace: Keyspace,
  slot: Slot,
): readonly MemberIndex[] {
  const isOrphaned = view.leader(keyspace, slot) === undefined;
  const others = isOrphaned ? standIns(view, keyspace, slot) : [];
  return others.length > 0 ? others : view.primaries(keyspace, slot);
}
