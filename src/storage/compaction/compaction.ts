// A compaction under way, as the engine sees it: the job on its thread, at a pace that the latency
// of the foreground sets. What it returns is plain data again of the types that it was before.

import type { Clock, Jobs } from '../../host/host.ts';
import { thawed } from '../table-info.ts';
import type { CompactionJob, CompactionResult } from './compaction-job.ts';
import { startPacedJob } from './paced-job.ts';

export interface Compaction {
  /** Rejects as runCompaction() does, with JOB_FAILED when its thread died, or with CLOSED. */
  readonly done: Promise<CompactionResult>;
  /** `done` then resolves as cancelled, unless it was too late. */
  cancel(): void;
}

/** `isBehind`: asked now and then; true while writes wait for compaction rather than reads. */
export function startCompaction(
  host: { readonly jobs: Jobs; readonly clock: Clock },
  order: CompactionJob,
  isBehind?: () => boolean,
): Compaction {
  const { done, cancel } = startPacedJob(host, { name: 'compaction', order, isBehind });
  return { done: done.then(resultOf), cancel };
}

function resultOf(answer: unknown): CompactionResult {
  const result = answer as CompactionResult;
  return result.kind === 'done' ? { ...result, tables: result.tables.map(thawed) } : result;
}
