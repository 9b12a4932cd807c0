// What the tests of this folder share: an engine on a simulated machine whose power can be cut and
// whose bytes can be spoiled.

import { SimWorld } from '../../sim/sim-host.ts';
import type { SimMachine } from '../../sim/sim-machine.ts';
import type { ClusterId, KeyspaceNumber, NodeId, Slot } from '../base/ids.ts';
import type {
  Engine,
  EngineKey,
  Entry,
  Growth,
  Put,
  Reader,
  Removal,
  ScanRange,
  Stored,
} from './engine.ts';
import { type EngineOptions, openEngine } from './open-engine.ts';

export const OWNER = {
  clusterId: 'c1'.repeat(16) as ClusterId,
  nodeId: 'a0'.repeat(20) as NodeId,
};

export class TestServer {
  readonly world: SimWorld;
  readonly machine: SimMachine;

  constructor(seed = 1) {
    this.world = new SimWorld(seed);
    this.machine = this.world.node('n1');
  }

  /** Opens the engine after a power cut, or for the first time. */
  restart(options: EngineOptions = {}, owner = OWNER): Promise<Engine> {
    this.machine.crash();
    return this.settle(openEngine(this.machine.boot(), owner, options));
  }

  settle<T>(promise: Promise<T>): Promise<T> {
    return this.world.settle(promise);
  }

  /** Writes batches of one put each, all of them durable when it resolves. */
  async fill(engine: Engine, keys: readonly string[]): Promise<void> {
    for (const key of keys) await this.settle(engine.write([put(key, `value of ${key}`)]).durable);
  }

  bytesOf(name: string): Buffer {
    const bytes = this.machine.directory.bytesOf(name);
    if (bytes === undefined) throw new Error(`no file ${name}`);
    return bytes;
  }

  /** Replaces a file behind the engine's back, durably. */
  async replace(name: string, bytes: Buffer): Promise<void> {
    this.machine.crash();
    const { disk } = this.machine.boot();
    await this.settle(this.#replace(disk, name, bytes));
    this.machine.crash();
  }

  /** Removes a file behind the engine's back, durably. */
  async remove(name: string): Promise<void> {
    this.machine.crash();
    const { disk } = this.machine.boot();
    await this.settle(disk.remove(name).then(() => disk.syncDirectory()));
    this.machine.crash();
  }

  async #replace(
    disk: ReturnType<SimMachine['boot']>['disk'],
    name: string,
    bytes: Buffer,
  ): Promise<void> {
    const file = await disk.create('spoiled');
    await file.append(bytes);
    await file.sync();
    await file.close();
    await disk.rename('spoiled', name);
    await disk.syncDirectory();
  }
}

export function at(key: string, slot = 7, keyspace = 0): EngineKey {
  const place = { keyspace: keyspace as KeyspaceNumber, slot: slot as Slot };
  return { ...place, key: Buffer.from(key, 'latin1') };
}

export function put(key: string, value: string, slot = 7, growth: Growth = 0): Put {
  return { ...at(key, slot), kind: 'put', value: Buffer.from(value, 'latin1'), growth };
}

export function removal(key: string, slot = 7, growth: Growth = 0): Removal {
  return { ...at(key, slot), kind: 'removal', growth };
}

export const EVERYTHING: ScanRange = {
  keyspace: 0 as KeyspaceNumber,
  fromSlot: 0 as Slot,
  toSlot: 16_383 as Slot,
};

export async function textAt(reader: Reader, key: string, slot = 7): Promise<string | undefined> {
  const stored: Stored | undefined = await reader.get(at(key, slot));
  return stored?.value.toString('latin1');
}

export async function scanAll(reader: Reader, entriesMax = 1000): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let range: ScanRange | undefined = EVERYTHING; range !== undefined; ) {
    const page = await reader.scan(range, { entriesMax, bytesMax: 1e9 });
    entries.push(...page.entries);
    range = page.next;
  }
  return entries;
}
