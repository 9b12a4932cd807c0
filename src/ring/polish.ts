// Evens out what a plan has left uneven, by small changes tried at random: one that does not
// lower the price is taken back.
//
//   exchange   two pieces of one length, anywhere on the ring, swap owners
//   shift      the border between two neighbouring runs moves, or swallows one of them
//
// A draft that starts from a living ring has a budget of moves: slots that leave the member which
// owns them today. Changing what moves anyway costs nothing of it, and is tried most often.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { SLOT_COUNT } from '../base/ids.ts';
import type { Dice } from './dice.ts';
import type { Draft, Gift } from './draft.ts';
import type { Quota } from './quota.ts';

/** Replica loads this near to ideal are left alone. */
const ERROR_GOOD_ENOUGH = 0.02;
/** With these it takes the first quarter of its attempts to do better, and then gives up. */
const ERROR_BEARABLE = 0.035;
/** Attempts without a gain worth the name, after which the rest would be in vain, too. */
const PATIENCE = 1_000;
/** A gain worth the name, as a part of the price. */
const GAIN_MIN = 0.0005;
/** Attempts between two looks at who is worst off. */
const ROUND = 64;

export interface PolishOptions {
  readonly dice: Dice;
  readonly attempts: number;
  /** Absent: nothing is anywhere yet, and members must keep the number of slots that they have. */
  readonly living?: Living;
}

/** The ring as it is, and how many slots may end up with another owner. */
export interface Living {
  readonly owners: Uint16Array;
  readonly movesMax: number;
}

export function polish(draft: Draft, { dice, attempts, living }: PolishOptions): void {
  const { runs } = draft;
  const changed = living === undefined ? [] : changedSlots(draft, living.owners);
  let moves = changed.length;
  let ofWorst: number[] = [];
  let lastGain = 0;
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (attempt % ROUND === 0) {
      const { member, error } = draft.worst;
      if (error <= ERROR_GOOD_ENOUGH && !(living && draft.hasManyRows)) return;
      if (error <= ERROR_BEARABLE && attempt >= attempts / 4) return;
      if (attempt - lastGain > PATIENCE) return;
      ofWorst = runs.firsts().filter((first) => runs.owner[first] === member);
    }
    const a = runs.firstOf(anySlot(dice, dice(3) === 0 ? before(draft, ofWorst, dice) : changed));
    const b = runs.firstOf(anySlot(dice, dice(2) === 0 ? changed : []));
    const gifts = living && dice(2) === 0 ? shiftAt(draft, a, dice) : exchangeOf(draft, a, b, dice);
    const extra = living === undefined ? 0 : extraMoves(gifts, living.owners);
    if (living !== undefined && moves + extra > living.movesMax) continue;
    const price = draft.price;
    if (!lowersPrice(draft, gifts)) continue;
    moves += extra;
    if (draft.price < price * (1 - GAIN_MIN)) lastGain = attempt;
  }
}

/** One of `slots`; any slot of the ring when there are none, and now and then anyway. */
function anySlot(dice: Dice, slots: readonly number[]): number {
  if (slots.length === 0 || dice(4) === 0) return dice(SLOT_COUNT);
  return slots[dice(slots.length)] as number;
}

/** A run of the worst member, or one or two before it: those whose replicas it holds. */
function before(draft: Draft, ofWorst: readonly number[], dice: Dice): number[] {
  if (ofWorst.length === 0) return [];
  let first = draft.runs.firstOf(ofWorst[dice(ofWorst.length)] as number);
  for (let steps = dice(3); steps > 0; steps--) first = draft.runs.previous[first] as number;
  return [first];
}

/** Makes the change and keeps it when it pays. */
function lowersPrice(draft: Draft, gifts: readonly Gift[]): boolean {
  const price = draft.price;
  for (const gift of gifts) draft.give(gift);
  // Beyond rounding errors, which would let two equal rings alternate for ever.
  if (draft.price < price - 1e-9 && gifts.every((gift) => keepsQuotas(draft, gift))) return true;
  for (const gift of gifts.toReversed()) draft.takeBack(gift);
  return false;
}

function keepsQuotas(draft: Draft, { from, to }: Gift): boolean {
  const { low } = draft.quotas[from] as Quota;
  const { high } = draft.quotas[to] as Quota;
  return (draft.owned[from] as number) >= low && (draft.owned[to] as number) <= high;
}

/** As much of two runs as both have, at the beginning or the end of the longer one. */
function exchangeOf({ runs }: Draft, a: number, b: number, dice: Dice): Gift[] {
  const ownerA = runs.owner[a] as number;
  const ownerB = runs.owner[b] as number;
  if (ownerA === ownerB) return [];
  const most = Math.min(runs.length(a), runs.length(b));
  const length = dice(4) === 0 ? 1 + dice(most) : most;
  const atEnd = dice(2);
  const startIn = (first: number) => first + atEnd * (runs.length(first) - length);
  return [
    { first: startIn(a), length, from: ownerA, to: ownerB },
    { first: startIn(b), length, from: ownerB, to: ownerA },
  ];
}

/** The border before the run at `right` moves to either side. */
function shiftAt({ runs }: Draft, right: number, dice: Dice): Gift[] {
  const left = runs.previous[right] as number;
  const ownerLeft = runs.owner[left] as number;
  const ownerRight = runs.owner[right] as number;
  if (ownerLeft === ownerRight) return [];
  const giver = dice(2) === 0 ? right : left;
  const all = runs.length(giver);
  const length = dice(2) === 0 ? all : 1 + dice(all);
  if (giver === right) return [{ first: right, length, from: ownerRight, to: ownerLeft }];
  return [{ first: left + all - length, length, from: ownerLeft, to: ownerRight }];
}

function extraMoves(gifts: readonly Gift[], today: Uint16Array): number {
  let extra = 0;
  for (const { first, length, from, to } of gifts) {
    for (let slot = first; slot < first + length; slot++) {
      extra += Number(today[slot] !== to) - Number(today[slot] !== from);
    }
  }
  return extra;
}

function changedSlots(draft: Draft, today: Uint16Array): number[] {
  const changed: number[] = [];
  for (const [slot, owner] of draft.runs.toOwners().entries()) {
    if (owner !== today[slot]) changed.push(slot);
  }
  return changed;
}
