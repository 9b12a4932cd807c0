// A version vector says which writes are known: for each actor the highest counter, standing for
// every write of that actor up to it. The same value is the context that a client hands back.
//
// It is a sorted array of dots, not a Map: it has 0 to 3 entries as a rule, is compared on every
// request, and two sorted arrays compare and merge in one walk without hashing. Functions return
// an argument itself where nothing changes, so that callers see "nothing new" with ===.
//
//   count, then per entry: node number, incarnation, counter        (all varints)
//   02  05 01 2a  09 01 07   =   actor (5, 1) up to 42, actor (9, 1) up to 7
//
// Source: Parker et al., "Detection of Mutual Inconsistency in Distributed Systems" (1983).
// Invariants: strictly ascending by actor; every counter is at least 1.
// Pure: no clock, no disk, no network; dice are an argument.

import { type ByteReader, type ByteWriter, badBytes } from '../base/bytes.ts';
import {
  type Actor,
  actorOf,
  type Dot,
  INCARNATION_MAX,
  incarnationOf,
  NODE_NUMBER_MAX,
  nodeNumberOf,
} from './dot.ts';

export type VersionVector = readonly Dot[];

export const EMPTY_VECTOR: VersionVector = [];

// A hundred times what a large cluster that loses a disk a week would gather in a year; what
// claims to be longer is rot, and must not make us allocate.
const ENTRY_COUNT_MAX = 10_000;
const ENTRY_BYTES_MIN = 3;

/** The highest counter known of `actor`; 0: none. */
export function counterOf(vector: VersionVector, actor: Actor): number {
  for (const entry of vector) {
    if (entry.actor >= actor) return entry.actor === actor ? entry.counter : 0;
  }
  return 0;
}

export function covers(vector: VersionVector, dot: Dot): boolean {
  return counterOf(vector, dot.actor) >= dot.counter;
}

/** Whether `a` covers everything that `b` covers; equal vectors descend from each other. */
export function descends(a: VersionVector, b: VersionVector): boolean {
  if (a === b) return true;
  if (a.length < b.length) return false;
  let i = 0;
  for (const theirs of b) {
    while (i < a.length && a[i]!.actor < theirs.actor) i++;
    const ours = a[i];
    if (ours === undefined || ours.actor !== theirs.actor) return false;
    if (ours.counter < theirs.counter) return false;
  }
  return true;
}

/** What either knows: `a` itself if it knows everything, else `b` itself if it does. */
export function mergeVectors(a: VersionVector, b: VersionVector): VersionVector {
  if (descends(a, b)) return a;
  if (descends(b, a)) return b;
  const merged: Dot[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const ours = a[i]!;
    const theirs = b[j]!;
    if (ours.actor <= theirs.actor) i++;
    if (theirs.actor <= ours.actor) j++;
    if (ours.actor === theirs.actor) merged.push(ours.counter >= theirs.counter ? ours : theirs);
    else merged.push(ours.actor < theirs.actor ? ours : theirs);
  }
  while (i < a.length) merged.push(a[i++]!);
  while (j < b.length) merged.push(b[j++]!);
  return merged;
}

/** The vector that covers `dot` too, and with it every earlier write of that actor. */
export function withDot(vector: VersionVector, dot: Dot): VersionVector {
  if (vector.length === 0) return [dot];
  if (vector.length === 1 && vector[0]!.actor === dot.actor) {
    return vector[0]!.counter >= dot.counter ? vector : [dot];
  }
  return mergeVectors(vector, [dot]);
}

export function writeVector(w: ByteWriter, vector: VersionVector): void {
  w.varint(vector.length);
  for (const { actor, counter } of vector) {
    w.varint(nodeNumberOf(actor));
    w.varint(incarnationOf(actor));
    w.varint(counter);
  }
}

/** Throws BAD_BYTES for anything that writeVector would not have written. */
export function readVector(r: ByteReader): VersionVector {
  const count = r.varint();
  if (count === 0) return EMPTY_VECTOR;
  if (count > ENTRY_COUNT_MAX || count * ENTRY_BYTES_MIN > r.left) {
    throw badBytes(`a version vector of ${count} entries in ${r.left} bytes`);
  }
  const vector: Dot[] = [];
  let previous = -1;
  for (let i = 0; i < count; i++) {
    const actor = readActor(r);
    const counter = r.varint();
    if (actor <= previous) throw badBytes('the actors of a version vector are not ascending');
    if (counter === 0) throw badBytes('a version vector has a counter of 0');
    vector.push({ actor, counter });
    previous = actor;
  }
  return vector;
}

function readActor(r: ByteReader): Actor {
  const nodeNumber = r.varint();
  const incarnation = r.varint();
  if (nodeNumber > NODE_NUMBER_MAX || incarnation > INCARNATION_MAX) {
    throw badBytes(`there is no actor (${nodeNumber}, ${incarnation})`);
  }
  return actorOf(nodeNumber, incarnation);
}
