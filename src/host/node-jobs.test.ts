import { equal, ok, rejects } from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasCode } from '../base/errors.ts';
import { type JobsHost, jobsContract } from './jobs.contract.ts';
import { nodeClock } from './node-clock.ts';
import { openNodeDisk } from './node-disk.ts';
import { nodeJobs } from './node-jobs.ts';

const MODULE = new URL('./test-job.ts', import.meta.url).href;
const MODULES = { test: MODULE, other: MODULE };

async function withJobs(body: (host: JobsHost) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'kvorum-jobs-'));
  const jobs = nodeJobs({ directory, modules: MODULES });
  // Timers of the clock let a process end; a test that waits for one must not.
  const awake = setInterval(() => undefined, 1000);
  try {
    await body({ jobs, disk: await openNodeDisk(directory), clock: nodeClock() });
  } finally {
    clearInterval(awake);
    await jobs.close();
    await rm(directory, { recursive: true, force: true });
  }
}

jobsContract('node jobs', withJobs);

test('a thread that dies rejects its job, and the next one gets a new thread', () =>
  withJobs(async ({ jobs }) => {
    const next = { kind: 'echo', bytes: Buffer.from('a') };
    const [died, echo] = [jobs.start('test', { kind: 'die' }), jobs.start('test', next)];
    await rejects(died.done, (error) => {
      ok(hasCode(error, 'JOB_FAILED') && /"test" died: exit code 7/.test(error.message));
      return true;
    });
    ok(await echo.done);
  }));

test('a module that cannot be loaded is a rejection, not a crash', () =>
  withJobs(async ({ jobs }) => {
    await rejects(jobs.start('unknown', {}).done);
    equal(await jobs.start('test', { kind: 'steps', file: 'a', steps: 1, bytes: 1 }).done, 'did 1');
  }));

test('the lock of the directory stays with the node while its jobs run', () =>
  withJobs(async ({ jobs, disk }) => {
    const lock = await disk.lock();
    await jobs.start('test', { kind: 'steps', file: 'a', steps: 1, bytes: 1 }).done;
    await rejects(disk.lock(), (error) => hasCode(error, 'DIRECTORY_LOCKED'));
    await lock.release();
  }));
