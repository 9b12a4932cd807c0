// Our own engine, through its door, on the real host. It always syncs behind the writes; unsynced
// only means that the bench does not wait for it after each of them.

import { randomBytes } from 'node:crypto';
import type { ClusterId, KeyspaceNumber, NodeId, Slot } from '../../src/base/ids.ts';
import { nodeClock } from '../../src/host/node-clock.ts';
import { openNodeDisk } from '../../src/host/node-disk.ts';
import { nodeJobs } from '../../src/host/node-jobs.ts';
import { silentLog } from '../../src/host/node-log.ts';
import { nodeRandom } from '../../src/host/node-random.ts';
import { slotOf } from '../../src/ring/slot.ts';
import { STORAGE_JOBS } from '../../src/storage/compaction/storage-jobs.ts';
import type { Engine, EngineKey, ScanRange } from '../../src/storage/engine.ts';
import { openEngine } from '../../src/storage/open-engine.ts';
import type { Rival, Store } from './rival.ts';

const KEYSPACE = 0 as KeyspaceNumber;
const OWNER = {
  clusterId: 'be'.repeat(16) as ClusterId,
  nodeId: randomBytes(20).toString('hex') as NodeId,
};
const PAGE = { entriesMax: 1000, bytesMax: 1024 * 1024 };
/** What was written and is not yet on the disk stays below this: the writer waits for the log. */
const UNSYNCED_WRITES_MAX = 16_384;

export function kvorum(): Rival {
  return {
    name: 'kvorum',
    remark: '',
    writesInFlight: UNSYNCED_WRITES_MAX,
    canSync: true,
    async open(directory, { isSynced }) {
      const jobs = nodeJobs({ directory, modules: STORAGE_JOBS });
      const disk = await openNodeDisk(directory);
      const host = { disk, jobs, clock: nodeClock(), log: silentLog, random: nodeRandom() };
      const engine = await openEngine(host, OWNER);
      const store = isSynced ? syncedStore(engine) : storeOf(engine);
      return { ...store, close: () => engine.close(0).then(() => jobs.close()) };
    },
  };
}

function storeOf(engine: Engine): Store {
  let last = 0;
  let unwaited = 0;
  const wrote = (sequence: number, writes: number) => {
    last = sequence;
    unwaited += writes;
    if (unwaited < UNSYNCED_WRITES_MAX) return undefined;
    unwaited = 0;
    return engine.whenDurable(last);
  };
  return {
    put(key, value) {
      const written = engine.write([{ ...at(key), value }]);
      return wrote(written.sequence, 1);
    },
    putMany(puts) {
      const written = engine.write(puts.map(({ key, value }) => ({ ...at(key), value })));
      return wrote(written.sequence, puts.length);
    },
    get(key) {
      const stored = engine.get(at(key));
      return stored instanceof Promise ? stored.then((it) => it?.value) : stored?.value;
    },
    scan: () => scan(engine),
    flush: () => engine.whenDurable(last),
    close: () => engine.close(0),
  };
}

function syncedStore(engine: Engine): Store {
  return {
    ...storeOf(engine),
    put: (key, value) => engine.write([{ ...at(key), value }]).durable,
    putMany: (puts) => engine.write(puts.map(({ key, value }) => ({ ...at(key), value }))).durable,
  };
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
  }
  return count;
}
