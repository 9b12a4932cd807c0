import { equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import type { SimDirectory } from '../../sim/sim-directory.ts';
import { SimJobs } from '../../sim/sim-jobs.ts';
import { type ErrorCode, hasCode, KvorumError } from '../base/errors.ts';
import type { Slot } from '../base/ids.ts';
import type { Disk, DiskFile, Host } from '../host/host.ts';
import { diskError } from '../host/node-disk-file.ts';
import { runJob as compaction } from './compaction/compaction-job.ts';
import type { Change, Engine, Growth } from './engine.ts';
import { type EngineOptions, openEngine } from './open-engine.ts';
import {
  at,
  EVERYTHING,
  OWNER,
  put,
  removal,
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
const SLOT = 7 as Slot;

/** What is written in a life of the engine. */
interface Script {
  readonly options: EngineOptions;
  readonly writes: number;
  /** Of write n. */
  keyOf(n: number): string;
  /** What write n leaves under its key: nothing, if it is one of the removals. */
  textOf(n: number): string | undefined;
}

const SMALL_VALUES: Script = {
  options: TINY,
  writes: 60,
  keyOf: (n) => `key ${n % 9}`,
  textOf: (n) => (n % 4 === 3 ? undefined : `${n} `.repeat(12)),
};

/** Three keys are written again and again; every fourth value stays, with garbage around it. */
const LARGE_VALUES: Script = {
  options: { ...TINY, memtableBytesMax: 2_000, largeValueBytes: 100 },
  writes: 40,
  keyOf: (n) => (n % 4 === 0 ? `stays ${n % 40}` : `key ${n % 4}`),
  textOf: (n) => (n === 21 ? undefined : `${n} `.repeat(n % 5 === 0 ? 12 : 150)),
};

/** What a client of the engine knows: the newest write of each key that was taken, or confirmed. */
class Trace {
  readonly taken = new Map<string, number>();
  readonly confirmed = new Map<string, number>();
  readonly errors = new Set<ErrorCode>();
  readonly #script: Script;
  engine: Engine | undefined;

  constructor(script: Script) {
    this.#script = script;
  }

  async live(host: Host): Promise<void> {
    const { options, writes } = this.#script;
    const engine = await openEngine(host, OWNER, options);
    this.engine = engine;
    for (let n = 1; n <= writes; n++) {
      const written = this.#write(engine, n);
      if (n % 5 === 0) await written;
      if (n % 7 === 0) await this.#read(engine, n);
      if (n === 30) engine.snapshot().release();
    }
    await new Promise<void>((resolve) => host.clock.after(5, resolve));
    for (let n = Math.max(1, writes - 10); n <= writes; n++) await this.#read(engine, n);
    await engine.close(1);
  }

  /** Notes what went wrong, as it may where faults are injected. */
  async endure(host: Host): Promise<void> {
    await this.live(host).catch((error) => this.#noteError(error));
  }

  async #write(engine: Engine, n: number): Promise<void> {
    const key = this.#script.keyOf(n);
    try {
      const { durable } = engine.write([this.#changeOf(n, this.taken.get(key))]);
      this.taken.set(key, n);
      await durable;
      this.confirmed.set(key, Math.max(n, this.confirmed.get(key) ?? 0));
    } catch (error) {
      this.#noteError(error);
    }
  }

  /** The right value or an explicit error. */
  async #read(engine: Engine, n: number): Promise<void> {
    const { keyOf, textOf } = this.#script;
    const key = keyOf(n);
    try {
      const taken = this.taken.get(key);
      const found = await engine.get(at(key));
      const expected = taken === undefined ? undefined : textOf(taken);
      equal(found?.value.toString(), expected, key);
    } catch (error) {
      this.#noteError(error);
    }
  }

  /** Write n after write `before` of the same key: a key that is there lives. */
  #changeOf(n: number, before: number | undefined): Change {
    const { keyOf, textOf } = this.#script;
    const text = textOf(n);
    const had = before === undefined ? undefined : textOf(before);
    const growth = (Number(text !== undefined) - Number(had !== undefined)) as Growth;
    return text === undefined ? removal(keyOf(n), SLOT, growth) : put(keyOf(n), text, SLOT, growth);
  }

  #noteError(error: unknown): void {
    if (!(error instanceof KvorumError)) throw error;
    this.errors.add(error.code);
  }

  async checkAfter(server: TestServer, where: string): Promise<void> {
    const { keyOf, options, textOf } = this.#script;
    const engine = await server.restart(options);
    const entries = await server.settle(scanAll(engine));
    equal(engine.countOf(EVERYTHING.keyspace, SLOT), entries.length, where);
    const found = new Map(entries.map(({ key, value }) => [String(key), String(value)]));
    for (const [key, confirmed] of this.confirmed) {
      const got = found.get(key);
      const allowed: (string | undefined)[] = [];
      for (let n = confirmed; n <= (this.taken.get(key) as number); n++) {
        if (keyOf(n) === key) allowed.push(textOf(n));
      }
      ok(allowed.includes(got), `${key}: ${got} instead of ${allowed.join(' or ')}, ${where}`);
      const stored = await server.settle(Promise.resolve(engine.get(at(key))));
      equal(stored?.value.toString(), got, where);
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
  const stats = (trace.engine as Engine).stats();
  ok(stats.valueBytesMoved > 0, `${stats.valueFiles} files, ${stats.valueLiveBytes} bytes`);
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
      const jobs = new SimJobs(faulty, host.clock, { compaction });
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
