import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import type { SimDirectory } from '../../sim/sim-directory.ts';
import { SimJobs } from '../../sim/sim-jobs.ts';
import { type ErrorCode, hasCode, KvorumError } from '../base/errors.ts';
import type { Slot } from '../base/ids.ts';
import type { Disk, DiskFile, Host } from '../host/host.ts';
import { diskError } from '../host/node-disk-file.ts';
import { runJob as compaction } from './compaction/compaction-job.ts';
import type { Change, Engine, EngineKey, Growth, SlotRange } from './engine.ts';
import { runJob as flush } from './flush-job.ts';
import { type EngineOptions, openEngine } from './open-engine.ts';
import {
  at,
  EVERYTHING,
  OWNER,
  put,
  TestServer as Server,
  scanAll,
  type TestServer,
} from './test-engine.ts';

/** A memtable for six writes: a life of 60 flushes ten times and compacts a few. */
const TINY: EngineOptions = {
  memtableBytesMax: 500,
  segmentBytesMax: 400,
  batchBytesTarget: 200,
  blockCacheBytes: 2_000,
  tableBytesTarget: 600,
  verifies: 'all',
};
const WRITES = 60;
const KEYS = 9;

/** Write n: most put or remove one of nine keys in three slots, a few drop two of the slots. */
type Made = Change | SlotRange;

function madeBy(n: number, before: readonly Made[]): Made {
  if (n % 20 === 17) return { ...EVERYTHING, fromSlot: 1 as Slot };
  const at = keyOf(n);
  const isRemoved = n % 4 === 3;
  const isThere = stateAfter(before).has(String(at.key));
  const growth = (Number(!isRemoved) - Number(isThere)) as Growth;
  if (isRemoved) return { ...at, kind: 'removal', growth };
  return { ...at, kind: 'put', value: Buffer.from(`${n} `.repeat(12)), growth };
}

function keyOf(n: number): EngineKey {
  return at(`key ${n % KEYS}`, (n % KEYS) % 3);
}

/** What is there after these writes: by key, its slot and value. */
type State = Map<string, { readonly slot: number; readonly value: string }>;

function stateAfter(writes: readonly Made[]): State {
  let state: State = new Map();
  for (const made of writes) {
    if ('fromSlot' in made) {
      state = new Map([...state].filter(([, { slot }]) => slot < made.fromSlot));
    } else if (made.kind === 'removal') {
      state.delete(String(made.key));
    } else {
      state.set(String(made.key), { slot: made.slot, value: String(made.value) });
    }
  }
  return state;
}

/** What a client of the engine knows: the writes that were taken, and how many were confirmed. */
class Trace {
  readonly taken: Made[] = [];
  confirmed = 0;
  readonly errors = new Set<ErrorCode>();
  engine: Engine | undefined;

  async live(host: Host): Promise<void> {
    const engine = await openEngine(host, OWNER, TINY);
    this.engine = engine;
    for (let n = 1; n <= WRITES; n++) {
      const written = this.#write(engine, n);
      if (n % 5 === 0) await written;
      if (n % 7 === 0) await this.#read(engine, n);
      if (n === 30) engine.snapshot().release();
    }
    await new Promise<void>((resolve) => host.clock.after(5, resolve));
    for (let n = 1; n <= KEYS; n++) await this.#read(engine, n);
    await engine.close(1);
  }

  /** Notes what went wrong, as it may where faults are injected. */
  async endure(host: Host): Promise<void> {
    await this.live(host).catch((error) => this.#noteError(error));
  }

  async #write(engine: Engine, n: number): Promise<void> {
    const made = madeBy(n, this.taken);
    try {
      const written = 'fromSlot' in made ? engine.drop(made) : engine.write([made]);
      equal(this.taken.push(made), written.sequence);
      await written.durable;
      this.confirmed = Math.max(this.confirmed, written.sequence);
    } catch (error) {
      this.#noteError(error);
    }
  }

  /** The right value or an explicit error. */
  async #read(engine: Engine, n: number): Promise<void> {
    const at = keyOf(n);
    try {
      const expected = stateAfter(this.taken).get(String(at.key))?.value;
      const found = await engine.get(at);
      equal(found?.value.toString(), expected, String(at.key));
    } catch (error) {
      this.#noteError(error);
    }
  }

  #noteError(error: unknown): void {
    if (!(error instanceof KvorumError)) throw error;
    this.errors.add(error.code);
  }

  /** Whatever happened: what was taken up to some point, and no less than what was confirmed. */
  async checkAfter(server: TestServer, where: string): Promise<void> {
    const engine = await server.restart(TINY);
    const durable = engine.durableSequence();
    ok(durable >= this.confirmed, `${durable} of ${this.confirmed} confirmed writes, ${where}`);
    const expected = stateAfter(this.taken.slice(0, durable));
    const entries = await server.settle(scanAll(engine));
    const found = entries.map(({ key, slot, value }) => [String(key), { slot, value: `${value}` }]);
    deepEqual(found.sort(), [...expected].sort(), where);
    for (const slot of [0, 1, 2] as Slot[]) {
      const inSlot = entries.filter((entry) => entry.slot === slot);
      equal(engine.countOf(EVERYTHING.keyspace, slot), inSlot.length, where);
    }
    for (let n = 1; n <= KEYS; n++) {
      const stored = await server.settle(Promise.resolve(engine.get(keyOf(n))));
      equal(stored?.value.toString(), expected.get(String(keyOf(n).key))?.value, where);
    }
    equal(engine.stats().damaged.length, 0, where);
    await server.world.runUntil(() => engine.stats().sealedMemtables === 0);
    await server.settle(engine.write([put('later', 'x')]).durable);
  }
}

test('a life without faults flushes and compacts', async () => {
  const server = new Server();
  const trace = new Trace();
  await server.settle(trace.live(server.machine.boot()));
  const { flushes, compactions } = (trace.engine as Engine).stats();
  ok(flushes >= 6 && compactions >= 1, `${flushes} flushes, ${compactions} compactions`);
  await trace.checkAfter(server, 'after a clean close');
});

for (const [seed, step] of [
  [1, 1],
  [2, 4],
  [3, 4],
] as const) {
  test(`a power cut at any event loses nothing, seed ${seed}, by ${step}`, async () => {
    let cuts = 0;
    for (let events = 1, isDone = false; !isDone; events += step) {
      const server = new Server(seed);
      const trace = new Trace();
      const living = trace.live(server.machine.boot()).then(() => {
        isDone = true;
      });
      await server.world.runUntil(() => isDone || server.world.eventCount() >= events);
      if (isDone) await living;
      await trace.checkAfter(server, `cut after event ${events}`);
      cuts += 1;
    }
    ok(cuts * step > 300, `${cuts} cuts`);
  });
}

const FAULTS = [
  { code: 'IO_ERROR', errno: 'EIO' },
  { code: 'DISK_FULL', errno: 'ENOSPC' },
] as const;

for (const { code, errno } of FAULTS) {
  test(`operation k fails with ${code}: right values or errors, nothing lost`, async () => {
    const errors = new Set<ErrorCode>();
    let operations = 0;
    for (let k = 1, isPast = false; !isPast; k++) {
      const server = new Server(k);
      const host = server.machine.boot();
      const faulty = new FaultyDisk(host.disk, server.machine.directory, k, errno);
      const jobs = new SimJobs(faulty, host.clock, { flush, compaction });
      const trace = new Trace();
      await server.settle(trace.endure({ ...host, disk: faulty, jobs }));
      for (const each of trace.errors) errors.add(each);
      isPast = faulty.operations < k;
      operations = faulty.operations;
      await trace.checkAfter(server, `operation ${k} failed`);
    }
    ok(operations > 100, `${operations} operations`);
    ok(errors.has(code), [...errors].join(' '));
  });
}

/** One operation fails, and no other. */
class FaultyDisk implements Disk {
  readonly #disk: Disk;
  readonly #directory: SimDirectory;
  readonly #failing: number;
  readonly #errno: string;
  operations = 0;

  constructor(disk: Disk, directory: SimDirectory, failing: number, errno: string) {
    this.#disk = disk;
    this.#directory = directory;
    this.#failing = failing;
    this.#errno = errno;
  }

  async create(name: string): Promise<DiskFile> {
    this.#count(name);
    return this.#faulty(await this.#disk.create(name));
  }

  async open(name: string): Promise<DiskFile> {
    this.#count(name);
    return this.#faulty(await this.#disk.open(name));
  }

  async list() {
    this.#count('list');
    return this.#disk.list();
  }

  async rename(from: string, to: string) {
    this.#count(from);
    return this.#disk.rename(from, to);
  }

  async remove(name: string) {
    this.#count(name);
    return this.#disk.remove(name);
  }

  async syncDirectory() {
    this.#count('directory');
    return this.#disk.syncDirectory();
  }

  async space() {
    this.#count('space');
    return this.#disk.space();
  }

  lock() {
    return this.#disk.lock();
  }

  #faulty(file: DiskFile): DiskFile {
    return {
      name: file.name,
      size: () => file.size(),
      append: async (bytes) => {
        if (!this.#strikes()) return file.append(bytes);
        // A short write: what was refused may be there in part.
        await file.append(bytes.subarray(0, bytes.length >> 1));
        throw this.#fault(file.name);
      },
      read: async (offset, length) => {
        this.#count(file.name);
        return file.read(offset, length);
      },
      readNow: (into, offset) => {
        this.#count(file.name);
        return file.readNow(into, offset);
      },
      sync: async () => {
        if (this.#strikes()) this.#directory.failNextSync(file.name);
        return file.sync();
      },
      writeThrough: async (bytes, offset) => {
        if (!this.#strikes()) return file.writeThrough(bytes, offset);
        await file.writeThrough(bytes.subarray(0, bytes.length >> 1), offset);
        throw this.#fault(file.name);
      },
      truncate: async (length) => {
        this.#count(file.name);
        return file.truncate(length);
      },
      close: () => file.close(),
    };
  }

  #count(name: string): void {
    if (this.#strikes()) throw this.#fault(name);
  }

  #strikes(): boolean {
    this.operations += 1;
    return this.operations === this.#failing;
  }

  #fault(name: string): KvorumError {
    return diskError(name, Object.assign(new Error('injected'), { code: this.#errno }));
  }
}

test('codes of injected faults are ours', () => {
  for (const { code, errno } of FAULTS) {
    ok(hasCode(diskError('a', Object.assign(new Error('x'), { code: errno })), code));
  }
});
