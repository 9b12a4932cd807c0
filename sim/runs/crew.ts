// Processes that run seeds, one for each core; each gets the next seed when it is done with one.

import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Report } from '../scenario.ts';
import type { WorkerOrder } from './worker.ts';

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url));

/** What it may still do is up to `take`: undefined ends it. `done` hears of every run. */
export interface Work {
  readonly order: WorkerOrder;
  readonly take: () => number | undefined;
  readonly done: (report: Report) => void;
}

/** Resolves when all seeds are done; rejects when a process dies of something else. */
export async function employAll(work: Work, processes = availableParallelism()): Promise<void> {
  await Promise.all(Array.from({ length: processes }, () => employ(work)));
}

function employ({ order, take, done }: Work): Promise<void> {
  const worker = fork(WORKER, [JSON.stringify(order)]);
  return new Promise((resolve, reject) => {
    const goOn = () => {
      const seed = take();
      if (seed !== undefined) worker.send(seed);
      else worker.disconnect();
    };
    worker.on('message', (report: Report) => {
      done(report);
      goOn();
    });
    worker.on('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`a worker ended with ${signal ?? `exit code ${code}`}`));
    });
    goOn();
  });
}
