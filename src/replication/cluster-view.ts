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
  /** Of those who are alive: its answers take too long. It is not asked first. */
  isSlow(member: MemberIndex): boolean;
  /** It said that it takes no writes. They go to others first. */
  isDiskFull(member: MemberIndex): boolean;
  /** The first primary that seems alive; undefined when none does. */
  leader(keyspace: Keyspace, slot: Slot): MemberIndex | undefined;
  nodeId(member: MemberIndex): NodeId;
  /** The name of the data center that it stands in. */
  dataCenterOf(member: MemberIndex): string;
  /** Its number in dots and hints. */
  nodeNumber(member: MemberIndex): number;
  /** Undefined: a node that is none of this cluster's. */
  memberNumbered(number: number): MemberIndex | undefined;
}

/**
 * Who else can stand in now, best first, each as it seems when its turn comes; nobody where strict.
 * Those who take no writes come last: they may have room again. With `dataCenter` only those who
 * stand there.
 */
export function* livingFallbacks(
  view: ClusterView,
  keyspace: Keyspace,
  slot: Slot,
  dataCenter?: string,
): Generator<MemberIndex, undefined> {
  if (!keyspace.isSloppy) return;
  const full: MemberIndex[] = [];
  for (const member of view.fallbacks(keyspace, slot)) {
    const isThere = dataCenter === undefined || view.dataCenterOf(member) === dataCenter;
    if (!isThere || member === view.self || !view.isAlive(member)) continue;
    if (view.isDiskFull(member)) full.push(member);
    else yield member;
  }
  yield* full;
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

/** Where whoever stands in for `primary` must be; undefined: anywhere. */
export function standInPlace(
  view: ClusterView,
  { copies }: Keyspace,
  primary: MemberIndex,
): string | undefined {
  return copies === undefined ? undefined : view.dataCenterOf(primary);
}

/** The same members, those in our own data center first. */
export function nearestFirst(
  view: ClusterView,
  members: readonly MemberIndex[],
): readonly MemberIndex[] {
  return areNear(view, members) ? members : byDataCenter(view, members).flat();
}

/** Whether all of them stand in our own data center. */
export function areNear(view: ClusterView, members: readonly MemberIndex[]): boolean {
  const home = view.dataCenterOf(view.self);
  return members.every((member) => view.dataCenterOf(member) === home);
}

/** Those of our own data center, perhaps none; then those of each other one. */
export function byDataCenter(
  view: ClusterView,
  members: readonly MemberIndex[],
): readonly (readonly MemberIndex[])[] {
  const groups = new Map<string, MemberIndex[]>([[view.dataCenterOf(view.self), []]]);
  for (const member of members) {
    const name = view.dataCenterOf(member);
    const group = groups.get(name) ?? [];
    group.push(member);
    groups.set(name, group);
  }
  return [...groups.values()];
}
