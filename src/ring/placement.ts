// Deals the slots of a new ring: to each member its quota, exact to the slot, in about 16 runs of
// equal length, so mixed that the runs after those of one member belong to all others in turn.
//
//   A B C D  B D A C  D C B A  …        each letter a run; four equal members, n = 3
//
// With equal runs, and every `n` neighbours on distinct hosts, the replica load of a member is n
// times its quota exactly. That is why the runs of all members have one length, and larger
// members have more of them. What the dealing leaves uneven, exchanges of equal pieces even out.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { SLOT_COUNT } from '../base/ids.ts';
import { type Dice, diceOf } from './dice.ts';
import { Draft } from './draft.ts';
import { interleaved } from './interleaving.ts';
import { polish } from './polish.ts';
import { exactQuotas, RUNS_PER_MEMBER } from './quota.ts';
import { type Replication, totalOf } from './replica-rule.ts';
import { checkMembers, type Member, type Ring } from './ring.ts';

const POLISH_ATTEMPTS_PER_RUN = 4;

export interface PlacementOptions {
  /** Replicas to balance for: N, or counts, of the keyspace that matters most. */
  readonly n: Replication;
  /** Another seed, another ring; the same seed, the same ring. */
  readonly seed?: number;
}

/** A ring of epoch 1; throws PLACEMENT_IMPOSSIBLE, see checkMembers. */
export function placeTokens(members: readonly Member[], { n, seed = 1 }: PlacementOptions): Ring {
  checkMembers(members);
  const dice = diceOf(seed);
  const quotas = exactQuotas(members);
  const order = interleaved(dueRuns(quotas, dice), members, totalOf(n), dice);
  const owners = dealt(order, quotas);
  const draft = new Draft({ members, stayingCount: members.length, owners, n });
  polish(draft, { dice, attempts: POLISH_ATTEMPTS_PER_RUN * order.length });
  return { epoch: 1, members, owners: draft.runs.toOwners() };
}

/**
 * One entry for each run, the member that it belongs to, in the order in which it is due: those
 * of one member evenly over the ring, each a little off by a throw of dice.
 */
function dueRuns(quotas: Int32Array, dice: Dice): number[] {
  const length = Math.max(1, SLOT_COUNT / (RUNS_PER_MEMBER * quotas.length));
  const due: { readonly at: number; readonly member: number }[] = [];
  for (const [member, quota] of quotas.entries()) {
    const runs = Math.max(1, Math.round(quota / length));
    for (let run = 0; run < runs; run++) due.push({ at: (run + dice(1000) / 1000) / runs, member });
  }
  return due.sort((a, b) => a.at - b.at || a.member - b.member).map(({ member }) => member);
}

/** The slots in that order: each member's quota cut into equal pieces. */
function dealt(order: readonly number[], quotas: Int32Array): Uint16Array {
  const owners = new Uint16Array(SLOT_COUNT);
  const runsLeft = new Int32Array(quotas.length);
  const slotsLeft = Int32Array.from(quotas);
  for (const member of order) runsLeft[member] = (runsLeft[member] as number) + 1;
  let slot = 0;
  for (const member of order) {
    const length = Math.round((slotsLeft[member] as number) / (runsLeft[member] as number));
    owners.fill(member, slot, slot + length);
    slotsLeft[member] = (slotsLeft[member] as number) - length;
    runsLeft[member] = (runsLeft[member] as number) - 1;
    slot += length;
  }
  return owners;
}
