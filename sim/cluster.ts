// A cluster of real nodes on a simulated world: boots them, crashes them, and reads what their
// disks hold in the end. Between the node and its host a saboteur may stand: that is how the
// canaries break a replica without a switch in the product.

import { createHash } from 'node:crypto';
import { messageOf } from '../src/base/errors.ts';
import type { Address, ClusterId, NodeId } from '../src/base/ids.ts';
import { type Dot, nodeNumberOf } from '../src/causality/dot.ts';
import type { Host } from '../src/host/host.ts';
import { type Node, startNode } from '../src/node/node.ts';
import {
  type ClusterMember,
  nodeNumberOf as numberOf,
  PlacedTopology,
} from '../src/node/topology.ts';
import type { HintLimits } from '../src/replication/hints/hint-book.ts';
import { DEFAULT_KEYSPACE, type Keyspace, SIBLINGS_KEYSPACE } from '../src/replication/keyspace.ts';
import type { EngineOptions } from '../src/storage/open-engine.ts';
import { type DiskImage, type DiskOwner, readImage, slotAtOf } from './disk-image.ts';
import type { SimWorld } from './sim-host.ts';

export const LATEST = DEFAULT_KEYSPACE.number;
export const SIBLINGS = SIBLINGS_KEYSPACE.number;

export const KEYSPACES: readonly Keyspace[] = [DEFAULT_KEYSPACE, SIBLINGS_KEYSPACE];

const CLUSTER_ID = 'c0ffee'.padEnd(32, '0') as ClusterId;
const REQUEST_MS = 1_000;
/** So short that slots are reaped while clients write to them. */
const REAP_REST_MS = 200;
const ANTI_ENTROPY_MS = 700;
/** So small that runs of a few hundred writes flush and compact all the time. */
const TINY_STORAGE: EngineOptions = {
  memtableBytesMax: 1_024,
  segmentBytesMax: 4_096,
  blockCacheBytes: 4_096,
  tableBytesTarget: 2_048,
  // A third of the objects of the clients.
  largeValueBytes: 30,
  verifies: 'all',
  reserve: { kind: 'bytes', bytes: 100 },
  scrubPeriodMs: 2_000,
};

/** In the name of a machine: it reads the copy of a disk, and is no node. */
export const COPY_MARK = '~';

export type Saboteur = (host: Host, name: string) => Host;

export interface ClusterOptions {
  readonly saboteur?: Saboteur;
  readonly storage?: EngineOptions;
  /** Milliseconds between two comparisons of replicas; rather often. */
  readonly antiEntropyMs?: number;
  /** Instead of the two that come with every node. */
  readonly keyspaces?: readonly Keyspace[];
  /** Of each node, in the order of their names; all in one without it. */
  readonly dataCenters?: readonly string[];
  readonly hintLimits?: HintLimits;
  /** Told of each node when a life of it ends. */
  readonly onEnd?: (node: Node, name: string) => void;
}

export class SimCluster {
  readonly names: readonly string[];
  readonly #world: SimWorld;
  readonly #topology: PlacedTopology;
  readonly #saboteur: Saboteur;
  readonly #storage: EngineOptions;
  readonly #antiEntropyMs: number;
  readonly #options: ClusterOptions;
  readonly #nodes = new Map<string, Node>();
  #copies = 0;

  constructor(world: SimWorld, size: number, options: ClusterOptions = {}) {
    this.#world = world;
    this.#options = options;
    this.#saboteur = options.saboteur ?? ((host) => host);
    this.#storage = options.storage ?? TINY_STORAGE;
    this.#antiEntropyMs = options.antiEntropyMs ?? ANTI_ENTROPY_MS;
    this.names = Array.from({ length: size }, (_, index) => `n${index + 1}`);
    const members = this.names.map((name, index) => member(name, options.dataCenters?.[index]));
    const keyspaces = options.keyspaces ?? KEYSPACES;
    const stated = { clusterId: CLUSTER_ID, epoch: 1, members, keyspaces };
    this.#topology = new PlacedTopology(stated);
  }

  /** The nodes that must hold `keyspace/key` in the end. */
  holders(name: string): string[] {
    const topology = this.#topology;
    const { slot } = slotAtOf(name);
    const primaries = topology.primaries(topology.keyspace(LATEST), slot);
    return primaries.map((member) => topology.members[member]?.name as string);
  }

  /** Whether there is a slot of which both are primaries. */
  shareSlots(...names: readonly string[]): boolean {
    const { members, keyspaces } = this.#topology;
    const places = names.map((name) => members.findIndex((each) => each.name === name));
    const isShared = (primaries: readonly number[]) =>
      places.every((each) => primaries.includes(each));
    return keyspaces.some((keyspace) => {
      return this.#topology.preferenceLists(keyspace).some(({ primaries }) => isShared(primaries));
    });
  }

  nameOf(id: NodeId): string {
    return this.names.find((name) => nodeId(name) === id) as string;
  }

  /** The name of the node that named the write. */
  writerOf({ actor }: Dot): string {
    return this.names.find((name) => numberOf(nodeId(name)) === nodeNumberOf(actor)) as string;
  }

  /** The running node of that name; undefined while it is down or starting. */
  node(name: string): Node | undefined {
    return this.#nodes.get(name);
  }

  /** Nodes that a client could talk to. */
  running(): Node[] {
    return this.names.flatMap((name) => this.#nodes.get(name) ?? []);
  }

  /** Boots the machine and starts its node; whether it came up (its disk may refuse). */
  async start(name: string): Promise<boolean> {
    const machine = this.#world.node(name);
    const host = this.#saboteur(machine.boot(), name);
    const options = {
      topology: this.#topology,
      self: nodeId(name),
      requestMs: REQUEST_MS,
      antiEntropyMs: this.#antiEntropyMs,
      storage: this.#storage,
      reapRestMs: REAP_REST_MS,
      hintLimits: this.#options.hintLimits,
    };
    try {
      this.#nodes.set(name, await startNode(host, options));
      return true;
    } catch (error) {
      host.log.error('start failed', { why: messageOf(error) });
      machine.crash();
      return false;
    }
  }

  crash(name: string): void {
    this.#end(name);
    this.#world.node(name).crash();
  }

  /** An orderly stop; whether it was one (the disk may refuse). */
  async stop(name: string): Promise<boolean> {
    const node = this.#end(name);
    try {
      await node?.close();
      return true;
    } catch {
      return false;
    } finally {
      this.#world.node(name).crash();
    }
  }

  /** The node that nobody can talk to any more. */
  #end(name: string): Node | undefined {
    const node = this.#nodes.get(name);
    this.#nodes.delete(name);
    if (node !== undefined) this.#options.onEnd?.(node, name);
    return node;
  }

  /** Whether the node of that name, which is up, would ask the other. */
  believesIn(name: string, other: string): boolean {
    const state = this.#nodes.get(name)?.metrics().health.get(other)?.state;
    return state === 'alive' || state === 'suspect';
  }

  /** Undefined while it is down. */
  slotsRefilling(name: string): number | undefined {
    return this.#nodes.get(name)?.metrics().slotsRefilling;
  }

  /** Whether its disk failed under it, so that an operator would restart it. */
  isPoisoned(name: string): boolean {
    return this.#nodes.get(name)?.metrics().engine.state === 'poisoned';
  }

  async closeAll(): Promise<void> {
    for (const name of [...this.#nodes.keys()]) await this.stop(name);
  }

  /** What stands on the disk of a node that is down. */
  async contents(name: string): Promise<DiskImage> {
    const machine = this.#world.node(name);
    const image = await readImage(machine.boot(), this.#ownerOf(name));
    machine.crash();
    return image;
  }

  /** What would stand on the disk of a node if the power were cut now, and nothing else. */
  async durableContents(name: string): Promise<DiskImage> {
    const backup = this.#world.node(name).directory.backup();
    this.#copies += 1;
    const machine = this.#world.node(`${name}${COPY_MARK}${this.#copies}`);
    machine.directory.restore(backup);
    const image = await readImage(machine.boot(), this.#ownerOf(name));
    machine.crash();
    return image;
  }

  #ownerOf(name: string): DiskOwner {
    const [topology, storage] = [this.#topology, this.#storage];
    return { clusterId: CLUSTER_ID, nodeId: nodeId(name), topology, storage };
  }
}

function nodeId(name: string): NodeId {
  return createHash('sha1').update(name).digest('hex') as NodeId;
}

function member(name: string, dataCenter = 'dc1'): ClusterMember {
  return {
    id: nodeId(name),
    name,
    host: name,
    rack: 'r1',
    dataCenter,
    capacity: 1,
    clientAddress: `${name}:7000` as Address,
    httpAddress: `${name}:8000` as Address,
    peerAddress: `${name}:9000` as Address,
  };
}
