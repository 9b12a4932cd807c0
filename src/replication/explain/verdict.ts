// Why a read of a key answers what it answers: every write that any replica still has, and what
// becomes of it when all of their copies are merged. For people who ask where their value went.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { compareDots, type Dot } from '../../causality/dot.ts';
import {
  isLive,
  keepLatest,
  mergeObjects,
  type ObjectVersion,
  type SiblingFacts,
} from '../../causality/siblings.ts';
import { covers, EMPTY_VECTOR } from '../../causality/version-vector.ts';
import type { ConflictRule } from '../keyspace.ts';

/**
 * `answered`: a read answers with it. `deleted`, `expired`: it stands there, but holds no value.
 * `replaced`: a replica that knows it has something in its place. `older`: concurrent with the
 * winner, which has a later hybrid time.
 */
export type Fate = 'answered' | 'deleted' | 'expired' | 'replaced' | 'older';

export interface Verdict {
  readonly sibling: SiblingFacts;
  readonly fate: Fate;
}

/** `versions`: those of the replicas that have one. Ordered as the dots are. */
export function verdicts(
  versions: readonly ObjectVersion[],
  rule: ConflictRule,
  nowMs: number,
): Verdict[] {
  const merged = mergedVersion(versions);
  const kept = rule === 'latest' ? keepLatest(merged) : merged;
  return allSiblings(versions).map((sibling) => {
    const { dot } = sibling;
    if (has(kept, dot)) return { sibling, fate: fateOfKept(sibling, nowMs) };
    const isReplaced = versions.some((each) => covers(each.context, dot) && !has(each, dot));
    return { sibling, fate: isReplaced && !has(merged, dot) ? 'replaced' : 'older' };
  });
}

export function mergedVersion(versions: readonly ObjectVersion[]): ObjectVersion {
  const empty: ObjectVersion = { context: EMPTY_VECTOR, siblings: [] };
  return versions.reduce<ObjectVersion>((all, each) => mergeObjects(all, each), empty);
}

function fateOfKept(sibling: SiblingFacts, nowMs: number): Fate {
  if (sibling.isTombstone) return 'deleted';
  return isLive(sibling, nowMs) ? 'answered' : 'expired';
}

function has({ siblings }: ObjectVersion, dot: Dot): boolean {
  return siblings.some((each) => compareDots(each.dot, dot) === 0);
}

/** Each once, whoever has it. */
function allSiblings(versions: readonly ObjectVersion[]): SiblingFacts[] {
  const byDot = new Map<string, SiblingFacts>();
  for (const { siblings } of versions) {
    for (const each of siblings) byDot.set(`${each.dot.actor}:${each.dot.counter}`, each);
  }
  return [...byDot.values()].sort((a, b) => compareDots(a.dot, b.dot));
}
