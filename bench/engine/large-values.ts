// Values of 64 KiB: filled in random order, then overwritten twice over at random, then read at
// random. What a compaction copies, and what overwritten values leave behind, costs most here.
// Every write is on the disk before its promise resolves, where the engine can promise that: a
// second's worth of such values is more than memory is for.
//
//   write amplification   written to the disk while they were overwritten and until all was quiet
//                         again, log included, over what was put
//   space amplification   on the disk when all is quiet, over one value for each key

import type { Store } from '../rivals/rival.ts';
import { type Flight, inFlight } from './in-flight.ts';
import { bytesUnder, report, untilQuiet } from './meter.ts';
import type { Trial } from './trial.ts';
import { MEMTABLE_BYTES } from './unsynced-phases.ts';
import { LARGE_VALUE_BYTES, Workload } from './workload.ts';

/** 1.3 GB: several times the caches, and compacted within a minute. */
export const LARGE_KEYS = 20_000;
const OVERWRITES = 2;
const CACHE_BYTES = 128 * 1024 * 1024;
/** 2 MiB under way. */
export const LARGE_IN_FLIGHT = 32;

export async function measureLargeValues(trial: Trial): Promise<void> {
  const { directory, meter, options, rival } = trial;
  const workload = new Workload(LARGE_KEYS, options.seed);
  const budget = { cacheBytes: CACHE_BYTES, memtableBytes: MEMTABLE_BYTES };
  const store = await rival.open(directory, { ...budget, isSynced: rival.canSync });
  const order = workload.shuffled();
  await writes('large, fill', LARGE_KEYS, (n) => workload.key(order[n] as number));
  const count = OVERWRITES * LARGE_KEYS;
  const during = await writes('large, overwrite', count, () => workload.randomKey());
  const after = await meter.measure('large, compaction at last', async () => {
    await untilQuiet();
    return 0;
  });
  const writtenBytes = (during.writtenBytes ?? 0) + (after.writtenBytes ?? 0);
  const extra = {
    writeAmplification: writtenBytes / (count * LARGE_VALUE_BYTES),
    spaceAmplification: (await bytesUnder(directory)) / (LARGE_KEYS * LARGE_VALUE_BYTES),
  };
  report({ phase: 'large values', perSecond: 0, extra });
  await meter.measure('large, readrandom', () => reads(store));
  await store.close();

  function writes(phase: string, howMany: number, keyOf: (n: number) => Buffer) {
    return meter.measure(phase, async () => {
      const done = await inFlight(flight(howMany), (n) =>
        store.put(keyOf(n), workload.largeValue()),
      );
      await store.flush();
      return done;
    });
  }

  function reads({ get }: Store): Promise<number> {
    return inFlight(flight(LARGE_KEYS), () => {
      const got = get(workload.randomKey());
      return got instanceof Promise ? got.then(see) : see(got);
    });
  }

  function see(value: Uint8Array | null | undefined): undefined {
    if (value?.length !== LARGE_VALUE_BYTES) throw new Error(`${rival.name} misses a large value`);
  }

  function flight(howMany: number): Flight {
    const onTurn = (done: number) => {
      meter.done = done;
    };
    return { count: howMany, most: LARGE_IN_FLIGHT, onTurn };
  }
}
