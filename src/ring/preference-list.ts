// The preference list of every slot: its primaries, and the fallbacks that stand in for them.
// Computed once for each (epoch, replication), so that a request does one array look-up.
//
// The walk goes clockwise from the slot's owner, run by run, and ReplicaRule judges whom it meets.
// Every slot of a run sees the same walk, and equal lists are one array in memory.
//
// DeCandia et al.: "Dynamo" (SOSP 2007), 4.3 and 4.6.
//
// Invariant: the primaries and fallbacks of a slot stand on distinct hosts.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { SLOT_COUNT, type Slot } from '../base/ids.ts';
import { ReplicaRule, type Replication } from './replica-rule.ts';
import { checkRing, type Ring } from './ring.ts';
import { RunList } from './run-list.ts';

/** Fallbacks named for a slot; that many hosts would have to be down at once to run out. */
export const FALLBACKS_MAX = 8;

/** Indices in `ring.members`, in the order of the walk. */
export interface PreferenceList {
  readonly primaries: readonly number[];
  readonly fallbacks: readonly number[];
}

export class PreferenceTable {
  /** Primaries of every slot; what was asked for, capped at the number of hosts. */
  readonly n: number;
  /** The distinct lists. */
  readonly lists: readonly PreferenceList[];
  readonly #listOf: Uint16Array;

  constructor(n: number, lists: readonly PreferenceList[], listOf: Uint16Array) {
    this.n = n;
    this.lists = lists;
    this.#listOf = listOf;
  }

  /** The first is the owner of the slot, unless replication leaves out its data center. */
  primaries(slot: Slot): readonly number[] {
    return this.#list(slot).primaries;
  }

  /** Who stands in for an unreachable primary, best first; at most FALLBACKS_MAX. */
  fallbacks(slot: Slot): readonly number[] {
    return this.#list(slot).fallbacks;
  }

  #list(slot: Slot): PreferenceList {
    return this.lists[this.#listOf[slot] as number] as PreferenceList;
  }
}

/** Throws PLACEMENT_IMPOSSIBLE when the ring is malformed or a data center has too few hosts. */
export function preferenceLists(ring: Ring, replication: Replication): PreferenceTable {
  checkRing(ring);
  const owning = new Set(ring.owners);
  const rule = new ReplicaRule(ring.members, replication, (index) => owning.has(index));
  const runs = new RunList(ring.owners);
  const lists: PreferenceList[] = [];
  const known = new Map<string, number>();
  const listOf = new Uint16Array(SLOT_COUNT);
  for (const first of runs.firsts()) {
    const list = walk(runs, first, rule);
    const name = `${list.primaries}|${list.fallbacks}`;
    const index = known.get(name) ?? lists.push(list) - 1;
    known.set(name, index);
    listOf.fill(index, first, first + runs.length(first));
  }
  return new PreferenceTable(rule.n, lists, listOf);
}

function walk(runs: RunList, first: number, rule: ReplicaRule): PreferenceList {
  const primaries: number[] = [];
  const fallbacks: number[] = [];
  const fallbacksMax = Math.min(FALLBACKS_MAX, rule.hostCount - rule.n);
  rule.begin();
  let at = first;
  do {
    const member = runs.owner[at] as number;
    const part = rule.meet(member);
    if (part === 'primary') primaries.push(member);
    if (part === 'fallback') fallbacks.push(member);
    at = runs.next[at] as number;
  } while (at !== first && !(rule.isComplete && fallbacks.length >= fallbacksMax));
  if (fallbacks.length > fallbacksMax) fallbacks.length = fallbacksMax;
  return { primaries, fallbacks };
}
