// A cluster of real nodes on a simulated world: boots them, crashes them, and reads what their
// disks hold in the end. Between the node and its host a saboteur may stand: that is how the
// canaries break a replica without a switch in the product.

import { createHash } from 'node:crypto';
import { messageOf } from '../src/base/errors.ts';
import type { Address, ClusterId, KeyspaceNumber, NodeId, Slot } from '../src/base/ids.ts';
import { SLOT_COUNT } from '../src/base/ids.ts';
import { decodeObject } from '../src/causality/object-format.ts';
import type { StoredObject } from '../src/causality/siblings.ts';
import type { Host } from '../src/host/host.ts';

import { GOSSIP_PRESETS } from '../src/membership/gossip-preset.ts';
import { ClusterMap } from '../src/node/cluster-map.ts';
import { type Node, startNode } from '../src/node/node.ts';
import { type ClusterMember, PlacedTopology } from '../src/node/topology.ts';
import { DEFAULT_KEYSPACE, type Keyspace, SIBLINGS_KEYSPACE } from '../src/replication/keyspace.ts';
import type { SlotAt } from '../src/replication/messages.ts';
import { loadReaping } from '../src/replication/reaping/load-reaping.ts';
import { slotOf } from '../src/ring/slot.ts';
import type { ScanPage, ScanRange } from '../src/storage/engine.ts';
import { type EngineOptions, openEngine } from '../src/storage/open-engine.ts';
import type { SimWorld } from './sim-host.ts';

export const LATEST = DEFAULT_KEYSPACE.number;
export const SIBLINGS = SIBLINGS_KEYSPACE.number;

const KEYSPACES: readonly Keyspace[] = [DEFAULT_KEYSPACE, SIBLINGS_KEYSPACE];

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
}

export class SimCluster {
  readonly names: readonly string[];
  readonly #world: SimWorld;
  readonly #topology: PlacedTopology;
  readonly #saboteur: Saboteur;
  readonly #storage: EngineOptions;
  readonly #antiEntropyMs: number;
  readonly #nodes = new Map<string, Node>();

  constructor(world: SimWorld, size: number, options: ClusterOptions = {}) {
    this.#world = world;
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
    const { slot } = this.#slotAt(name);
    const primaries = topology.primaries(topology.keyspace(LATEST), slot);
    return primaries.map((member) => topology.members[member]?.name as string);
  }

  #slotAt(name: string): SlotAt {
    const [keyspace, key] = name.split('/') as [string, string];
    return { keyspace: Number(keyspace) as KeyspaceNumber, slot: slotOf(Buffer.from(key)) };
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
    this.#nodes.delete(name);
    this.#world.node(name).crash();
  }

  /** An orderly stop; whether it was one (the disk may refuse). */
  async stop(name: string): Promise<boolean> {
    const node = this.#nodes.get(name);
    this.#nodes.delete(name);
    try {
      await node?.close();
      return true;
    } catch {
      return false;
    } finally {
      this.#world.node(name).crash();
    }
  }

  /** Whether its disk failed under it, so that an operator would restart it. */
  isPoisoned(name: string): boolean {
    return this.#nodes.get(name)?.metrics().engine.state === 'poisoned';
  }

  async closeAll(): Promise<void> {
    for (const name of [...this.#nodes.keys()]) await this.stop(name);
  }

  /**
   * What stands on the disk of a node that is down: `keyspace/key` → object; what a `keyspace/key`
   * is that is not there; and how many keys its engine says live there: `keyspace/slot` → number.
   */
  async contents(name: string) {
    const machine = this.#world.node(name);
    const owner = { clusterId: CLUSTER_ID, nodeId: nodeId(name) };
    const host = machine.boot();
    const engine = await openEngine(host, owner, this.#storage);
    const { clock, random } = host;
    const place = { topology: this.#topology, self: nodeId(name), preset: GOSSIP_PRESETS.lan };
    const view = new ClusterMap({ ...place, clock, random });
    const { keyspaces } = this.#topology;
    const { floors } = await loadReaping({ engine, clock, view, keyspaces });
    const objects = new Map<string, StoredObject>();
    const counts = new Map<string, number>();
    for (const { number } of this.#topology.keyspaces) {
      let range: ScanRange | undefined = {
        keyspace: number,
        fromSlot: 0 as Slot,
        toSlot: (SLOT_COUNT - 1) as Slot,
      };
      while (range !== undefined) {
        const page: ScanPage = await engine.scan(range, { entriesMax: 1_000, bytesMax: 1 << 20 });
        for (const entry of page.entries) {
          objects.set(`${number}/${entry.key}`, decodeObject(entry.value));
        }
        range = page.next;
      }
      for (let slot = 0; slot < SLOT_COUNT; slot++) {
        const count = engine.countOf(number, slot as Slot);
        if (count !== 0) counts.set(`${number}/${slot}`, count);
      }
    }
    machine.crash();
    const absent = (name: string) => floors.objectAt(this.#slotAt(name));
    return { objects, absent, counts };
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
