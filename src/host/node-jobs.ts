// The real jobs of a node: one thread, started with the first job, on which one job runs at a time.
// A thread that dies takes only its job with it; the next job gets a new thread. The thread loads
// the bodies from modules that the composition root names: this folder knows none of them.

import { Worker } from 'node:worker_threads';
import { type ErrorCode, KvorumError, messageOf } from '../base/errors.ts';
import type { Job, Jobs } from './host.ts';

export interface NodeJobsOptions {
  /** The data directory of the node. */
  readonly directory: string;
  /** URLs of modules that export a `runJob`, by the name of the job. */
  readonly modules: Readonly<Record<string, string>>;
}

export type ThreadData = NodeJobsOptions;

export type ThreadMessage =
  | { readonly kind: 'run'; readonly name: string; readonly order: unknown }
  | { readonly kind: 'pace'; readonly bytesPerSecond: number }
  | { readonly kind: 'cancel' };

export type ThreadAnswer =
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
  readonly #waiting: NodeJob[] = [];
  #running: NodeJob | undefined;
  #thread: Worker | undefined;
  #isClosed = false;

  constructor(options: NodeJobsOptions) {
    this.#options = options;
  }

  start(name: string, order: unknown): Job {
    const job = new NodeJob(name, structuredClone(order));
    if (this.#isClosed) job.fail(closed());
    else this.#waiting.push(job);
    this.#next();
    return job;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const thread = this.#thread;
    this.#thread = undefined;
    this.#running?.fail(closed());
    for (const job of this.#waiting.splice(0)) job.fail(closed());
    this.#running = undefined;
    await thread?.terminate();
  }

  #next(): void {
    if (this.#running !== undefined) return;
    const job = this.#waiting.shift();
    if (job === undefined) {
      this.#thread?.unref();
      return;
    }
    this.#running = job;
    try {
      this.#thread ??= this.#newThread();
      this.#thread.ref();
      job.begin(this.#thread);
    } catch (error) {
      this.#end(jobFailed(job, messageOf(error)));
    }
  }

  #newThread(): Worker {
    const url = new URL('./node-job-thread.ts', import.meta.url);
    const thread = new Worker(url, { workerData: this.#options, name: 'kvorum jobs' });
    let why: unknown;
    thread.on('message', (answer: ThreadAnswer) => this.#end(answer));
    thread.on('error', (error) => {
      why = error;
    });
    thread.on('exit', (code) => {
      if (this.#thread !== thread) return;
      this.#thread = undefined;
      if (this.#running === undefined) return;
      this.#end(jobFailed(this.#running, why === undefined ? `exit code ${code}` : messageOf(why)));
    });
    return thread;
  }

  #end(answer: ThreadAnswer | KvorumError): void {
    this.#running?.end(answer);
    this.#running = undefined;
    this.#next();
  }
}

class NodeJob implements Job {
  readonly name: string;
  readonly done: Promise<unknown>;
  readonly #order: unknown;
  readonly #settle = Promise.withResolvers<unknown>();
  #thread: Worker | undefined;
  /** What was asked before it began. */
  readonly #early: ThreadMessage[] = [];
  #isOver = false;

  constructor(name: string, order: unknown) {
    this.name = name;
    this.#order = order;
    this.done = this.#settle.promise;
  }

  setPace(bytesPerSecond: number): void {
    this.#tell({ kind: 'pace', bytesPerSecond });
  }

  cancel(): void {
    this.#tell({ kind: 'cancel' });
  }

  begin(thread: Worker): void {
    this.#thread = thread;
    thread.postMessage({ kind: 'run', name: this.name, order: this.#order });
    for (const message of this.#early) thread.postMessage(message);
  }

  end(answer: ThreadAnswer | KvorumError): void {
    this.#isOver = true;
    if (answer instanceof KvorumError) this.#settle.reject(answer);
    else if (answer.kind === 'done') this.#settle.resolve(answer.answer);
    else if (answer.kind === 'broke') this.#settle.reject(new Error(answer.stack));
    else this.#settle.reject(new KvorumError(answer.code, answer.message, answer.fix));
  }

  fail(error: KvorumError): void {
    this.end(error);
  }

  #tell(message: ThreadMessage): void {
    if (this.#isOver) return;
    if (this.#thread === undefined) this.#early.push(message);
    else this.#thread.postMessage(message);
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
