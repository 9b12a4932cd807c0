import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import type { SimDirectory } from '../../sim/sim-directory.ts';
import { SimJobs } from '../../sim/sim-jobs.ts';
import { SimRandom } from '../../sim/sim-random.ts';
import { type ErrorCode, hasCode, KvorumError } from '../base/errors.ts';
import type { Slot } from '../base/ids.ts';
import type { Disk, DiskFile, Host } from '../host/host.ts';
import { diskError } from '../host/node-disk-file.ts';
import { runJob as compaction } from './compaction/compaction-job.ts';
import type { Change, Engine, EngineKey, Growth, SlotRange } from './engine.ts';
import { runJob as flush } from './flush-job.ts';
import { type EngineOptions, openEngine } from './open-engine.ts';
import { runJob as scrub } from './scrub/scrub-job.ts';
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
  scrubPeriodMs: 25,
  batchBytesTarget: 200,
  blockCacheBytes: 2_000,
  tableBytesTarget: 600,
  verifies: 'all',
};

/** Most writes put or remove one of some keys in three slots, a few drop two of the slots. */
type Made = Change | SlotRange;

/** What is written in a life of the engine. */
interface Script {
  readonly options: EngineOptions;
  readonly writes: number;
  /** The keys of the first so many writes are read one by one in the end. */
  readonly keys: number;
  /** Of write n. */
  keyOf(n: number): EngineKey;
  /** What write n puts there; undefined: it removes. */
  textOf(n: number): string | undefined;
}

const SMALL_VALUES: Script = {
  options: TINY,
  writes: 60,
  keys: 9,
  keyOf: (n) => at(`key ${n % 9}`, (n % 9) % 3),
  textOf: (n) => (n % 4 === 3 ? undefined : `${n} `.repeat(12)),
};

/** Three keys are written again and again; every fourth value stays, with garbage around it. */
const LARGE_VALUES: Script = {
  options: { ...TINY, memtableBytesMax: 2_000, largeValueBytes: 100 },
  writes: 36,
  keys: 8,
  keyOf: (n) => (n % 4 === 0 ? at(`stays ${n}`, 0) : at(`key ${n % 4}`, (n % 4) - 1)),
  textOf(n) {
    const bytes = n % 5 === 0 ? 20 : 200;
    return n === 21 ? undefined : new SimRandom(n).bytes(bytes).toString('hex');
  },
};

function madeBy({ keyOf, textOf }: Script, n: number, before: readonly Made[]): Made {
  if (n % 20 === 17) return { ...EVERYTHING, fromSlot: 1 as Slot };
  const at = keyOf(n);
  const text = textOf(n);
  const isThere = stateAfter(before).has(String(at.key));
  const growth = (Number(text !== undefined) - Number(isThere)) as Growth;
  if (text === undefined) return { ...at, kind: 'removal', growth };
  return { ...at, kind: 'put', value: Buffer.from(text), growth };
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
  readonly #script: Script;
  engine: Engine | undefined;

  constructor(script: Script) {
    this.#script = script;
  }

  async live(host: Host): Promise<void> {
    const { keys, options, writes } = this.#script;
    const engine = await openEngine(host, OWNER, options);
    this.engine = engine;
    for (let n = 1; n <= writes; n++) {
      const written = this.#write(engine, n);
      if (n % 5 === 0) await written;
      if (n % 7 === 0) await this.#read(engine, n);
      if (n === 30) engine.snapshot().release();
    }
    await new Promise<void>((resolve) => host.clock.after(5, resolve));
    for (let n = 1; n <= keys; n++) await this.#read(engine, n);
    await engine.close();
  }

  /** Notes what went wrong, as it may where faults are injected. */
  async endure(host: Host): Promise<void> {
    await this.live(host).catch((error) => this.#noteError(error));
  }

  async #write(engine: Engine, n: number): Promise<void> {
    const made = madeBy(this.#script, n, this.taken);
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
    const at = this.#script.keyOf(n);
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
    const { keyOf, keys, options } = this.#script;
    const engine = await server.restart(options);
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
    for (let n = 1; n <= keys; n++) {
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
  const trace = new Trace(SMALL_VALUES);
  await server.settle(trace.live(server.machine.boot()));
  const { flushes, compactions } = (trace.engine as Engine).stats();
  ok(flushes >= 6 && compactions >= 1, `${flushes} flushes, ${compactions} compactions`);
  await trace.checkAfter(server, 'after a clean close');
});

test('a life of large values moves them', async () => {
  const server = new Server();
  const trace = new Trace(LARGE_VALUES);
  await server.settle(trace.live(server.machine.boot()));
  ok((trace.engine as Engine).stats().valueBytesMoved > 0);
  await trace.checkAfter(server, 'after a clean close');
});

for (const [values, script, seed, step] of [
  ['small', SMALL_VALUES, 1, 1],
  ['small', SMALL_VALUES, 2, 4],
  ['small', SMALL_VALUES, 3, 4],
  ['large', LARGE_VALUES, 4, 2],
] as const) {
  test(`a power cut at any event loses no ${values} value, seed ${seed}, by ${step}`, async () => {
    let cuts = 0;
    for (let events = 1, isDone = false; !isDone; events += step) {
      const server = new Server(seed);
      const trace = new Trace(script);
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
  { values: 'small', script: SMALL_VALUES, code: 'IO_ERROR', errno: 'EIO' },
  { values: 'small', script: SMALL_VALUES, code: 'DISK_FULL', errno: 'ENOSPC' },
  { values: 'large', script: LARGE_VALUES, code: 'IO_ERROR', errno: 'EIO' },
] as const;

for (const { values, script, code, errno } of FAULTS) {
  test(`operation k fails with ${code}: ${values} values or errors, nothing lost`, async () => {
    const errors = new Set<ErrorCode>();
    let operations = 0;
    for (let k = 1, isPast = false; !isPast; k++) {
      const server = new Server(k);
      const host = server.machine.boot();
      const faulty = new FaultyDisk(host.disk, server.machine.directory, k, errno);
      const jobs = new SimJobs(faulty, host.clock, { flush, scrub, compaction });
      const trace = new Trace(script);
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
