// The next ring after members have joined, left, or changed their capacity: it moves the fewest
// slots that bring all of them back to their quotas (hand-over.ts), then tunes which slots those
// are (polish.ts) until the replica loads are even again.
//
// A member that joins S equal ones draws 16,384 / (S + 1) slots, and nothing moves between the
// others, but for a few in a hundred of that number where replica loads would drift otherwise.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { diceOf } from './dice.ts';
import { Draft } from './draft.ts';
import { handOver } from './hand-over.ts';
import type { PlacementOptions } from './placement.ts';
import { polish } from './polish.ts';
import { checkMembers, checkRing, type Member, type Ring } from './ring.ts';

/** Moves beyond the fewest possible that may be spent on even replica loads. */
const EXTRA_MOVES = 0.03;
const POLISH_ATTEMPTS = 1_000;

/**
 * The ring of the next epoch, for exactly these members; those with the id of a member of `ring`
 * are that member. Throws PLACEMENT_IMPOSSIBLE, see checkMembers.
 */
export function rebalance(
  ring: Ring,
  members: readonly Member[],
  { n, seed = 1 }: PlacementOptions,
): Ring {
  checkRing(ring);
  checkMembers(members);
  const dice = diceOf(seed + ring.epoch);
  const everyone = [...members, ...leaving(ring, members)];
  const owners = ownersAmong(ring, everyone);
  const draft = new Draft({ members: everyone, stayingCount: members.length, owners, n });
  handOver(draft, dice);
  const moves = draft.runs
    .toOwners()
    .reduce((sum, owner, slot) => sum + Number(owner !== owners[slot]), 0);
  const movesMax = Math.floor(moves * (1 + EXTRA_MOVES));
  if (moves > 0) polish(draft, { dice, attempts: POLISH_ATTEMPTS, living: { owners, movesMax } });
  return { epoch: ring.epoch + 1, members, owners: draft.runs.toOwners() };
}

function leaving(ring: Ring, members: readonly Member[]): Member[] {
  const staying = new Set(members.map(({ id }) => id));
  return ring.members.filter(({ id }) => !staying.has(id));
}

/** The owners of today as indices in another list of members. */
function ownersAmong(ring: Ring, members: readonly Member[]): Uint16Array {
  const indexOf = new Map(members.map(({ id }, index) => [id, index]));
  const indices = ring.members.map(({ id }) => indexOf.get(id) as number);
  return ring.owners.map((owner) => indices[owner] as number);
}
