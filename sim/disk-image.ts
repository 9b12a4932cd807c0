// What stands on the disk of one node, read as the node itself would read it when it starts there:
// through its engine, and with what its floors say of keys that are absent.

import type { ClusterId, KeyspaceNumber, NodeId, Slot } from '../src/base/ids.ts';
import { SLOT_COUNT } from '../src/base/ids.ts';
import type { Dot } from '../src/causality/dot.ts';
import { decodeObject } from '../src/causality/object-format.ts';
import type { StoredObject } from '../src/causality/siblings.ts';
import { covers } from '../src/causality/version-vector.ts';
import type { Host } from '../src/host/host.ts';
import { GOSSIP_PRESETS } from '../src/membership/gossip-preset.ts';
import { ClusterMap } from '../src/node/cluster-map.ts';
import type { PlacedTopology } from '../src/node/topology.ts';
import { HintBook } from '../src/replication/hints/hint-book.ts';
import { loadReaping } from '../src/replication/reaping/load-reaping.ts';
import { slotOf } from '../src/ring/slot.ts';
import type { Engine, ScanPage, ScanRange } from '../src/storage/engine.ts';
import { type EngineOptions, openEngine } from '../src/storage/open-engine.ts';

/** Keys are named `keyspace/key`. */
export interface DiskImage {
  readonly objects: ReadonlyMap<string, StoredObject>;
  /** What a key is here that is not there. */
  readonly absent: (name: string) => StoredObject;
  /** `keyspace/slot` → how many keys its engine says live there; none: 0. */
  readonly counts: ReadonlyMap<string, number>;
  /** The keys that are kept here for somebody else. */
  readonly hinted: ReadonlySet<string>;
}

export interface DiskOwner {
  readonly clusterId: ClusterId;
  readonly nodeId: NodeId;
  readonly topology: PlacedTopology;
  readonly storage: EngineOptions;
}

/** Rejects as openEngine() and Engine.scan() do. */
export async function readImage(host: Host, owner: DiskOwner): Promise<DiskImage> {
  const { topology, storage, nodeId: self } = owner;
  const engine = await openEngine(host, owner, storage);
  const { clock, random } = host;
  const view = new ClusterMap({ topology, self, preset: GOSSIP_PRESETS.lan, clock, random });
  const { keyspaces } = topology;
  const { floors } = await loadReaping({ engine, clock, view, keyspaces });
  const objects = new Map<string, StoredObject>();
  const counts = new Map<string, number>();
  for (const { number } of keyspaces) {
    await readObjects(engine, number, objects);
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      const count = engine.countOf(number, slot as Slot);
      if (count !== 0) counts.set(`${number}/${slot}`, count);
    }
  }
  const hinted = new Set<string>();
  for await (const { at } of new HintBook(engine, clock).all()) {
    hinted.add(`${at.keyspace}/${at.key}`);
  }
  const absent = (name: string) => floors.objectAt(slotAtOf(name));
  return { objects, absent, counts, hinted };
}

async function readObjects(
  engine: Engine,
  keyspace: KeyspaceNumber,
  objects: Map<string, StoredObject>,
): Promise<void> {
  const slots = { fromSlot: 0 as Slot, toSlot: (SLOT_COUNT - 1) as Slot };
  let range: ScanRange | undefined = { keyspace, ...slots };
  while (range !== undefined) {
    const page: ScanPage = await engine.scan(range, { entriesMax: 1_000, bytesMax: 1 << 20 });
    for (const entry of page.entries) {
      objects.set(`${keyspace}/${entry.key}`, decodeObject(entry.value));
    }
    range = page.next;
  }
}

/** What a key is on that disk, there or not. */
export function objectOn({ objects, absent }: DiskImage, name: string): StoredObject {
  return objects.get(name) ?? absent(name);
}

/** Whether the disk has the write, or knows that it is obsolete. */
export function knows(image: DiskImage, name: string, dot: Dot): boolean {
  return covers(objectOn(image, name).context, dot);
}

export function slotAtOf(name: string) {
  const [keyspace, key] = name.split('/') as [string, string];
  return { keyspace: Number(keyspace) as KeyspaceNumber, slot: slotOf(Buffer.from(key)) };
}
