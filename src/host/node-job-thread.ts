// The thread on which the jobs of a node run: it opens the data directory a second time, without
// its lock (which the node holds), and runs the bodies that it is told. node-jobs.ts starts it.

import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import { KvorumError } from '../base/errors.ts';
import type { JobBody } from './host.ts';
import { JobPacer } from './job-pacer.ts';
import { nodeClock } from './node-clock.ts';
import { openNodeDisk } from './node-disk.ts';
import type { ThreadAnswer, ThreadData, ThreadMessage } from './node-jobs.ts';

/** How often a timer keeps the thread awake while it sleeps for its pace: any long time will do. */
const AWAKE_MS = 60_000;

const { directory, modules } = workerData as ThreadData;
const port = parentPort;
assert(port !== null, 'this module runs on a thread of its own');
let pacer: JobPacer | undefined;

port.on('message', (message: ThreadMessage) => {
  if (message.kind === 'run') void run(message);
  else if (message.kind === 'pace') pacer?.setPace(message.bytesPerSecond);
  else pacer?.cancel();
});

async function run({ name, order }: ThreadMessage & { kind: 'run' }): Promise<void> {
  const clock = nodeClock();
  pacer = new JobPacer(clock);
  const awake = setInterval(() => undefined, AWAKE_MS);
  try {
    const module: unknown = await import(modules[name] as string);
    const { runJob } = module as { readonly runJob: JobBody };
    answer({ kind: 'done', answer: await runJob(await openNodeDisk(directory), order, pacer) });
  } catch (error) {
    answer(failure(error));
  } finally {
    clearInterval(awake);
    pacer = undefined;
  }
}

/** Classes do not survive the way between threads; code and fix shall. */
function failure(error: unknown): ThreadAnswer {
  if (error instanceof KvorumError) {
    const { code, message, fix } = error;
    return { kind: 'failed', code, message, fix };
  }
  const stack = error instanceof Error ? error.stack : String(error);
  return { kind: 'broke', stack: stack ?? String(error) };
}

function answer(message: ThreadAnswer): void {
  port?.postMessage(message);
}
