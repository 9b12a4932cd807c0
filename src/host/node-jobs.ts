// The real jobs of a node: one thread, started with the first job, on which one job of each name
// runs at a time. Those of different names take turns there, as often as they wait for the disk: a
// second thread would take 20 MB, and more of the core on which requests are served than is spare.
// A thread that dies takes only the jobs on it along; the next job gets a new thread. The thread
// loads the bodies from modules that the composition root names: this folder knows none of them.

import { Worker } from 'node:worker_threads';
import { type ErrorCode, KvorumError, messageOf } from '../base/errors.ts';
import type { Job, Jobs } from './host.ts';

/**
 * Of the thread's JavaScript heap, where entries that pass by are born and die: without a limit it
 * grows to 48 MiB before anyone looks for what is dead.
 */
const YOUNG_MB_MAX = 12;

export interface NodeJobsOptions {
  /** The data directory of the node; undefined: these jobs get no disk. */
  readonly directory: string | undefined;
  /** URLs of modules that export a `runJob`, by the name of the job. */
  readonly modules: Readonly<Record<string, string>>;
  /** Of the heap of the thread, which ends when it needs more; as Node.js decides without it. */
  readonly heapMb?: number;
}

export type ThreadData = NodeJobsOptions;

/** To the one job of that name. */
export type ThreadMessage = { readonly name: string } & ThreadWish;

type ThreadWish =
  | { readonly kind: 'run'; readonly order: unknown }
  | { readonly kind: 'pace'; readonly bytesPerSecond: number }
  | { readonly kind: 'cancel' };

/** Of the one job of that name. */
export type ThreadAnswer = { readonly name: string } & ThreadOutcome;

export type ThreadOutcome =
  | { readonly kind: 'done'; readonly answer: unknown }
  | {
      readonly kind: 'failed';
      readonly code: ErrorCode;
      readonly message: string;
      readonly fix: string;
    }
  | { readonly kind: 'broke'; readonly stack: string };

export function nodeJobs(options: NodeJobsOptions): Jobs {
  return new NodeJobs(options);
}

class NodeJobs implements Jobs {
  readonly #options: NodeJobsOptions;
  #waiting: NodeJob[] = [];
  /** By name. */
  readonly #running = new Map<string, NodeJob>();
  #thread: Worker | undefined;
  #isClosed = false;

  constructor(options: NodeJobsOptions) {
    this.#options = options;
  }

  start(name: string, order: unknown): Job {
    const job = new NodeJob(name, structuredClone(order), (each) => this.#abort(each));
    if (this.#isClosed) job.fail(closed());
    else this.#waiting.push(job);
    this.#next();
    return job;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const thread = this.#thread;
    this.#thread = undefined;
    for (const job of [...this.#running.values(), ...this.#waiting]) job.fail(closed());
    this.#running.clear();
    this.#waiting = [];
    await thread?.terminate();
  }

  #next(): void {
    const before = this.#waiting;
    this.#waiting = [];
    for (const job of before) {
      if (this.#running.has(job.name)) this.#waiting.push(job);
      else this.#begin(job);
    }
    if (this.#running.size === 0) this.#thread?.unref();
  }

  #begin(job: NodeJob): void {
    try {
      this.#thread ??= this.#newThread();
      this.#thread.ref();
      this.#running.set(job.name, job);
      job.begin(this.#thread);
    } catch (error) {
      this.#running.delete(job.name);
      job.fail(jobFailed(job, messageOf(error)));
    }
  }

  #newThread(): Worker {
    const url = new URL('./node-job-thread.ts', import.meta.url);
    const { heapMb } = this.#options;
    const oldGeneration = heapMb === undefined ? {} : { maxOldGenerationSizeMb: heapMb };
    const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_MB_MAX, ...oldGeneration };
    const workerData: ThreadData = this.#options;
    const thread = new Worker(url, { workerData, name: 'kvorum jobs', resourceLimits });
    let why: unknown;
    thread.on('message', (answer: ThreadAnswer) => this.#end(answer));
    thread.on('error', (error) => {
      why = error;
    });
    thread.on('exit', (code) => {
      if (this.#thread !== thread) return;
      this.#thread = undefined;
      this.#failRunning(why === undefined ? `exit code ${code}` : messageOf(why));
    });
    return thread;
  }

  #abort(job: NodeJob): void {
    if (this.#running.get(job.name) === job) {
      const thread = this.#thread;
      this.#thread = undefined;
      void thread?.terminate();
      this.#failRunning('it was ended');
      return;
    }
    this.#waiting = this.#waiting.filter((each) => each !== job);
    job.fail(jobFailed(job, 'it was ended before it began'));
  }

  /** They were on a thread that is gone. */
  #failRunning(why: string): void {
    for (const job of this.#running.values()) job.fail(jobFailed(job, why));
    this.#running.clear();
    this.#next();
  }

  #end(answer: ThreadAnswer): void {
    this.#running.get(answer.name)?.end(answer);
    this.#running.delete(answer.name);
    this.#next();
  }
}

class NodeJob implements Job {
  readonly name: string;
  readonly done: Promise<unknown>;
  readonly #order: unknown;
  readonly #onAbort: (job: NodeJob) => void;
  readonly #settle = Promise.withResolvers<unknown>();
  #thread: Worker | undefined;
  /** What was asked before it began. */
  readonly #early: ThreadWish[] = [];
  #isOver = false;

  constructor(name: string, order: unknown, onAbort: (job: NodeJob) => void) {
    this.name = name;
    this.#order = order;
    this.#onAbort = onAbort;
    this.done = this.#settle.promise;
  }

  setPace(bytesPerSecond: number): void {
    this.#tell({ kind: 'pace', bytesPerSecond });
  }

  cancel(): void {
    this.#tell({ kind: 'cancel' });
  }

  abort(): void {
    if (!this.#isOver) this.#onAbort(this);
  }

  begin(thread: Worker): void {
    this.#thread = thread;
    this.#tell({ kind: 'run', order: this.#order });
    for (const wish of this.#early) this.#tell(wish);
  }

  end(outcome: ThreadOutcome): void {
    this.#isOver = true;
    if (outcome.kind === 'done') this.#settle.resolve(outcome.answer);
    else if (outcome.kind === 'broke') this.#settle.reject(new Error(outcome.stack));
    else this.#settle.reject(new KvorumError(outcome.code, outcome.message, outcome.fix));
  }

  fail(error: KvorumError): void {
    this.#isOver = true;
    this.#settle.reject(error);
  }

  #tell(wish: ThreadWish): void {
    if (this.#isOver) return;
    if (this.#thread === undefined) this.#early.push(wish);
    else this.#thread.postMessage({ name: this.name, ...wish } satisfies ThreadMessage);
  }
}

function jobFailed(job: NodeJob, why: string): KvorumError {
  const message = `the thread of the background job "${job.name}" died: ${why}`;
  const fix = 'The node tries again by itself. If it repeats, give the process more memory.';
  return new KvorumError('JOB_FAILED', message, fix);
}

function closed(): KvorumError {
  const fix = 'Nothing to do: the work goes on when the node starts again.';
  return new KvorumError('CLOSED', 'the background jobs of this node are closed', fix);
}
