// A compaction under way, as the engine sees it: the job on its thread, at a pace that the latency
// of the foreground sets. What it returns is plain data again of the types that it was before.

import type { Clock, Jobs, Timer } from '../../host/host.ts';
import { thawed } from '../table-info.ts';
import type { CompactionJob, CompactionResult } from './compaction-job.ts';
import { nextPace, PACE_START, PACE_WINDOW_MS } from './compaction-pace.ts';

export interface Compaction {
  /** Rejects as runCompaction() does, with JOB_FAILED when its thread died, or with CLOSED. */
  readonly done: Promise<CompactionResult>;
  /** `done` then resolves as cancelled, unless it was too late. */
  cancel(): void;
}

/** Late timers within a window tell how long a request would have waited for its turn. */
const PROBE_MS = 10;

/** `isBehind`: asked now and then; true while writes wait for compaction rather than reads. */
export function startCompaction(
  { jobs, clock }: { readonly jobs: Jobs; readonly clock: Clock },
  job: CompactionJob,
  isBehind: () => boolean = () => false,
): Compaction {
  const running = jobs.start('compaction', job);
  let pace = PACE_START;
  running.setPace(pace);
  const stop = watchLateness(clock, (latenessMs) => {
    pace = nextPace(pace, { latenessMs, isBehind: isBehind() });
    running.setPace(pace);
  });
  const done = running.done.then(resultOf).finally(stop);
  return { done, cancel: () => running.cancel() };
}

function resultOf(answer: unknown): CompactionResult {
  const result = answer as CompactionResult;
  return result.kind === 'done' ? { ...result, tables: result.tables.map(thawed) } : result;
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
