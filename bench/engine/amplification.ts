// Bytes on the disk for bytes of payload, when half of all writes overwrite: new keys in random
// order, and after each a write to a key that is there already, until there are enough keys.
//
//   write amplification   written to the disk, log and compactions included, over what was put
//   space amplification   on the disk when all is quiet, over one entry for each key
//   space at worst        the same while it happens

import { inFlight } from './in-flight.ts';
import { bytesUnder, report, untilQuiet } from './meter.ts';
import type { Trial } from './trial.ts';
import { MEMTABLE_BYTES } from './unsynced-phases.ts';
import { ENTRY_BYTES } from './workload.ts';

const CACHE_BYTES = 64 * 1024 * 1024;
const LOOK_EVERY_MS = 500;

export async function measureAmplification(trial: Trial): Promise<void> {
  const { rival, directory, meter, options } = trial;
  const { keys } = options;
  const budget = { cacheBytes: CACHE_BYTES, memtableBytes: MEMTABLE_BYTES };
  const store = await rival.open(directory, { ...budget, isSynced: false });
  const worst = watchSpace(directory);
  const phase = 'new and overwritten';
  const write = writesOf(trial, store.put);
  const { writtenBytes: duringBytes = 0 } = await meter.measure(phase, async () => {
    const done = await inFlight(flightOf(trial), write);
    await store.flush();
    return done;
  });
  const { writtenBytes: afterBytes = 0 } = await meter.measure('compaction at last', async () => {
    await untilQuiet();
    return 0;
  });
  const worstBytes = worst();
  const quietBytes = await bytesUnder(directory);
  await store.close();
  const payloadBytes = keys * ENTRY_BYTES;
  const extra = {
    writeAmplification: (duringBytes + afterBytes) / (2 * payloadBytes),
    spaceAmplification: quietBytes / payloadBytes,
    spaceAtWorst: worstBytes / payloadBytes,
  };
  report({ phase: 'amplification', perSecond: 0, extra });
}

function flightOf({ rival, meter, options }: Trial) {
  const onTurn = (done: number) => {
    meter.done = done;
  };
  return { count: 2 * options.keys, most: rival.writesInFlight, onTurn };
}

/** Even ones are new, odd ones go to one of those before. */
function writesOf(
  { workload }: Trial,
  put: (key: Buffer, value: Buffer) => Promise<unknown> | undefined,
): (n: number) => Promise<unknown> | undefined {
  const order = workload.shuffled();
  return (n) => {
    const newest = n >>> 1;
    const place = n % 2 === 0 ? newest : workload.u32() % (newest + 1);
    return put(workload.key(order[place] as number), workload.value());
  };
}

/** What it returns ends the watch, and tells the most that was seen. */
function watchSpace(directory: string): () => number {
  let worstBytes = 0;
  const timer = setInterval(async () => {
    worstBytes = Math.max(worstBytes, await bytesUnder(directory));
  }, LOOK_EVERY_MS);
  return () => {
    clearInterval(timer);
    return worstBytes;
  };
}
