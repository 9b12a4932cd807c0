// How many could take a write of a key now: those of its primaries that seem alive, and as many
// fallbacks as there are primaries away. Where copies are counted per data center a fallback stands
// in for primaries of its own only.

import { type ClusterView, livingFallbacks } from '../cluster-view.ts';
import type { Keyspace } from '../keyspace.ts';
import type { KeyAt } from '../messages.ts';
import type { MemberIndex } from '../peers.ts';
import { counts, type Progress, type Share } from './need.ts';

/** A key, and who is responsible for it. */
export interface Place {
  readonly keyspace: Keyspace;
  readonly at: KeyAt;
  readonly primaries: readonly MemberIndex[];
}

/** Of those that the share counts; this node among them, primary or not. */
export function ableOf(view: ClusterView, place: Place, share: Share): Progress {
  return { ...share, got: countAble(view, place, share) };
}

/** Primaries that the share counts and that seem alive. */
export function countAlive(view: ClusterView, primaries: Place['primaries'], share: Share) {
  let alive = 0;
  for (const member of primaries) {
    if (counts(share, view, member) && view.isAlive(member)) alive += 1;
  }
  return alive;
}

function countAble(view: ClusterView, place: Place, share: Share): number {
  const { keyspace, at, primaries } = place;
  const { dataCenter } = share;
  const { copies, n } = keyspace;
  const alive = countAlive(view, primaries, share);
  const most = dataCenter === undefined ? n : (copies?.[dataCenter] ?? 0);
  if (alive === most) return alive;
  if (dataCenter === undefined && copies !== undefined) {
    const each = Object.keys(copies).map((name) => ({ ...share, dataCenter: name }));
    return each.reduce((sum, there) => sum + countAble(view, place, there), 0);
  }
  const own = !primaries.includes(view.self) && counts(share, view, view.self) ? 1 : 0;
  const others = [...livingFallbacks(view, keyspace, at.slot, dataCenter)];
  return Math.min(most, alive + own + others.length);
}
