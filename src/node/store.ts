// The narrow interface that the doors (Redis protocol, HTTP, command line) see of a node.
// Everything here is about the whole cluster unless it says "this node".

import type { Address, ClusterId, KeyspaceNumber, NodeId, Slot } from '../base/ids.ts';
import type { Later } from '../base/later.ts';
import type { MemberState } from '../membership/failure-detector.ts';
import { IDLE, type Load } from '../membership/heartbeat.ts';
import type { Gate } from '../replication/admission/admission.ts';
import type { Keyspace } from '../replication/keyspace.ts';
import type {
  GetOutcome,
  GetRequest,
  KeyPage,
  ListRequest,
  WriteOutcome,
  WriteRequest,
} from '../replication/request.ts';
import type { Explanation } from './explanation.ts';

export { decodeContext, encodeContext } from '../causality/context.ts';
export type { VersionVector } from '../causality/version-vector.ts';
export { MEMBER_STATES } from '../membership/failure-detector.ts';
export type { Gate } from '../replication/admission/admission.ts';
export type { SyncState } from '../replication/anti-entropy/anti-entropy.ts';
export { type Keyspace, keyspaceCalled } from '../replication/keyspace.ts';
export {
  type ConsistencyLevel,
  LEVEL_NAMES,
  type LevelName,
  levelIn,
  levelRule,
} from '../replication/levels/consistency-level.ts';
export type {
  Change,
  Condition,
  GetOutcome,
  GetRequest,
  KeyPage,
  KeyPosition,
  ListRequest,
  LiveValue,
  MergeReport,
  NoAnswer,
  PutExpiry,
  Receipt,
  WriteOk,
  WriteOutcome,
  WriteReceipt,
  WriteRequest,
} from '../replication/request.ts';
export type { Explanation } from './explanation.ts';
export type { Healing, NamedRepair } from './healing.ts';

export interface Store {
  readonly keyspaces: readonly Keyspace[];
  /** Whether get() and write() should be called now. */
  readonly gate: Gate;
  /** At once when what it takes is in memory. Throws or rejects as Coordinator.get does. */
  get(request: GetRequest): Later<GetOutcome>;
  /** Throws or rejects as Coordinator.write does. */
  write(request: WriteRequest): Later<WriteOutcome>;
  /** Keys that live, in the order of slots; see KeyPage. */
  listKeys(request: ListRequest): Promise<KeyPage>;
  /**
   * Keys that live, expired ones included that nobody has written to since. Each slot is counted
   * by its first live primary, which may have missed keys while it was away. Throws NO_ANSWER.
   */
  countKeys(keyspace: KeyspaceNumber): Promise<number>;
  /**
   * Empties the keyspace, at a cost that its keys do not change. Whether all that had been written
   * before is gone from all nodes, durably; false when a node is away, or did not answer: then some
   * of it may be, and deleting key by key is left.
   */
  flush(keyspace: KeyspaceNumber): Promise<boolean>;
  /** What countKeys counts, in one slot, as this node has it. */
  countKeysInSlot(keyspace: KeyspaceNumber, slot: Slot): number;
  /** What each replica of the key has, and what a read makes of it. Throws BAD_OPTION. */
  explain(keyspace: KeyspaceNumber, key: Buffer): Promise<Explanation>;
  /** Where a request for this slot is best sent now, and whether this node can coordinate it. */
  route(keyspace: KeyspaceNumber, slot: Slot): Route;
  /** Whether this node coordinates requests for the slot itself. */
  isPrimary(keyspace: KeyspaceNumber, slot: Slot): boolean;
  status(): ClusterStatus;
  /** What people call it; the id itself of a node that is no member. */
  nodeName(id: NodeId): string;
  /** The data center that it stands in; empty of a node that is no member. */
  nodeDataCenter(id: NodeId): string;
  /** Milliseconds since 1970, as this node's clock says: what expiry is measured against. */
  wallMs(): number;
}

export interface Route {
  /** The first node of the preference list that seems alive, in our data center if one does. */
  readonly target: MemberStatus;
  /** Whether this node is on the preference list itself. */
  readonly isLocal: boolean;
}

export interface ClusterStatus {
  readonly clusterId: ClusterId;
  readonly epoch: number;
  readonly self: NodeId;
  readonly members: readonly MemberStatus[];
  /** Whole ring as runs of slots and the node that clients should ask for them now. */
  readonly owners: readonly OwnedRange[];
  /** Whether every slot has a primary alive. */
  readonly isServing: boolean;
}

export interface MemberStatus {
  readonly id: NodeId;
  readonly name: string;
  readonly host: string;
  readonly rack: string;
  readonly dataCenter: string;
  readonly capacity: number;
  readonly clientAddress: Address;
  readonly httpAddress: Address;
  readonly peerAddress: Address;
  /** Whether it is asked: `alive` or `suspect`. */
  readonly isAlive: boolean;
  readonly health: MemberHealth;
  /** Slots whose first token is this node's, alive or not. */
  readonly slots: number;
}

/** What this node thinks of a member, and what the member says of itself. */
export interface MemberHealth {
  readonly state: MemberState;
  /** Suspicion: -log10 of the chance that it is alive all the same; from 8 on it counts as down. */
  readonly phi: number;
  /** Milliseconds since its last sign of life; undefined: none since this node started. */
  readonly silentMs: number | undefined;
  /** How long it usually takes to answer gossip, in milliseconds; undefined: it never has. */
  readonly answerMs: number | undefined;
  /** Answers take too long, or are not given in time. */
  readonly isSlow: boolean;
  /** It takes no writes for want of space. */
  readonly isDiskFull: boolean;
  /** Of the newest topology that it knows; 0: nothing was heard of it. */
  readonly epoch: number;
  readonly load: Load;
}

/** Of the node itself. */
export const HEALTHY: MemberHealth = {
  state: 'alive',
  phi: 0,
  silentMs: 0,
  answerMs: undefined,
  isSlow: false,
  isDiskFull: false,
  epoch: 0,
  load: IDLE,
};

export interface OwnedRange {
  readonly from: Slot;
  /** Inclusive. */
  readonly to: Slot;
  readonly owner: NodeId;
}
