// One round of one engine, in a process of its own so that heaps, caches and garbage are its own:
//
//   node --expose-gc bench/engine/trial.ts NAME '{"keys":1000000,"seed":1,…}'
//
// It prints a line of JSON for each stretch that it measured. Its directory goes with it.

import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rivalNamed } from '../rivals/installed-rivals.ts';
import type { Rival } from '../rivals/rival.ts';
import { measureAmplification } from './amplification.ts';
import { measureLargeValues } from './large-values.ts';
import { Meter } from './meter.ts';
import { measureSyncedWrites } from './synced-writes.ts';
import type { Phase, TrialOptions } from './trial-options.ts';
import { measureUnsynced } from './unsynced-phases.ts';
import { Workload } from './workload.ts';
import { measureMachine } from './yardstick.ts';

/** What the phases of a trial share. */
export interface Trial {
  readonly rival: Rival;
  readonly options: TrialOptions;
  readonly workload: Workload;
  readonly meter: Meter;
  readonly directory: string;
}

async function run(trial: Trial): Promise<void> {
  const { rival, options, meter, directory } = trial;
  const isAsked = (phase: Phase) => options.phases.includes(phase);
  await measureMachine(meter);
  const parts: [boolean, (trial: Trial) => Promise<void>][] = [
    [options.phases.some((phase) => !isOfItsOwn(phase)), measureUnsynced],
    [isAsked('synced') && rival.canSync, measureSyncedWrites],
    [isAsked('amplification'), measureAmplification],
    [isAsked('large'), measureLargeValues],
  ];
  for (const [isWanted, measure] of parts) {
    if (!isWanted) continue;
    // Each in a directory of its own, and only one at a time: disks are finite.
    const own = await mkdtemp(join(directory, 'part-'));
    await measure({ ...trial, directory: own });
    await rm(own, { recursive: true });
  }
}

function isOfItsOwn(phase: Phase): boolean {
  return phase === 'synced' || phase === 'amplification' || phase === 'large';
}

const [name = '', text = '{}'] = process.argv.slice(2);
const options = JSON.parse(text) as TrialOptions;
const directory = await mkdtemp(join(options.under ?? tmpdir(), 'kvorum-bench-'));
const remove = () => rmSync(directory, { recursive: true, force: true });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    remove();
    process.exit(1);
  });
}
const meter = new Meter(options.title);
try {
  const workload = new Workload(options.keys, options.seed);
  await run({ rival: rivalNamed(name), options, workload, meter, directory });
} finally {
  meter.end();
  remove();
}
