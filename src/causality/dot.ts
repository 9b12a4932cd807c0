// A dot is the name of one write: (actor, counter), never reused.
// An actor is (node number, incarnation): a node goes on as a new actor after every start, so that
// what it forgot, or what an old copy of its disk never had, is not mistaken for what it knows.
//
// An actor is packed into one safe integer, because vectors are compared on every request:
// node number (21 bits) · 2^32 + incarnation (32 bits).
//
// Source: Almeida, Baquero, Gonçalves, Preguiça, Fonte: "Scalable and Accurate Causality Tracking
// for Eventually Consistent Stores" (DAIS 2014), section 4.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { assert } from '../base/assert.ts';

export type Actor = number & { readonly brand: 'Actor' };

export interface Dot {
  readonly actor: Actor;
  /** 1, 2, 3 … in the order in which the actor wrote. */
  readonly counter: number;
}

export const NODE_NUMBER_MAX = 2 ** 21 - 1;
export const INCARNATION_MAX = 2 ** 32 - 1;

export function actorOf(nodeNumber: number, incarnation: number): Actor {
  assert(nodeNumber >= 0 && nodeNumber <= NODE_NUMBER_MAX, 'a node number has 21 bits');
  assert(incarnation >= 0 && incarnation <= INCARNATION_MAX, 'an incarnation has 32 bits');
  return (nodeNumber * 2 ** 32 + incarnation) as Actor;
}

export function nodeNumberOf(actor: Actor): number {
  return Math.floor(actor / 2 ** 32);
}

export function incarnationOf(actor: Actor): number {
  return actor >>> 0;
}

export function isSameDot(a: Dot, b: Dot): boolean {
  return a.actor === b.actor && a.counter === b.counter;
}

/** By actor, then by counter: the order in which siblings are stored. */
export function compareDots(a: Dot, b: Dot): number {
  return a.actor - b.actor || a.counter - b.counter;
}
