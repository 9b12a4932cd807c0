// What every Jobs promises, as tests; see disk.contract.ts for how they are registered. The job is
// test-job.ts, under the names "test" and "other".

import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../base/errors.ts';
import type { Clock, Disk, Jobs } from './host.ts';
import type { TestOrder } from './test-job.ts';

export interface JobsHost {
  readonly jobs: Jobs;
  readonly disk: Disk;
  readonly clock: Clock;
}

export type WithJobs = (body: (host: JobsHost) => Promise<void>) => Promise<void>;

export function jobsContract(kind: string, withJobs: WithJobs): void {
  for (const [promise, body] of Object.entries(promises)) {
    test(`${kind}: ${promise}`, () => withJobs(body));
  }
}

const STEPS: TestOrder = { kind: 'steps', file: 'a', steps: 10, bytes: 1000 };

const promises: Record<string, (host: JobsHost) => Promise<void>> = {
  'orders and answers are copies, in which Buffers are arrays of bytes': async ({ jobs }) => {
    const bytes = Buffer.from('hello');
    const job = jobs.start('test', { kind: 'echo', bytes });
    bytes.fill(0);
    const answer = (await job.done) as { isBuffer: boolean; bytes: Uint8Array };
    deepEqual(answer, { isBuffer: false, bytes: new Uint8Array(Buffer.from('hello')) });
    ok(!Buffer.isBuffer(answer.bytes));
  },

  'a job works on the directory of the node': async ({ jobs, disk }) => {
    equal(await jobs.start('test', STEPS).done, 'did 10');
    const file = await disk.open('a');
    equal(file.size(), 10);
    await file.close();
  },

  'a SharedArrayBuffer is the same memory here and there': async ({ jobs }) => {
    const memory = new SharedArrayBuffer(4);
    await jobs.start('test', { kind: 'mark', memory }).done;
    deepEqual(new Uint8Array(memory), new Uint8Array([1, 0, 0, 0]));
  },

  'jobs of a name run one after the other, in the order of their start': async ({ jobs, disk }) => {
    const ended: string[] = [];
    const orders = ['a', 'b', 'c'].map(async (file) => {
      await jobs.start('test', { ...STEPS, file }).done;
      ended.push(file);
    });
    await Promise.all(orders);
    deepEqual(ended, ['a', 'b', 'c']);
    deepEqual(await disk.list(), ['a', 'b', 'c']);
  },

  'jobs of different names run beside each other': async ({ jobs }) => {
    const paused = jobs.start('test', STEPS);
    paused.setPace(0);
    equal(await jobs.start('other', { ...STEPS, file: 'b' }).done, 'did 10');
    paused.cancel();
    equal(await paused.done, 'cancelled after 1');
  },

  'an operating failure keeps its code and fix, a bug its words; the next job runs': async ({
    jobs,
  }) => {
    await rejects(jobs.start('test', { kind: 'fail' }).done, (error) => {
      ok(hasCode(error, 'DISK_FULL'));
      return error.message === 'no space left for a' && error.fix === 'Free some.';
    });
    await rejects(jobs.start('test', { kind: 'bug' }).done, /assertion failed: a test/);
    equal(await jobs.start('test', STEPS).done, 'did 10');
  },

  'the pace holds': async ({ jobs, clock }) => {
    await jobs.start('test', { kind: 'echo', bytes: Buffer.alloc(1) }).done; // the thread is there
    const fromMs = clock.monotonicMs();
    const job = jobs.start('test', STEPS);
    job.setPace(50_000);
    equal(await job.done, 'did 10');
    const ms = clock.monotonicMs() - fromMs;
    ok(ms >= 150, `10,000 bytes at 50,000 a second took ${ms} ms`);
  },

  'a paused job goes on when it may, and not before': async ({ jobs, clock }) => {
    const job = jobs.start('test', STEPS);
    job.setPace(0);
    let isDone = false;
    void job.done.then(() => {
      isDone = true;
    });
    await new Promise<void>((resolve) => clock.after(300, resolve));
    equal(isDone, false);
    job.setPace(Number.POSITIVE_INFINITY);
    equal(await job.done, 'did 10');
  },

  'a cancelled job tidies up and says so, also from its pause': async ({ jobs, clock }) => {
    await jobs.start('test', { kind: 'echo', bytes: Buffer.alloc(1) }).done; // the thread is there
    const job = jobs.start('test', STEPS);
    job.setPace(0);
    await new Promise<void>((resolve) => clock.after(300, resolve));
    job.cancel();
    job.cancel();
    equal(await job.done, 'cancelled after 1');
    job.setPace(1);
    job.cancel();
  },

  'an aborted job fails whatever it does, and one that waited for it runs': async ({ jobs }) => {
    const hanging = jobs.start('test', { kind: 'hang' });
    const [waiting, next] = [jobs.start('test', STEPS), jobs.start('test', STEPS)];
    waiting.abort();
    hanging.abort();
    hanging.abort();
    const isFailed = (error: unknown) => hasCode(error, 'JOB_FAILED');
    await Promise.all([rejects(hanging.done, isFailed), rejects(waiting.done, isFailed)]);
    equal(await next.done, 'did 10');
    next.abort();
    equal(await next.done, 'did 10');
  },

  'after close() jobs reject with CLOSED, those under way too': async ({ jobs }) => {
    const job = jobs.start('test', STEPS);
    job.setPace(0);
    const later = jobs.start('test', STEPS);
    const isClosed = (error: unknown) => hasCode(error, 'CLOSED');
    const rejections = [rejects(job.done, isClosed), rejects(later.done, isClosed)];
    await jobs.close();
    await jobs.close();
    await Promise.all([...rejections, rejects(jobs.start('test', STEPS).done, isClosed)]);
  },
};
