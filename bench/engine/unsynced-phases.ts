// Writes and reads while nobody waits for the disk, in the order of db_bench: fill in random order,
// overwrite, scan, read, read while writing. All budgets of memory are the same for every engine
// that has them; what the file system caches comes on top, for all.

import type { Store } from '../rivals/rival.ts';
import { type Flight, inFlight } from './in-flight.ts';
import { bytesUnder, type Meter, report, residentBytes, untilQuiet } from './meter.ts';
import type { Trial } from './trial.ts';
import type { Phase } from './trial-options.ts';
import { ENTRY_BYTES } from './workload.ts';

const MIB = 1024 * 1024;
/** Of the writing phases: what RocksDB and we have by default. */
export const MEMTABLE_BYTES = 64 * MIB;
/** Where the cache is to be small: nothing may be served from a memtable instead. */
const SMALL_MEMTABLE_BYTES = MIB;
const READS_IN_FLIGHT = 32;
const READS_MAX = 1_000_000;
const BATCH = 100;
const READS_PER_WRITE = 9;

export function measureUnsynced(trial: Trial): Promise<void> {
  return new UnsyncedPhases(trial).run();
}

class UnsyncedPhases {
  readonly #trial: Trial;
  readonly #meter: Meter;

  constructor(trial: Trial) {
    this.#trial = trial;
    this.#meter = trial.meter;
  }

  async run(): Promise<void> {
    const { keys, phases } = this.#trial.options;
    const isAsked = (...any: Phase[]) => any.some((phase) => phases.includes(phase));
    const ample = { cacheBytes: keys * ENTRY_BYTES * 4, memtableBytes: MEMTABLE_BYTES };
    let store = await this.#fill(ample);
    if (isAsked('overwrite')) await this.#overwrite(store);
    if (isAsked('batches')) await this.#overwriteInBatches(store);
    // What a phase left to be compacted is not for the next one to pay.
    await untilQuiet();
    await store.close();
    if (isAsked('scan', 'reads', 'mixed')) {
      store = await this.#open(ample);
      await untilQuiet();
      if (isAsked('scan')) await this.#scan('scan cold', store);
      if (isAsked('scan')) await this.#scan('scan', store);
      if (isAsked('reads')) await this.#readCached(store);
      if (isAsked('mixed')) await this.#readWhileWriting(store);
      await store.close();
    }
    if (isAsked('small-cache')) await this.#readWithSmallCache();
  }

  #open(budget: { readonly cacheBytes: number; readonly memtableBytes: number }): Promise<Store> {
    const { rival, directory } = this.#trial;
    return rival.open(directory, { ...budget, isSynced: false });
  }

  async #fill(budget: { readonly cacheBytes: number; readonly memtableBytes: number }) {
    const { workload, options, directory } = this.#trial;
    const { keys } = options;
    const order = workload.shuffled();
    const before = residentBytes();
    const store = await this.#open(budget);
    const { writtenBytes = 0 } = await this.#writes('fillrandom', store, { count: keys }, (n) =>
      store.put(workload.key(order[n] as number), workload.value()),
    );
    const settled = await this.#meter.measure('compaction after the fill', async () => {
      await untilQuiet();
      return 0;
    });
    const written = writtenBytes + (settled.writtenBytes ?? 0);
    const extra = {
      writeAmplification: written / (keys * ENTRY_BYTES),
      spaceAmplification: (await bytesUnder(directory)) / (keys * ENTRY_BYTES),
      residentBytes: residentBytes() - before,
      ...store.memory?.(),
    };
    report({ phase: 'filled', perSecond: 0, extra });
    return store;
  }

  async #overwrite(store: Store): Promise<void> {
    const { workload, options } = this.#trial;
    await this.#writes('overwrite', store, { count: options.keys, isBounded: true }, () =>
      store.put(workload.randomKey(), workload.value()),
    );
  }

  async #overwriteInBatches(store: Store): Promise<void> {
    const { workload, options } = this.#trial;
    await this.#writes('overwrite ×100', store, { count: options.keys, isBounded: true }, (n) =>
      n % BATCH === 0
        ? store.putMany(Array.from({ length: BATCH }, () => workload.randomPut()))
        : undefined,
    );
  }

  async #writes(
    phase: string,
    store: Store,
    { count, isBounded = false }: { readonly count: number; readonly isBounded?: boolean },
    write: (n: number) => Promise<unknown> | undefined,
  ) {
    const { rival } = this.#trial;
    return this.#meter.measure(phase, async () => {
      const flight = this.#flight(count, rival.writesInFlight, isBounded);
      const done = await inFlight(flight, write);
      await store.flush();
      return done;
    });
  }

  /** Everything fits, and was read before. */
  async #readCached(store: Store): Promise<void> {
    await this.#reads('warming up', store);
    await this.#reads('readrandom cached', store);
  }

  /** Most of the data does not fit: four times what the engine may keep in memory. */
  async #readWithSmallCache(): Promise<void> {
    const { keys } = this.#trial.options;
    const cacheBytes = (keys * ENTRY_BYTES) / 4;
    const small = { cacheBytes, memtableBytes: SMALL_MEMTABLE_BYTES };
    // What the log brings back must leave the memtables first.
    const before = await this.#open(small);
    await untilQuiet();
    await before.close();
    const store = await this.#open(small);
    await this.#reads('warming up', store);
    await this.#reads('readrandom 4× cache', store);
    await store.close();
  }

  async #reads(phase: string, store: Store): Promise<void> {
    const { workload, options, rival } = this.#trial;
    let missing = 0;
    const see = (value: Uint8Array | null | undefined) => {
      if (value === undefined || value === null) missing += 1;
    };
    const count = Math.min(READS_MAX, options.keys);
    await this.#meter.measure(phase, () =>
      inFlight(this.#flight(count, READS_IN_FLIGHT, true), () => {
        const got = store.get(workload.randomKey());
        if (got instanceof Promise) return got.then(see);
        see(got);
        return undefined;
      }),
    );
    if (missing > 0) throw new Error(`${rival.name} misses ${missing} of ${count} keys`);
  }

  /** One write for every nine reads, from the same thread; the latency is of the reads alone. */
  async #readWhileWriting(store: Store): Promise<void> {
    const { workload, options } = this.#trial;
    const count = Math.min(READS_MAX, options.keys);
    const latencies = new Float64Array(count);
    const act = (n: number) => {
      if (n % (READS_PER_WRITE + 1) === 0) return store.put(workload.randomKey(), workload.value());
      const fromMs = performance.now();
      const noteEnd = () => {
        latencies[n] = performance.now() - fromMs;
      };
      const got = store.get(workload.randomKey());
      if (got instanceof Promise) return got.then(noteEnd);
      noteEnd();
      return undefined;
    };
    await this.#meter.measure(
      'readwhilewriting',
      () => inFlight(this.#flight(count, READS_IN_FLIGHT, true), act),
      () => ({ p999Us: quantile(latencies, 0.999) * 1000 }),
    );
  }

  async #scan(phase: string, store: Store): Promise<void> {
    const { options, rival } = this.#trial;
    let count = 0;
    await this.#meter.measure(phase, async () => {
      count = await store.scan();
      return count;
    });
    if (count !== options.keys) {
      throw new Error(`${rival.name} scans ${count} of ${options.keys} keys`);
    }
  }

  #flight(count: number, most: number, isBounded: boolean): Flight {
    const { secondsMax } = this.#trial.options;
    const untilMs = isBounded ? performance.now() + secondsMax * 1000 : undefined;
    const onTurn = (done: number) => {
      this.#meter.done = done;
    };
    return { count, most, untilMs, onTurn };
  }
}

/** Of those that are not zero: what was never done took no time. */
function quantile(values: Float64Array, share: number): number {
  const sorted = values.filter((value) => value > 0).sort();
  return sorted[Math.floor((sorted.length - 1) * share)] as number;
}
