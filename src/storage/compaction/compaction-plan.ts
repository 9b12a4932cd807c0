// What to compact next. One strategy that adapts to what is there, lazily levelled: tiers on top,
// where most writes happen, and one levelled run at the bottom, where most data is (Dayan & Idreos:
// "Dostoevsky", SIGMOD 2018), in regions of bounded size (Cassandra's unified strategy, CEP-26).
//
//   level 0      [--------------]  [--------------]  flushed, each over all keys
//   level 18     [ a   ][ b    ]                     a run made of fanOut flushed ones
//   level 19     [  ][  ][ ][  ]                     an older one, made of fanOut such runs
//   level 20     [][][][][][][][][][][][][][][][]    the last level: one run of everything
//
// Four kinds of steps, each within one region, so that none needs more than a few tables of room:
//
//   flushed   fanOut tables stand at level 0: all of them become one run
//   tier      fanOut runs of like size lie over a region: there they become one, fanOut × as dense
//   bottom    all above the last level together are 1/fanOut of it: where most of it lies over the
//             least, it is merged into the last level; everything at once while there is little
//   dropped   1/fanOut of a table was dropped since it was written: it is written again, alone, or
//             with all others of level 0
//
// So a byte is written once a tier and, at the end, with about fanOut bytes of the last level; the
// tables take at most 1 + 1/fanOut of what the last level takes; and a read asks at most fanOut - 1
// tables a tier, nearly all of which their filters answer.
//
// Levels say who is newer, and no more: for one key, a lower level is newer. An output sinks to the
// deepest level above whatever is older in its region, so that numbers do not run out.
//
// A removal is dropped where its output sinks to the last level and no suspect lies over it. For
// what may then still know its key? A sound table that is no input and not deeper is newer, as are
// memtables; a deeper one would have kept the output above it; and a table that becomes a suspect
// meanwhile was one of these.
//
// What is above the last level may hide as much in it as it weighs itself. So in the sum that makes
// the bottom step due, a large value that stands elsewhere counts in full, and a removal as much as
// an entry of the last level, for that is what it may free.
//
// Pure: no clock, no disk, no network; dice are an argument.

import type { DropMap } from '../drops/drop-map.ts';
import type { TableKey } from '../table-entry.ts';
import type { TableInfo } from '../table-info.ts';
import { bytesWithin, cut, keyAt, type Region, spanWithin } from './key-region.ts';
import { bytesOf, TableStacks } from './table-stacks.ts';

export interface PlanOptions {
  /** T: runs of a tier, and the last level over all above it. 4: space 1.25, few runs to read. */
  readonly fanOut: number;
  /** Tables are cut into about this; it bounds the room and the time of a step. */
  readonly tableBytesTarget: number;
  /** Where the data ends up. Levels below 1 + it are few, for readers visit each of them. */
  readonly lastLevel: number;
}

export const PLAN_DEFAULTS: PlanOptions = {
  fanOut: 4,
  tableBytesTarget: 64 * 1024 * 1024,
  lastLevel: 20,
};

export interface CompactionPlan {
  /** All but the last one are planned here, that in relocation.ts. */
  readonly kind: 'flushed' | 'tier' | 'bottom' | 'dropped' | 'relocation';
  readonly inputs: readonly TableInfo[];
  /** Where the output is cut: each begins a table, except where nothing is left to put into it. */
  readonly outputs: readonly PlannedOutput[];
  /** Table numbers to reserve. */
  readonly numbersCount: number;
  /** A table ends at this size even within its range. */
  readonly tableBytesMax: number;
  /** How much this should be done: 1 is due, fanOut is late. */
  readonly urgency: number;
}

export interface PlannedOutput {
  /** Entries from this key on, up to the next one's. */
  readonly from: TableKey;
  readonly level: number;
  /** Nothing that stays can hold something older of these keys: a removal has done its work. */
  readonly isBottom: boolean;
}

/** The inputs of a step before it is known where its output goes. */
interface Step {
  readonly kind: CompactionPlan['kind'];
  readonly inputs: readonly TableInfo[];
  readonly urgency: number;
}

/** Tables of full size in a step, if it can be had; up to here everything is merged at once. */
const STEP_TABLES_MAX = 8;

export interface TablesToPlan {
  readonly sound: readonly TableInfo[];
  /** They stay as they are, and may hold older entries at any level. */
  readonly suspects: readonly TableInfo[];
  readonly drops: DropMap;
}

/** The most urgent step for the tables that are sound; undefined when there is nothing to do. */
export function planCompaction(
  { sound, suspects, drops }: TablesToPlan,
  options: PlanOptions = PLAN_DEFAULTS,
): CompactionPlan | undefined {
  const stacks = new TableStacks(sound, suspects, options.lastLevel);
  const steps = [
    flushedStep(stacks, options),
    tierStep(stacks, options),
    bottomStep(stacks, options),
    droppedStep(stacks, drops, options),
  ];
  let most: Step | undefined;
  for (const step of steps) {
    if (step !== undefined && step.urgency > (most?.urgency ?? 0)) most = step;
  }
  if (most === undefined) return undefined;
  const plan = planned(most, stacks, options);
  if (plan.outputs.every(({ level }) => level > 0)) return plan;
  // Levels ran out: one run of everything above the last level needs but one of them.
  const inputs = sound.filter(({ level }) => level < options.lastLevel);
  return planned({ ...most, inputs }, stacks, options);
}

function flushedStep({ flushed }: TableStacks, { fanOut }: PlanOptions): Step | undefined {
  if (flushed.length < fanOut) return undefined;
  // Squared: each of them is asked by every read, so they must not wait behind the other kinds.
  return { kind: 'flushed', inputs: flushed, urgency: (flushed.length / fanOut) ** 2 };
}

/** The region with the most runs of like density, one above the other; of equals the smallest. */
function tierStep(stacks: TableStacks, { fanOut }: PlanOptions): Step | undefined {
  let best: Step | undefined;
  for (const region of stacks.upperRegions) {
    for (const runs of likeRuns(stacks.columnOf(region), region, fanOut)) {
      const inputs = runs.flat();
      const step: Step = { kind: 'tier', inputs, urgency: stacks.heightOf(inputs) / fanOut };
      if (step.urgency >= 1 && isBetter(step, best)) best = step;
    }
  }
  return best;
}

function isBetter(step: Step, other: Step | undefined): boolean {
  if (other === undefined || step.urgency > other.urgency) return true;
  return step.urgency === other.urgency && bytesOf(step.inputs) < bytesOf(other.inputs);
}

/** Neighbours in a column whose bytes are of one power of `fanOut`; or all of a high column. */
function likeRuns(
  column: readonly (readonly TableInfo[])[],
  region: Region,
  fanOut: number,
): (readonly TableInfo[])[][] {
  if (column.length >= 2 * fanOut) return [[...column]];
  const groups: (readonly TableInfo[])[][] = [];
  let tierBefore: number | undefined;
  for (const run of column) {
    const bytes = run.reduce((sum, table) => sum + bytesWithin(table, region), 0);
    const tier = Math.round(Math.log(bytes) / Math.log(fanOut));
    if (tier === tierBefore) groups.at(-1)?.push(run);
    else groups.push([run]);
    tierBefore = tier;
  }
  return groups;
}

function bottomStep(stacks: TableStacks, options: PlanOptions): Step | undefined {
  const { fanOut, tableBytesTarget } = options;
  const { above, aboveBytes, flushed, last, lastBytes } = stacks;
  if (lastBytes === 0) return firstBottom(stacks, options);
  const urgency = (stacks.weightOf(above) / stacks.weightOf(last)) * fanOut;
  if (urgency < 1) return undefined;
  const small = STEP_TABLES_MAX * tableBytesTarget;
  if (aboveBytes + lastBytes <= small) return { kind: 'bottom', inputs: stacks.all, urgency };
  let best: { readonly inputs: readonly TableInfo[]; readonly score: number } | undefined;
  for (const region of stacks.upperRegions) {
    const above = stacks.columnOf(region).flat();
    if (above.length === 0) continue;
    const inputs = [...above, ...stacks.lastIn(region)];
    // Much above little, and not much altogether.
    const share = stacks.weightOf(above) / bytesOf(inputs);
    const score = share * Math.min(1, small / bytesOf(inputs));
    if (score > (best?.score ?? 0)) best = { inputs, score };
  }
  // Without a run between, all that is above stands at level 0: it becomes one.
  return best === undefined
    ? { kind: 'flushed', inputs: flushed, urgency }
    : { kind: 'bottom', inputs: best.inputs, urgency };
}

/** While there is no last level, the oldest flushed table stands for it; it holds no removals. */
function firstBottom(stacks: TableStacks, { fanOut }: PlanOptions): Step | undefined {
  const isAtRest = stacks.all.every(({ removals }) => removals === 0);
  if (stacks.all.length < 2 && isAtRest) return undefined;
  return { kind: 'bottom', inputs: stacks.all, urgency: Math.max(1, stacks.all.length / fanOut) };
}

/** The table with the largest share of what was dropped: it costs least and frees most. */
function droppedStep(
  { all, flushed }: TableStacks,
  drops: DropMap,
  { fanOut }: PlanOptions,
): Step | undefined {
  if (drops.isEmpty) return undefined;
  let best: { readonly table: TableInfo; readonly share: number } | undefined;
  for (const table of all) {
    const share = drops.hiddenShare(table);
    if (share > (best?.share ?? 0)) best = { table, share };
  }
  if (best === undefined) return undefined;
  // Of level 0, one alone would sink below the others, whatever their age.
  const inputs = best.table.level === 0 ? flushed : [best.table];
  const urgency = best.share * fanOut;
  return urgency >= 1 ? { kind: 'dropped', inputs, urgency } : undefined;
}

function planned(
  { kind, inputs, urgency }: Step,
  stacks: TableStacks,
  { tableBytesTarget, lastLevel }: PlanOptions,
): CompactionPlan {
  // What is not an input is newer than all of them, or stands at a deeper level.
  const deepest = Math.max(...inputs.map(({ level }) => level));
  const outputs = cut(inputs, tableBytesTarget).map((region) => {
    const span = spanWithin(inputs, region);
    const level = stacks.deepestOver(span, deepest);
    const isBottom = level === lastLevel && !stacks.hasSuspectOver(span);
    return { from: keyAt(region.from), level, isBottom };
  });
  const tableBytesMax = 2 * tableBytesTarget;
  const spare = 2 * Math.ceil(bytesOf(inputs) / tableBytesMax);
  return {
    kind,
    inputs,
    outputs,
    numbersCount: outputs.length + spare,
    tableBytesMax,
    urgency,
  };
}
