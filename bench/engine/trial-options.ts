// What a trial is told by the process that starts it.

export const PHASES = [
  'overwrite',
  'batches',
  'scan',
  'reads',
  'mixed',
  'small-cache',
  'synced',
  'amplification',
  'large',
] as const;

/** Every one but the last three begins with a fill. */
export type Phase = (typeof PHASES)[number] | 'fill';

export interface TrialOptions {
  readonly keys: number;
  readonly seed: number;
  readonly phases: readonly Phase[];
  /** What stands before its progress. */
  readonly title: string;
  /** What can be done in part ends after so many seconds; a fill is always whole. */
  readonly secondsMax: number;
  /** Where it makes its directory; the system's temporary directory without it. */
  readonly under?: string;
}
