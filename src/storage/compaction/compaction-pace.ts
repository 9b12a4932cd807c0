// How fast compaction may read and write, by how late the foreground is: halved when it is late,
// raised by a step when it is not (additive increase, multiplicative decrease: Chiu & Jain 1989).
// One observation a window, so that a change is seen before the next one.
//
// Pure: no clock, no disk, no network; dice are an argument.

/** Long enough for some ten probes, short enough that a stall is answered within a blink. */
export const PACE_WINDOW_MS = 100;

/**
 * Half of the 20 ms that a request may notice; a collection of garbage stays below it, so
 * that it does not count.
 */
const LATENESS_MS_TARGET = 10;

const MIB = 1024 * 1024;
/** At this rate a step of 512 MiB takes a minute: slower would only let runs pile up. */
const PACE_MIN = 8 * MIB;
/** More than a thread merges (50 to 100 MiB a second): no limit at all. */
const PACE_MAX = 256 * MIB;
/** From the least to the most in three seconds of calm. */
const PACE_STEP = 8 * MIB;

/** Bytes a second. */
export const PACE_START = 64 * MIB;

export interface PaceObservation {
  /** How late a timer of the foreground was at most, within the window. */
  readonly latenessMs: number;
  /** Compaction is what writes wait for: it runs at full speed, whatever that costs reads. */
  readonly isBehind: boolean;
}

export function nextPace(pace: number, { latenessMs, isBehind }: PaceObservation): number {
  if (isBehind) return PACE_MAX;
  if (latenessMs > LATENESS_MS_TARGET) return Math.max(PACE_MIN, pace / 2);
  return Math.min(PACE_MAX, pace + PACE_STEP);
}
