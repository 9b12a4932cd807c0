// The next ring after members have joined, left, or changed their capacity: it moves the fewest
// slots that bring all of them back to their quotas (hand-over.ts), then tunes which slots those
// are (polish.ts) until the replica loads are even again.
//
// A member that joins S equal ones draws 16,384 / (S + 1) slots, and nothing moves between the
// others, but for a few in a hundred of that number where replica loads would drift otherwise.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { assert } from '../base/assert.ts';
import { type Dice, diceOf } from './dice.ts';
import { Draft } from './draft.ts';
import { handOver } from './hand-over.ts';
import type { PlacementOptions } from './placement.ts';
import { polish } from './polish.ts';
import { checkMembers, checkRing, type Member, type Ring } from './ring.ts';

/** Moves beyond the fewest possible that may be spent on even replica loads. */
const EXTRA_MOVES = 0.04;
const POLISH_ATTEMPTS = 5_000;
/** Plans made with other dice, until one has no replica load further from ideal than that. */
const PLANS_MAX = 4;
const ERROR_MAX = 0.045;
/** After two plans that are this far off, the topology is to blame: hosts or racks too uneven. */
const ERROR_HOPELESS = 0.1;

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
  const everyone = [...members, ...leaving(ring, members)];
  const owners = ownersAmong(ring, everyone);
  let best: Draft | undefined;
  let error = Number.POSITIVE_INFINITY;
  for (let plan = 0; plan < PLANS_MAX && error > ERROR_MAX; plan++) {
    const draft = new Draft({ members: everyone, stayingCount: members.length, owners, n });
    replan(draft, owners, diceOf(seed + PLANS_MAX * ring.epoch + plan));
    if (draft.worst.error < error) [best, error] = [draft, draft.worst.error];
    if (plan > 0 && error > ERROR_HOPELESS) break;
  }
  assert(best !== undefined, 'at least one plan is made');
  return { epoch: ring.epoch + 1, members, owners: best.runs.toOwners() };
}

function replan(draft: Draft, owners: Uint16Array, dice: Dice): void {
  handOver(draft, dice);
  const planned = draft.runs.toOwners();
  const moves = planned.reduce((sum, owner, slot) => sum + Number(owner !== owners[slot]), 0);
  const movesMax = Math.floor(moves * (1 + EXTRA_MOVES));
  if (moves > 0) polish(draft, { dice, attempts: POLISH_ATTEMPTS, living: { owners, movesMax } });
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
