// When which file is read: one pass over all files in a period, each at its share of the bytes, so
// that the disk has as little to do at any time as possible.
//
//   ├── table 3 ──┼─ values 4 ─┼──── table 9 ────┼ … ┤ log, manifest
//   began         due          due                    began + period: the next pass
//
// A pass goes from the lowest number to the highest, and ends before what was written since it
// began. So one number says how far it is, whatever compaction does meanwhile: what it makes gets
// higher numbers, and is read in the next pass, or in this one where it was due anyway.
//
// Pure: no clock, no disk, no network; dice are an argument.

export interface ScrubPass {
  /** Milliseconds since 1970. */
  readonly beganMs: number;
  /** Files below this number were read. */
  readonly next: number;
  /** Files from this number on are newer than the pass. */
  readonly end: number;
}

export interface NumberedFile {
  readonly kind: 'table' | 'values';
  /** No other file of the directory has it, whatever its kind. */
  readonly number: number;
  readonly bytes: number;
}

export type ScrubStep =
  | { readonly kind: 'file'; readonly file: NumberedFile; readonly dueMs: number }
  | { readonly kind: 'end'; readonly dueMs: number };

/** `files`: those that live now, in any order. */
export function nextStep(
  pass: ScrubPass,
  files: readonly NumberedFile[],
  periodMs: number,
): ScrubStep {
  const older = files.filter(({ number }) => number < pass.end);
  const left = older.filter(({ number }) => number >= pass.next);
  const [first, ...rest] = left;
  if (first === undefined) return { kind: 'end', dueMs: pass.beganMs + periodMs };
  const file = rest.reduce((lowest, each) => (each.number < lowest.number ? each : lowest), first);
  const dueMs = pass.beganMs + periodMs * (1 - bytesOf(left) / bytesOf(older));
  return { kind: 'file', file, dueMs };
}

function bytesOf(files: readonly NumberedFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
