// One round of one engine, in a process of its own so that heaps, caches and garbage are its own:
//
//   node --expose-gc bench/engine-trial.ts NAME '{"keys":1000000,"seed":1,…}'
//
// It prints a line of JSON for each phase. Every figure of a phase comes from the same stretch of
// time: operations, longest stall of the event loop, bytes that the process wrote to the disk.

import { mkdtemp, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { ENTRY_BYTES, Workload } from './engine-workload.ts';
import { rivalNamed } from './rivals/installed-rivals.ts';
import type { Rival, Store } from './rivals/rival.ts';

export interface TrialOptions {
  readonly keys: number;
  readonly seed: number;
  readonly phases: readonly Phase[];
  /** Where the directories are made; the system's temporary directory without it. */
  readonly under?: string;
}

export type Phase = 'unsynced' | 'synced' | 'restart';

export interface Measured {
  readonly phase: string;
  readonly perSecond: number;
  readonly stallMs: number;
  /** Bytes written to the disk by the process over bytes of payload; of writing phases. */
  readonly writeAmplification?: number;
  readonly p999Us?: number;
  readonly extra?: Readonly<Record<string, number>>;
}

const TURN_EVERY = 256;
const READS_IN_FLIGHT = 32;
const READS_MAX = 1_000_000;
const BATCH = 100;
const READS_PER_WRITE = 9;
const SYNCED_MS = 1_500;
const SYNCED_WRITERS = [1, 64, 512] as const;

class Trial {
  readonly #rival: Rival;
  readonly #options: TrialOptions;
  readonly #workload: Workload;
  readonly #directory: string;
  readonly #delay = monitorEventLoopDelay({ resolution: 1 });

  constructor(rival: Rival, options: TrialOptions, directory: string) {
    this.#rival = rival;
    this.#options = options;
    this.#workload = new Workload(options.keys, options.seed);
    this.#directory = directory;
  }

  async run(): Promise<void> {
    for (const phase of this.#options.phases) {
      if (phase === 'unsynced') await this.#unsynced();
      if (phase === 'restart') await this.#restart();
      if (phase === 'synced' && this.#rival.canSync) await this.#synced();
    }
  }

  async #unsynced(): Promise<void> {
    const { keys } = this.#options;
    const workload = this.#workload;
    const order = workload.shuffled();
    const before = residentBytes();
    let store = await this.#open(keys * ENTRY_BYTES * 4);
    await this.#writes('fillrandom', store, keys, (n) =>
      store.put(workload.key(order[n] as number), workload.value()),
    );
    const memory = (residentBytes() - before) / keys;
    report({ phase: 'memory', perSecond: memory, stallMs: 0, extra: await this.#space() });
    await this.#writes('overwrite', store, keys, () =>
      store.put(workload.randomKey(), workload.value()),
    );
    await this.#writes('overwrite ×100', store, keys, (n) =>
      n % BATCH === 0
        ? store.putMany(Array.from({ length: BATCH }, () => workload.randomPut()))
        : undefined,
    );
    await store.close();
    store = await this.#open(keys * ENTRY_BYTES * 4);
    await this.#scan('scan cold', store);
    await this.#scan('scan', store);
    await this.#reads('readrandom cached', store);
    await this.#readWhileWriting(store);
    await store.close();
    store = await this.#open((keys * ENTRY_BYTES) / 4);
    await this.#reads('readrandom 4× cache', store);
    await store.close();
    report({ phase: 'space', perSecond: 0, stallMs: 0, extra: await this.#space() });
  }

  #open(cacheBytes: number, isSynced = false): Promise<Store> {
    return this.#rival.open(join(this.#directory, isSynced ? 'synced' : 'unsynced'), {
      cacheBytes: Math.round(cacheBytes),
      isSynced,
    });
  }

  async #writes(
    phase: string,
    store: Store,
    count: number,
    write: (n: number) => Promise<unknown> | undefined,
  ): Promise<void> {
    await this.#measure(phase, count, count * ENTRY_BYTES, async () => {
      await inFlight(count, this.#rival.writesInFlight, write);
      await store.flush();
    });
  }

  async #reads(phase: string, store: Store): Promise<void> {
    const count = Math.min(READS_MAX, this.#options.keys);
    const workload = this.#workload;
    let missing = 0;
    await this.#measure(phase, count, 0, () =>
      inFlight(count, READS_IN_FLIGHT, () => {
        const got = store.get(workload.randomKey());
        if (got instanceof Promise) {
          return got.then((value) => {
            if (value === undefined || value === null) missing += 1;
          });
        }
        if (got === undefined || got === null) missing += 1;
        return undefined;
      }),
    );
    if (missing > 0) throw new Error(`${this.#rival.name} misses ${missing} of ${count} keys`);
  }

  /** One write for every nine reads, from the same thread; the latency is of the reads alone. */
  async #readWhileWriting(store: Store): Promise<void> {
    const count = Math.min(READS_MAX, this.#options.keys);
    const workload = this.#workload;
    const latencies = new Float64Array(count);
    let write: Promise<unknown> | undefined;
    await this.#measure(
      'readwhilewriting',
      count,
      0,
      async () => {
        await inFlight(count, READS_IN_FLIGHT, (n) => {
          if (n % (READS_PER_WRITE + 1) === 0) {
            write = store.put(workload.randomKey(), workload.value());
            return write;
          }
          const fromMs = performance.now();
          const got = store.get(workload.randomKey());
          if (!(got instanceof Promise)) {
            latencies[n] = performance.now() - fromMs;
            return undefined;
          }
          return got.then(() => {
            latencies[n] = performance.now() - fromMs;
          });
        });
        await write;
      },
      () => ({ p999Us: quantile(latencies, 0.999) * 1000 }),
    );
  }

  async #scan(phase: string, store: Store): Promise<void> {
    const { keys } = this.#options;
    let count = 0;
    await this.#measure(phase, keys, 0, async () => {
      count = await store.scan();
    });
    if (count !== keys) throw new Error(`${this.#rival.name} scans ${count} of ${keys} keys`);
  }

  /** A clean close after a fill that left everything in the log or wherever the engine put it. */
  async #restart(): Promise<void> {
    const { keys } = this.#options;
    const workload = this.#workload;
    let store = await this.#open(keys * ENTRY_BYTES);
    await this.#writes('fill for restart', store, keys, (n) =>
      n % BATCH === 0
        ? store.putMany(
            Array.from({ length: BATCH }, (_, k) => ({
              key: workload.key(n + k),
              value: workload.value(),
            })),
          )
        : undefined,
    );
    await store.close();
    const fromMs = performance.now();
    store = await this.#open(keys * ENTRY_BYTES);
    await store.get(workload.key(0));
    const seconds = (performance.now() - fromMs) / 1000;
    await store.close();
    const extra = { seconds, ...(await this.#space()) };
    report({ phase: 'restart', perSecond: keys / seconds, stallMs: 0, extra });
  }

  /** Each writer waits for its write before it does the next one. */
  async #synced(): Promise<void> {
    this.#delay.enable();
    await this.#rawSyncs();
    const store = await this.#open(64 * 1024 * 1024, true);
    const workload = this.#workload;
    for (const writers of SYNCED_WRITERS) {
      let count = 0;
      this.#delay.reset();
      const fromMs = performance.now();
      const write = async () => {
        while (performance.now() - fromMs < SYNCED_MS) {
          await store.put(workload.randomKey(), workload.value());
          count += 1;
        }
      };
      await Promise.all(Array.from({ length: writers }, write));
      const perSecond = (count * 1000) / (performance.now() - fromMs);
      report({ phase: `synced, ${writers}`, perSecond, stallMs: this.#delay.max / 1e6 });
    }
    await store.close();
  }

  /** What the disk gives: one entry appended and synced after the other. */
  async #rawSyncs(): Promise<void> {
    const file = await open(join(this.#directory, 'raw'), 'w');
    const entry = Buffer.alloc(ENTRY_BYTES);
    // The first round pays for what the phases before left unwritten.
    for (const isMeasured of [false, true]) {
      const fromMs = performance.now();
      let count = 0;
      for (; performance.now() - fromMs < SYNCED_MS; count++) {
        await file.write(entry);
        await file.datasync();
      }
      const perSecond = (count * 1000) / (performance.now() - fromMs);
      if (isMeasured) report({ phase: 'fdatasync', perSecond, stallMs: 0 });
    }
    await file.close();
  }

  async #measure(
    phase: string,
    count: number,
    payloadBytes: number,
    body: () => Promise<void>,
    more: () => Partial<Measured> = () => ({}),
  ): Promise<void> {
    globalThis.gc?.();
    this.#delay.enable();
    this.#delay.reset();
    const writtenBefore = await bytesWritten();
    const fromMs = performance.now();
    await body();
    const perSecond = (count * 1000) / (performance.now() - fromMs);
    const stallMs = this.#delay.max / 1e6;
    const written = (await bytesWritten()) - writtenBefore;
    const writeAmplification = payloadBytes > 0 ? written / payloadBytes : undefined;
    report({ phase, perSecond, stallMs, writeAmplification, ...more() });
  }

  async #space(): Promise<Readonly<Record<string, number>>> {
    const diskBytes = await bytesUnder(this.#directory);
    return { diskBytes, spaceAmplification: diskBytes / (this.#options.keys * ENTRY_BYTES) };
  }
}

/** Calls `act` for 0 … count - 1 with so many promises under way; the event loop gets its turns. */
async function inFlight(
  count: number,
  most: number,
  act: (n: number) => Promise<unknown> | undefined,
): Promise<void> {
  let underWay: Promise<unknown>[] = [];
  for (let n = 0; n < count; n++) {
    const promise = act(n);
    if (promise !== undefined) underWay.push(promise);
    if (underWay.length >= most) {
      await Promise.all(underWay);
      underWay = [];
    }
    if (n % TURN_EVERY === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  }
  await Promise.all(underWay);
}

function report(measured: Measured): void {
  process.stdout.write(`${JSON.stringify(measured)}\n`);
}

function residentBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage.rss();
}

/** By the kernel's account, threads and memory maps included; 0 where there is no /proc. */
async function bytesWritten(): Promise<number> {
  const text = await readFile('/proc/self/io', 'utf8').catch(() => '');
  return Number(/^write_bytes: (\d+)/m.exec(text)?.[1] ?? 0);
}

/** What the files really take: LMDB's and preallocated ones have holes. */
async function bytesUnder(directory: string): Promise<number> {
  const names = await readdir(directory, { recursive: true });
  const sizes = names.map(async (name) => (await stat(join(directory, name))).blocks * 512);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

function quantile(values: Float64Array, share: number): number {
  const sorted = values.slice().sort();
  return sorted[Math.floor((sorted.length - 1) * share)] as number;
}

const [name = '', options = '{}'] = process.argv.slice(2);
const asked = JSON.parse(options) as TrialOptions;
const directory = await mkdtemp(join(asked.under ?? tmpdir(), 'kvorum-bench-'));
// The engine's clock keeps no process alive; its last compaction must end all the same.
const awake = setInterval(() => undefined, 1_000);
try {
  await new Trial(rivalNamed(name), asked, directory).run();
} finally {
  clearInterval(awake);
  await rm(directory, { recursive: true, force: true });
}
