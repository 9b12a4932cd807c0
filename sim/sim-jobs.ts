// The jobs of one life of a simulated node: the real bodies, in this process, on the simulated disk
// and in virtual time. After a crash nothing of them happens any more, as with everything else of
// that life. Orders and answers are copied as between threads, so that no test gets by without.

import { KvorumError } from '../src/base/errors.ts';
import type { Clock, Disk, Job, JobBody, Jobs } from '../src/host/host.ts';
import { JobPacer } from '../src/host/job-pacer.ts';

export type JobBodies = Readonly<Record<string, JobBody>>;

export class SimJobs implements Jobs {
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #bodies: JobBodies;
  /** By name; each settles, always well, when the last job that was started is over. */
  readonly #lastTurns = new Map<string, Promise<unknown>>();
  readonly #open = new Set<{ pacer: JobPacer; reject(error: KvorumError): void }>();
  #isClosed = false;

  constructor(disk: Disk, clock: Clock, bodies: JobBodies) {
    this.#disk = disk;
    this.#clock = clock;
    this.#bodies = bodies;
  }

  start(name: string, order: unknown): Job {
    const body = this.#bodies[name] as JobBody;
    const copy = structuredClone(order);
    const pacer = new JobPacer(this.#clock);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const aborted = Promise.withResolvers<void>();
    let isAborted = false;
    if (this.#isClosed) reject(closed());
    const job = { pacer, reject };
    this.#open.add(job);
    const run = async () => {
      if (!this.#isClosed && !isAborted) {
        const answered = body(this.#disk, copy, pacer).then(
          (answer) => resolve(structuredClone(answer)),
          reject,
        );
        // What was aborted may never end: the next does not wait for it.
        await Promise.race([answered, aborted.promise]);
      }
      this.#open.delete(job);
    };
    const lastTurn = this.#lastTurns.get(name) ?? Promise.resolve();
    this.#lastTurns.set(name, lastTurn.then(run));
    return {
      done: promise,
      setPace: (bytesPerSecond) => pacer.setPace(bytesPerSecond),
      cancel: () => pacer.cancel(),
      abort: () => {
        isAborted = true;
        aborted.resolve();
        reject(new KvorumError('JOB_FAILED', `the job "${name}" was ended`, 'Start it again.'));
      },
    };
  }

  /** A promise cannot be stopped as a thread can: what is under way is cancelled and waited for. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { pacer, reject } of this.#open) {
      reject(closed());
      pacer.cancel();
    }
    await Promise.all(this.#lastTurns.values());
  }
}

function closed(): KvorumError {
  return new KvorumError(
    'CLOSED',
    'the background jobs of this node are closed',
    'Start it again.',
  );
}
