// A job on its thread at a pace that the latency of the foreground sets: a compaction, or the check
// of a file. Timers of the foreground that come late tell how long a request would have waited.

import type { Clock, Jobs, Timer } from '../../host/host.ts';
import { nextPace, PACE_START, PACE_WINDOW_MS } from './compaction-pace.ts';

export interface PacedJob {
  /** What the body returned; rejects as Job.done does. */
  readonly done: Promise<unknown>;
  cancel(): void;
}

export interface PacedOrder {
  /** Of the job. */
  readonly name: string;
  readonly order: unknown;
  /** Asked now and then; true while writes wait for it rather than reads. */
  readonly isBehind?: () => boolean;
}

const PROBE_MS = 10;

export function startPacedJob(
  { jobs, clock }: { readonly jobs: Jobs; readonly clock: Clock },
  { name, order, isBehind = () => false }: PacedOrder,
): PacedJob {
  const job = jobs.start(name, order);
  let pace = PACE_START;
  job.setPace(pace);
  const stop = watchLateness(clock, (latenessMs) => {
    pace = nextPace(pace, { latenessMs, isBehind: isBehind() });
    job.setPace(pace);
  });
  return { done: job.done.finally(stop), cancel: () => job.cancel() };
}

/** Tells the latest of each window; returns what ends it. */
function watchLateness(clock: Clock, tell: (latenessMs: number) => void): () => void {
  let latestMs = 0;
  let windowFromMs = clock.monotonicMs();
  let timer: Timer;
  const probe = () => {
    const askedMs = clock.monotonicMs();
    timer = clock.after(PROBE_MS, () => {
      const nowMs = clock.monotonicMs();
      latestMs = Math.max(latestMs, nowMs - askedMs - PROBE_MS);
      if (nowMs - windowFromMs >= PACE_WINDOW_MS) {
        tell(latestMs);
        latestMs = 0;
        windowFromMs = nowMs;
      }
      probe();
    });
  };
  probe();
  return () => timer.cancel();
}
