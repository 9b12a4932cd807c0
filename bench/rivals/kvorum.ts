// Our own engine, through its door, on the real host. It always syncs behind the writes; unsynced
// only means that the bench does not wait for it after each of them.

import { hasCode } from '../../src/base/errors.ts';
import type { ClusterId, KeyspaceNumber, NodeId, Slot } from '../../src/base/ids.ts';
import { nodeClock } from '../../src/host/node-clock.ts';
import { openNodeDisk } from '../../src/host/node-disk.ts';
import { nodeJobs } from '../../src/host/node-jobs.ts';
import { silentLog } from '../../src/host/node-log.ts';
import { nodeRandom } from '../../src/host/node-random.ts';
import { slotOf } from '../../src/ring/slot.ts';
import type { Engine, EngineKey, Put, ScanRange, Written } from '../../src/storage/engine.ts';
import { openEngine } from '../../src/storage/open-engine.ts';
import { STORAGE_JOBS } from '../../src/storage/storage-jobs.ts';
import { type MemoryFigures, type Rival, type Store, turn } from './rival.ts';

const KEYSPACE = 0 as KeyspaceNumber;
const OWNER = {
  clusterId: 'be'.repeat(16) as ClusterId,
  nodeId: 'be'.repeat(20) as NodeId,
};
const PAGE = { entriesMax: 1000, bytesMax: 1024 * 1024 };
/** What was written and is not yet on the disk stays below these: the writer waits for the log. */
const UNSYNCED_WRITES_MAX = 16_384;
const UNSYNCED_BYTES_MAX = 4 * 1024 * 1024;
/** As a client would: a refused write is tried again, and the time counts. */
const OVERLOADED_MS = 5;

export function kvorum(): Rival {
  return {
    name: 'kvorum',
    remark: 'it always syncs behind the writes, also where nobody waits for that',
    writesInFlight: UNSYNCED_WRITES_MAX,
    canSync: true,
    async open(directory, { cacheBytes, memtableBytes, isSynced }) {
      const jobs = nodeJobs({ directory, modules: STORAGE_JOBS });
      const disk = await openNodeDisk(directory);
      const host = { disk, jobs, clock: nodeClock(), log: silentLog, random: nodeRandom() };
      const budget = { blockCacheBytes: cacheBytes, memtableBytesMax: memtableBytes };
      const engine = await openEngine(host, OWNER, budget);
      const store = isSynced ? syncedStore(engine) : storeOf(engine);
      return { ...store, close: () => engine.close().then(() => jobs.close()) };
    },
  };
}

function storeOf(engine: Engine): Store {
  let last = 0;
  let unwaited = 0;
  let unwaitedBytes = 0;
  const write = (puts: readonly Put[]) => {
    const written = taken(engine, puts);
    if (written === undefined) return later(engine, puts).then((late) => late.durable);
    last = written.sequence;
    unwaited += puts.length;
    for (const { value } of puts) unwaitedBytes += value.length;
    if (unwaited < UNSYNCED_WRITES_MAX && unwaitedBytes < UNSYNCED_BYTES_MAX) return undefined;
    unwaited = 0;
    unwaitedBytes = 0;
    return written.durable;
  };
  return {
    put: (key, value) => write([putOf(key, value)]),
    putMany: (puts) => write(puts.map(({ key, value }) => putOf(key, value))),
    get(key) {
      const stored = engine.get(at(key));
      return stored instanceof Promise ? stored.then((it) => it?.value) : stored?.value;
    },
    scan: () => scan(engine),
    flush: () => engine.whenDurable(last),
    close: () => engine.close(),
    memory: () => memoryOf(engine),
  };
}

function memoryOf(engine: Engine): MemoryFigures {
  const { memoryBytes, memtableEntries, tableMemoryBytes, entries } = engine.stats();
  const tableEntries = entries - memtableEntries;
  return {
    memtableBytes: memoryBytes,
    memtableEntries,
    tableBytes: tableMemoryBytes,
    tableEntries,
  };
}

function syncedStore(engine: Engine): Store {
  const write = async (puts: readonly Put[]) => {
    const written = taken(engine, puts) ?? (await later(engine, puts));
    return written.durable;
  };
  return {
    ...storeOf(engine),
    put: (key, value) => write([putOf(key, value)]),
    putMany: (puts) => write(puts.map(({ key, value }) => putOf(key, value))),
  };
}

/** Undefined when the engine takes no writes because flushing cannot keep up. */
function taken(engine: Engine, puts: readonly Put[]): Written | undefined {
  try {
    return engine.write(puts);
  } catch (error) {
    if (hasCode(error, 'OVERLOADED')) return undefined;
    throw error;
  }
}

async function later(engine: Engine, puts: readonly Put[]): Promise<Written> {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, OVERLOADED_MS));
    const written = taken(engine, puts);
    if (written !== undefined) return written;
  }
}

function putOf(key: Buffer, value: Buffer): Put {
  return { kind: 'put', keyspace: KEYSPACE, slot: slotOf(key), key, value, growth: 1 };
}

function at(key: Buffer): EngineKey {
  return { keyspace: KEYSPACE, slot: slotOf(key), key };
}

async function scan(engine: Engine): Promise<number> {
  let count = 0;
  const everything = { keyspace: KEYSPACE, fromSlot: 0 as Slot, toSlot: 16_383 as Slot };
  for (let range: ScanRange | undefined = everything; range !== undefined; ) {
    const asked = engine.scan(range, PAGE);
    const page = asked instanceof Promise ? await asked : asked;
    count += page.entries.length;
    range = page.next;
    // A page may have come at once: others have their turn between two of them.
    await turn();
  }
  return count;
}
