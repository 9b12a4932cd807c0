// What keeps contexts short. A node that did not stop in order goes on as a new actor, so a key
// that is written across many crashes gathers an entry for each life of each of its coordinators.
// Lives that have a successor are over: nothing is written under them any more.
//
//   closing   When every primary has confirmed the very same object, each write of an earlier life
//             that any of them had acknowledged is in it. So the last entry of each node may speak
//             for all lives before: it is closed, and their entries go. Nothing is forgotten: what
//             still comes from an earlier life (a late frame, a hint, a restored disk) was covered
//             before, or was never acknowledged. Not where a sibling stands that an earlier life
//             wrote: its dot needs its entry. Nor for a node that wrote while it stood in for
//             primaries: what was acknowledged of it they need not have.
//   cutting   While a primary is away there is no such confirmation. A context beyond ACTORS_MAX
//             loses the oldest of these entries and says so for ever (the cut). What a replica
//             brings that was away so long may then come back as a sibling although it had been
//             replaced, but no value is ever lost, and replicas end up alike.
//
// Both are parts of the order in which objects grow: merging with a copy that is not pruned yields
// the pruned one, so no repair brings back what was pruned, and none is sent for it. The rule
// follows riak_core#613 ("prune stone") and bounds what DeCandia et al. ("Dynamo", SOSP 2007, 4.4)
// bound by age alone.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { compareDots, type Dot, incarnationOf, nodeNumberOf } from './dot.ts';
import {
  CUT,
  covers,
  cutOf,
  isSameNode,
  mergeVectors,
  type VectorEntry,
  type VersionVector,
} from './version-vector.ts';

/** Three are usual. Ten nodes that each crashed twice while another was away: worth a look. */
export const ACTORS_WARNED = 30;
/** 0.8 KB on the disk and in every message about the key. */
export const ACTORS_MAX = 100;

interface HasDot {
  readonly dot: Dot;
}

/** Whether closing might make it shorter. */
export function hasEarlierIncarnations(context: VersionVector): boolean {
  for (let i = 1; i < context.length; i++) {
    if (isSameNode(context[i - 1]!, context[i]!)) return true;
  }
  return false;
}

/**
 * The context of an object that all `primaries`, numbers of nodes, have confirmed: their lives are
 * closed. The same where nothing closes.
 */
export function closed(
  context: VersionVector,
  siblings: readonly HasDot[],
  primaries: readonly number[],
): VersionVector {
  const closings = context.filter((entry, i) => {
    if (!primaries.includes(nodeNumberOf(entry.actor))) return false;
    const before = context[i - 1];
    const isLast = i === context.length - 1 || !isSameNode(entry, context[i + 1]!);
    if (!isLast || before === undefined || !isSameNode(before, entry)) return false;
    return siblings.every(({ dot }) => dot.actor >= entry.actor || !isSameNode(dot, entry));
  });
  if (closings.length === 0) return context;
  const claims = closings.map((entry): VectorEntry => ({ ...entry, isClosed: true }));
  return mergeVectors(context, claims);
}

/**
 * The context as it may be stored with these siblings: without what its cut gives up, cut anew when
 * it is too long, and covering each sibling. The last life of a node and lives whose siblings stand
 * are never cut, however many they are.
 */
export function trimmed(context: VersionVector, siblings: readonly HasDot[]): VersionVector {
  const cutBefore = cutOf(context);
  if (cutBefore === 0 && context.length <= ACTORS_MAX) return context;
  const whole = withEach(context, siblings);
  const entries = whole.filter(({ actor }) => actor !== CUT);
  const old = entries.filter((entry, i) => {
    const next = entries[i + 1];
    const isOver = next !== undefined && isSameNode(entry, next);
    return isOver && siblings.every(({ dot }) => dot.actor !== entry.actor);
  });
  const cut = Math.max(cutBefore, cutFor(old, entries.length - ACTORS_MAX));
  const gone = new Set(old.filter(({ actor }) => incarnationOf(actor) < cut));
  if (cut === cutBefore && gone.size === 0) return whole;
  return [{ actor: CUT, counter: cut }, ...entries.filter((entry) => !gone.has(entry))];
}

/** The context with what the cut took from it and a sibling has brought back. */
function withEach(context: VersionVector, siblings: readonly HasDot[]): VersionVector {
  const missing = siblings.filter(({ dot }) => !covers(context, dot));
  if (missing.length === 0) return context;
  const entries = new Map(context.map((entry) => [entry.actor, entry]));
  for (const { dot } of missing) {
    const counter = Math.max(dot.counter, entries.get(dot.actor)?.counter ?? 0);
    entries.set(dot.actor, { actor: dot.actor, counter });
  }
  return [...entries.values()].sort(compareDots);
}

/** The incarnation below which at least `excess` of `old` lie. */
function cutFor(old: readonly VectorEntry[], excess: number): number {
  if (excess <= 0 || old.length === 0) return 0;
  const lives = old.map(({ actor }) => incarnationOf(actor)).sort((a, b) => a - b);
  return lives[Math.min(excess, lives.length) - 1]! + 1;
}
