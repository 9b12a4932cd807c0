// The thread on which the jobs of a node run: it opens the data directory a second time, without
// its lock (which the node holds), and runs the bodies that it is told. node-jobs.ts starts it.

import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import { KvorumError } from '../base/errors.ts';
import type { Disk, JobBody } from './host.ts';
import { JobPacer } from './job-pacer.ts';
import { nodeClock } from './node-clock.ts';
import { openNodeDisk } from './node-disk.ts';
import type { ThreadAnswer, ThreadData, ThreadMessage, ThreadOutcome } from './node-jobs.ts';

/** How often a timer keeps the thread awake while it sleeps for its pace: any long time will do. */
const AWAKE_MS = 60_000;

/** What guests get: a body that used it would be a bug. */
const NO_DISK = undefined as unknown as Disk;

const { directory, modules } = workerData as ThreadData;
const port = parentPort;
assert(port !== null, 'this module runs on a thread of its own');
/** Of the jobs under way, by name. */
const pacers = new Map<string, JobPacer>();

port.on('message', (message: ThreadMessage) => {
  const { name } = message;
  if (message.kind === 'run') void run(name, message.order);
  else if (message.kind === 'pace') pacers.get(name)?.setPace(message.bytesPerSecond);
  else pacers.get(name)?.cancel();
});

async function run(name: string, order: unknown): Promise<void> {
  const pacer = new JobPacer(nodeClock());
  pacers.set(name, pacer);
  const awake = setInterval(() => undefined, AWAKE_MS);
  const outcome = await outcomeOf(name, order, pacer);
  clearInterval(awake);
  pacers.delete(name);
  port?.postMessage({ name, ...outcome } satisfies ThreadAnswer);
}

async function outcomeOf(name: string, order: unknown, pacer: JobPacer): Promise<ThreadOutcome> {
  try {
    const module: unknown = await import(modules[name] as string);
    const { runJob } = module as { readonly runJob: JobBody };
    const disk = directory === undefined ? NO_DISK : await openNodeDisk(directory);
    return { kind: 'done', answer: await runJob(disk, order, pacer) };
  } catch (error) {
    return failure(error);
  }
}

/** Classes do not survive the way between threads; code and fix shall. */
function failure(error: unknown): ThreadOutcome {
  if (error instanceof KvorumError) {
    const { code, message, fix } = error;
    return { kind: 'failed', code, message, fix };
  }
  const stack = error instanceof Error ? error.stack : String(error);
  return { kind: 'broke', stack: stack ?? String(error) };
}
