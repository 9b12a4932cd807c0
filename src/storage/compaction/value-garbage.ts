// When to move large values: a value file is written once, and what is overwritten or removed stays
// in it as garbage until the file goes. It goes when no table refers to it any more; so the values
// of it that live are written again by compactions, into another file, and the pointers change.
//
//   values-7   live ▒▒▒▒ ▒▒▒▒ live ▒▒▒▒   ──►   values-12   live live      table 4, rewritten in its
//                                                                          place, points there now
//
// It is due when more than GARBAGE_SHARE_MAX of all value files is garbage. Then those of which the
// least lives are given up (the greedy cleaning of log-structured file systems: Rosenblum &
// Ousterhout, TOCS 1992): every compaction that passes over their values moves them, and a step of
// its own does so table by table, if that frees more than it writes, tables included: many small
// values are not rewritten for the sake of a few large ones, before those take as much.
//
// What it costs, when values are overwritten evenly: of a queue of files of which the share u lives,
// the oldest has u' left, u = (u' - 1) / ln u'. At u = 0.6 that is 0.32, and u' / (1 - u'), half a
// byte, is moved for each byte that is written. At u = 0.5 it were a quarter, but twice the space.
//
// Pure: no clock, no disk, no network; dice are an argument.

import type { TableInfo } from '../table-info.ts';
import { bytesOfUses } from '../values/value-use.ts';

/** A value file that tables refer to. */
export interface ValueFileInfo {
  readonly number: number;
  /** Of all its records, garbage included. */
  readonly bytes: number;
}

export interface Relocation {
  /** Numbers of the value files that are given up. */
  readonly files: ReadonlySet<number>;
  /** The table that is worth rewriting for this alone, before all others. */
  readonly table: TableInfo | undefined;
  /** How much this should be done: 1 is due. */
  readonly urgency: number;
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
  const held = liveBytesByFile(suspects);
  const live = liveBytesByFile(sound);
  const candidates = files
    .filter(({ number }) => live.has(number) && !held.has(number))
    .map((file) => ({ ...file, liveBytes: live.get(file.number) as number }));
  const bytes = sumOf(candidates, (file) => file.bytes);
  const liveBytes = sumOf(candidates, (file) => file.liveBytes);
  const garbageBytes = bytes - liveBytes;
  if (garbageBytes <= GARBAGE_SHARE_MAX * bytes) return undefined;
  const roomBytes = ROOM_SHARE * (liveBytes + sumOf(sound, (table) => table.bytes));
  const givenUp = leastAlive(candidates, roomBytes);
  const numbers = new Set(givenUp.map(({ number }) => number));
  const urgency = garbageBytes / liveBytes / (GARBAGE_SHARE_MAX / (1 - GARBAGE_SHARE_MAX));
  return { files: numbers, table: bestTable(sound, givenUp, numbers), urgency };
}

/** Bytes of the table's values that stand in `files`. */
export function bytesToMove({ values }: TableInfo, files: ReadonlySet<number>): number {
  return bytesOfUses(values.filter(({ file }) => files.has(file)));
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

function bestTable(
  tables: readonly TableInfo[],
  givenUp: readonly Candidate[],
  files: ReadonlySet<number>,
): TableInfo | undefined {
  const users = tables.filter((table) => bytesToMove(table, files) > 0);
  const written = sumOf(givenUp, (file) => file.liveBytes) + sumOf(users, (table) => table.bytes);
  const freed = sumOf(givenUp, (file) => file.bytes - file.liveBytes);
  if (freed < written) return undefined;
  const gain = (table: TableInfo) => bytesToMove(table, files) / table.bytes;
  return users.reduce((best, table) => (gain(table) > gain(best) ? table : best));
}

function liveBytesByFile(tables: readonly TableInfo[]): Map<number, number> {
  const live = new Map<number, number>();
  for (const { values } of tables) {
    for (const { file, bytes } of values) live.set(file, (live.get(file) ?? 0) + bytes);
  }
  return live;
}

function sumOf<T>(all: readonly T[], bytesOf: (each: T) => number): number {
  return all.reduce((sum, each) => sum + bytesOf(each), 0);
}
