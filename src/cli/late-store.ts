// The store of a node that is still opening its data directory: the Redis door listens before the
// node is there. Commands that touch data or show the ring are answered LOADING by the door itself;
// what others ask (INFO) they ask of an empty cluster, until the node takes over.

import { KvorumError } from '../base/errors.ts';
import type { KeyspaceNumber, NodeId, Slot } from '../base/ids.ts';
import type { Node } from '../node/node.ts';
import {
  type ClusterStatus,
  type Gate,
  type GetRequest,
  HEALTHY,
  type ListRequest,
  type MemberStatus,
  type Store,
  type WriteRequest,
} from '../node/store.ts';
import type { Topology } from '../node/topology.ts';

/** Of a node that answers nothing but LOADING. */
const OPEN_GATE: Gate = {
  isFull: () => false,
  refusal: () => undefined,
  whenFree: () => undefined,
};

export class LateStore implements Store {
  readonly #topology: Topology;
  readonly #self: MemberStatus;
  readonly #wallMs: () => number;
  /** Set once, when the node is open. */
  node: Node | undefined;

  constructor(topology: Topology, self: Topology['members'][number], wallMs: () => number) {
    this.#topology = topology;
    this.#self = { ...self, isAlive: true, health: HEALTHY, slots: 0 };
    this.#wallMs = wallMs;
  }

  get keyspaces(): Store['keyspaces'] {
    return this.node?.keyspaces ?? this.#topology.keyspaces;
  }

  get gate(): Gate {
    return this.node?.gate ?? OPEN_GATE;
  }

  get(request: GetRequest) {
    return this.#opened().get(request);
  }

  write(request: WriteRequest) {
    return this.#opened().write(request);
  }

  async listKeys(request: ListRequest) {
    return this.#opened().listKeys(request);
  }

  async countKeys(keyspace: KeyspaceNumber) {
    return this.#opened().countKeys(keyspace);
  }

  async flush(keyspace: KeyspaceNumber) {
    return this.#opened().flush(keyspace);
  }

  async explain(keyspace: KeyspaceNumber, key: Buffer) {
    return this.#opened().explain(keyspace, key);
  }

  countKeysInSlot(keyspace: KeyspaceNumber, slot: Slot): number {
    return this.node?.countKeysInSlot(keyspace, slot) ?? 0;
  }

  isPrimary(keyspace: KeyspaceNumber, slot: Slot) {
    return this.node?.isPrimary(keyspace, slot) ?? false;
  }

  route(keyspace: KeyspaceNumber, slot: Slot) {
    return this.#opened().route(keyspace, slot);
  }

  status(): ClusterStatus {
    if (this.node !== undefined) return this.node.status();
    const { clusterId, epoch } = this.#topology;
    const nobody = { members: [this.#self], owners: [], isServing: false };
    return { clusterId, epoch, self: this.#self.id, ...nobody };
  }

  nodeName(id: NodeId): string {
    return this.node?.nodeName(id) ?? id;
  }

  nodeDataCenter(id: NodeId): string {
    return this.node?.nodeDataCenter(id) ?? '';
  }

  wallMs(): number {
    return this.#wallMs();
  }

  #opened(): Node {
    if (this.node !== undefined) return this.node;
    throw new KvorumError('UNREACHABLE', 'this node is starting', 'Ask again in a second.');
  }
}
