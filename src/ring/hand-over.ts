// Brings every member back to its quota with the fewest slots moved: first those that own too
// little draw pieces from the others, then those that own too much (or leave) give theirs away.
//
// A piece is about one run long. Of forty gifts thrown by dice (fewer in an upheaval of the whole
// cluster), at the beginnings, the ends and in the midst of runs, the cheapest for the draft is
// made; half the dice favour long runs, so that those of the first members are cut down as the
// cluster grows.
//
// Fewest moves: while members above their range exist, drawing from others is held back so far
// that what is drawn in the end covers all that must be given.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { assert } from '../base/assert.ts';
import { SLOT_COUNT } from '../base/ids.ts';
import type { Dice } from './dice.ts';
import type { Draft, Gift } from './draft.ts';
import { type Quota, RUNS_PER_MEMBER } from './quota.ts';

const TRIALS_MAX = 40;
const TRIALS_MIN = 8;
/** Trials of a whole hand-over; about 50 µs each. */
const TRIALS_IN_ALL = 4_000;
/** A rest of a run shorter than this part of a piece is not left behind. */
const CRUMB = 1 / 3;

/** Who may give how much to whom. */
interface Offer {
  /** Gifts to compare before one is made. */
  readonly trials: number;
  /** Slots that a member may give. */
  spare(member: number): number;
  /** Slots that a member may get. */
  room(member: number): number;
  /** Throws the dice for a member that has room. */
  receiver(): number;
}

export function handOver(draft: Draft, dice: Dice): void {
  const trials = trialsFor(draft);
  draw(draft, trials, dice);
  giveAway(draft, trials, dice);
}

function trialsFor({ runs, owned, quotas }: Draft): number {
  const toGive = quotas.reduce((sum, { share }, i) => sum + Math.max(0, at(owned, i) - share), 0);
  const runLength = SLOT_COUNT / runs.firsts().length;
  const gifts = 1 + toGive / runLength;
  return Math.round(Math.max(TRIALS_MIN, Math.min(TRIALS_MAX, TRIALS_IN_ALL / gifts)));
}

/** To every member below its range, until it has its share rounded down. */
function draw(draft: Draft, trials: number, dice: Dice): void {
  const { owned, quotas } = draft;
  const quota = (member: number) => quotas[member] as Quota;
  const has = (member: number) => owned[member] as number;
  const drawing = indices(quotas).filter((member) => has(member) < quota(member).low);
  const isDrawing = new Set(drawing);
  const lack = (member: number) => Math.floor(quota(member).share) - has(member);
  for (;;) {
    const wanting = drawing.filter((member) => lack(member) > 0);
    if (wanting.length === 0) return;
    const emptiest = wanting.reduce((a, b) =>
      lack(b) / quota(b).share > lack(a) / quota(a).share ? b : a,
    );
    const lacking = wanting.reduce((sum, member) => sum + lack(member), 0);
    const excess = (member: number) => Math.max(0, has(member) - quota(member).high);
    const free = Math.max(0, lacking - indices(quotas).reduce((sum, m) => sum + excess(m), 0));
    makeBestGift(draft, dice, {
      trials,
      spare: (member) =>
        isDrawing.has(member)
          ? 0
          : Math.min(has(member) - quota(member).low, excess(member) + free),
      room: lack,
      receiver: () => emptiest,
    });
  }
}

/** From every member above its range, down to its upper end: for one that leaves that is 0. */
function giveAway(draft: Draft, trials: number, dice: Dice): void {
  const { owned, quotas } = draft;
  const quota = (member: number) => quotas[member] as Quota;
  const has = (member: number) => owned[member] as number;
  const fullness = (member: number) => has(member) / quota(member).share;
  for (;;) {
    if (!indices(quotas).some((member) => has(member) > quota(member).high)) return;
    const withRoom = indices(quotas)
      .filter((member) => has(member) < quota(member).high)
      .sort((a, b) => fullness(a) - fullness(b));
    makeBestGift(draft, dice, {
      trials,
      spare: (member) => has(member) - quota(member).high,
      room: (member) => quota(member).high - has(member),
      receiver: () => {
        const among = dice(2) === 0 ? withRoom.length : Math.min(4, withRoom.length);
        return withRoom[dice(among)] as number;
      },
    });
  }
}

function makeBestGift(draft: Draft, dice: Dice, offer: Offer): void {
  const { runs, quotas } = draft;
  const givers = runs.firsts().filter((first) => offer.spare(runs.owner[first] as number) > 0);
  const ends = endsOf(givers.map((first) => runs.length(first)));
  const priceNow = draft.price;
  let best: Gift | undefined;
  let bestPrice = Number.POSITIVE_INFINITY;
  for (let trial = 0; trial < offer.trials; trial++) {
    const pick = trial % 2 === 0 ? dice(givers.length) : pickByLength(ends, dice);
    const to = offer.receiver();
    const piece = Math.max(1, Math.round((quotas[to] as Quota).share / RUNS_PER_MEMBER));
    for (const gift of giftsFrom(draft, givers[pick] as number, to, piece, offer, dice)) {
      // A piece that leaves less to do is worth as much as one that costs 1 less.
      const price = draft.priceWith(gift) - priceNow - gift.length / piece;
      if (price < bestPrice) [best, bestPrice] = [gift, price];
    }
  }
  assert(best !== undefined, 'who lacks slots finds somebody who has them to spare');
  draft.give(best);
}

/** The pieces of the run at `first` that are worth a trial. */
function giftsFrom(
  { runs }: Draft,
  first: number,
  to: number,
  piece: number,
  offer: Offer,
  dice: Dice,
): Gift[] {
  const from = runs.owner[first] as number;
  const all = runs.length(first);
  const most = Math.min(offer.spare(from), offer.room(to), all);
  const length = all <= most && all < piece * (1 + CRUMB) ? all : Math.min(piece, most);
  const starts = [first];
  if (length < all) starts.push(first + all - length);
  if (2 * length < all) starts.push(first + dice(all - length));
  return starts.map((start) => ({ first: start, length, from, to }));
}

/** Running sums. */
function endsOf(lengths: readonly number[]): number[] {
  let sum = 0;
  return lengths.map((length) => (sum += length));
}

/** An index, as often as its length is of all. */
function pickByLength(ends: readonly number[], dice: Dice): number {
  const point = dice(ends.at(-1) as number);
  let low = 0;
  let high = ends.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ends[middle] as number) > point) high = middle;
    else low = middle + 1;
  }
  return low;
}

function at(numbers: ArrayLike<number>, index: number): number {
  return numbers[index] as number;
}

function indices(list: readonly unknown[]): number[] {
  return list.map((_, index) => index);
}
