// Writers who each wait until their write is on the disk, in turns with what the disk alone gives:
// an append of as many entries as there are writers and its fdatasync, one after the other. An
// engine that gathers writes perfectly confirms `writers` writes in the time of one of these.

import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Store } from '../rivals/rival.ts';
import { report } from './meter.ts';
import type { Trial } from './trial.ts';
import { MEMTABLE_BYTES } from './unsynced-phases.ts';
import { ENTRY_BYTES, type Workload } from './workload.ts';

const WRITERS = [1, 64, 512] as const;
/** Disks change their mind from one second to the next: many short turns. */
const TURNS = 4;
const TURN_MS = 500;
const CACHE_BYTES = 64 * 1024 * 1024;

export async function measureSyncedWrites({
  rival,
  workload,
  meter,
  directory,
}: Trial): Promise<void> {
  const budget = { cacheBytes: CACHE_BYTES, memtableBytes: MEMTABLE_BYTES };
  const raw = await open(join(directory, 'raw'), 'w');
  const store = await rival.open(join(directory, 'store'), { ...budget, isSynced: true });
  meter.begin('fdatasync');
  // The first turn pays for what the phases before left unwritten.
  await syncsPerSecond(raw, 1);
  for (const writers of WRITERS) {
    const phase = `synced, ${writers}`;
    meter.begin(phase);
    let ours = 0;
    let disks = 0;
    for (let turn = 0; turn < TURNS; turn++) {
      disks += (await syncsPerSecond(raw, writers)) / TURNS;
      ours += (await writesPerSecond(store, workload, writers)) / TURNS;
    }
    report({ phase, perSecond: ours, stall: meter.stall });
    report({ phase: `fdatasync of ${writers}`, perSecond: disks });
  }
  await store.close();
  await raw.close();
}

/** Each writer waits for its write before it does the next one. */
async function writesPerSecond(store: Store, workload: Workload, writers: number): Promise<number> {
  const fromMs = performance.now();
  let count = 0;
  const write = async () => {
    while (performance.now() - fromMs < TURN_MS) {
      await store.put(workload.randomKey(), workload.value());
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
  return (count * 1000) / (performance.now() - fromMs);
}

async function syncsPerSecond(file: FileHandle, entries: number): Promise<number> {
  const bytes = Buffer.alloc(entries * ENTRY_BYTES);
  const fromMs = performance.now();
  let count = 0;
  for (; performance.now() - fromMs < TURN_MS; count++) {
    await file.write(bytes);
    await file.datasync();
  }
  return (count * 1000) / (performance.now() - fromMs);
}
