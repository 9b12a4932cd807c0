// When to move large values: a value file is written once, and what is overwritten or removed is
// garbage in it until the file goes. It goes when no table refers to it any more; so values of it
// that live are written again by compactions, into another file, and their pointers change.
//
//   values-7   live ▒▒▒▒ ▒▒▒▒ live ▒▒▒▒   ──►   values-12   live live
//                                               table 4, rewritten in its place, points there now
//
// It is due when more than GARBAGE_SHARE_MAX of all value files is garbage. Then those of which the
// least lives are given up (the greedy cleaning of log-structured file systems: Rosenblum &
// Ousterhout, TOCS 1992): every compaction that passes over their values moves them, and a step of
// its own does so table by table, if that frees more than it writes, tables included: many small
// values are not rewritten for the sake of a few large ones, before those take as much.
//
// What it costs where values are overwritten evenly: in a queue of files of which the share u lives
// the oldest has u' left, u = (u' - 1) / ln u'. At u = 0.6 that is 0.32, and u' / (1 - u'), half a
// byte, is moved for each byte that is written. At u = 0.5 it is a quarter, for more space.
//
// Pure: no clock, no disk, no network; dice are an argument.

import type { TableInfo } from '../table-info.ts';
import type { ValueMoves } from '../values/value-mover.ts';
import { bytesOfUses, liveBytesByFile, type ValueUse } from '../values/value-use.ts';
import type { CompactionPlan } from './compaction-plan.ts';
import { bytesOf } from './table-stacks.ts';

/** A value file that tables refer to. */
export interface ValueFileInfo {
  readonly number: number;
  /** Of all its records, garbage included. */
  readonly bytes: number;
}

export interface Relocation {
  /** Numbers of the value files that are given up. */
  readonly files: ReadonlySet<number>;
  /** The step for this alone; undefined: it would write more than it frees. */
  readonly plan: CompactionPlan | undefined;
}

export interface CompactionStep {
  readonly plan: CompactionPlan;
  /** Numbers of value files that are given up: what is moved with the pointers of the inputs. */
  readonly givenUp: ReadonlySet<number>;
}

interface Candidate extends ValueFileInfo {
  readonly liveBytes: number;
}

const GARBAGE_SHARE_MAX = 0.4;
/** Of everything: what is in two places until the files that were given up are gone. */
const ROOM_SHARE = 1 / 8;

/**
 * Undefined when nothing is due. `files`: those that can be read. What a suspect refers to stays
 * where it is, for a suspect is not rewritten.
 */
export function planRelocation(
  sound: readonly TableInfo[],
  suspects: readonly TableInfo[],
  files: readonly ValueFileInfo[],
): Relocation | undefined {
  const held = liveBytesByFile(usesOf(suspects));
  const live = liveBytesByFile(usesOf(sound));
  const candidates = files
    .filter(({ number }) => live.has(number) && !held.has(number))
    .map((file) => ({ ...file, liveBytes: live.get(file.number) as number }));
  const liveBytes = liveBytesOf(candidates);
  const garbageBytes = garbageBytesOf(candidates);
  if (garbageBytes <= GARBAGE_SHARE_MAX * (liveBytes + garbageBytes)) return undefined;
  const givenUp = leastAlive(candidates, ROOM_SHARE * (liveBytes + bytesOf(sound)));
  const numbers = new Set(givenUp.map(({ number }) => number));
  const users = sound.filter((table) => bytesToMove([table], numbers) > 0);
  const isWorthIt = garbageBytesOf(givenUp) >= liveBytesOf(givenUp) + bytesOf(users);
  const urgency = garbageBytes / liveBytes / (GARBAGE_SHARE_MAX / (1 - GARBAGE_SHARE_MAX));
  return { files: numbers, plan: isWorthIt ? planOf(users, numbers, urgency) : undefined };
}

/** What may be done next, the best first; the others need less room. */
export function stepsOf(
  plan: CompactionPlan | undefined,
  relocation: Relocation | undefined,
): CompactionStep[] {
  const nothing: ReadonlySet<number> = new Set();
  const alone = plan === undefined ? [] : [{ plan, givenUp: nothing }];
  if (relocation === undefined) return alone;
  const { files, plan: own } = relocation;
  const best = (own?.urgency ?? 0) > (plan?.urgency ?? 0) ? own : plan;
  return best === undefined ? alone : [{ plan: best, givenUp: files }, ...alone];
}

/** What a compaction of `inputs` has to do; `files`: those that are given up. */
export function movesOf(
  inputs: readonly TableInfo[],
  files: ReadonlySet<number>,
  fileBytesMax: number,
): Omit<ValueMoves, 'numbersFrom'> {
  const numbersCount = 1 + Math.ceil(bytesToMove(inputs, files) / fileBytesMax);
  return { from: [...files], numbersCount, fileBytesMax };
}

/** Of the values of the tables that stand in `files`. */
export function bytesToMove(tables: readonly TableInfo[], files: ReadonlySet<number>): number {
  return bytesOfUses(usesOf(tables).filter(({ file }) => files.has(file)));
}

/** At least one, and no more than is moved within the room. */
function leastAlive(candidates: readonly Candidate[], roomBytes: number): Candidate[] {
  const share = ({ bytes, liveBytes }: Candidate) => liveBytes / bytes;
  const sorted = candidates
    .filter((file) => share(file) < 1 - GARBAGE_SHARE_MAX)
    .sort((one, other) => share(one) - share(other));
  let room = roomBytes;
  const fit = sorted.findIndex(({ liveBytes }) => {
    room -= liveBytes;
    return room < 0;
  });
  return fit < 0 ? sorted : sorted.slice(0, Math.max(1, fit));
}

/** One table in its place: the one whose rewriting moves most for what it takes itself. */
function planOf(
  users: readonly TableInfo[],
  files: ReadonlySet<number>,
  urgency: number,
): CompactionPlan {
  const gain = (table: TableInfo) => bytesToMove([table], files) / table.bytes;
  const table = users.reduce((best, each) => (gain(each) > gain(best) ? each : best));
  return {
    kind: 'relocation',
    inputs: [table],
    outputs: [{ from: table.firstKey, level: table.level, isBottom: false }],
    numbersCount: 1,
    tableBytesMax: Number.POSITIVE_INFINITY,
    urgency,
  };
}

function usesOf(tables: readonly TableInfo[]): ValueUse[] {
  return tables.flatMap(({ values }) => values);
}

function liveBytesOf(files: readonly Candidate[]): number {
  return files.reduce((sum, { liveBytes }) => sum + liveBytes, 0);
}

function garbageBytesOf(files: readonly Candidate[]): number {
  return files.reduce((sum, { bytes, liveBytes }) => sum + bytes - liveBytes, 0);
}
