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
// Two kinds of entries say more, and keep vectors short (pruning.ts says when they arise):
//
//   closed   it covers all earlier incarnations of its node as well, whatever they wrote; entries
//            of those are gone. On the wire its node number has 2^21 added to it.
//   the cut  an entry of actor 0, which nobody is, always the first. Of actors whose incarnation is
//            below its counter, and that have a successor here, those which do not stand here may
//            have been known once. A vector is taken to know of their writes when vectors are
//            compared, lest they were sent to and fro for ever; it is not taken to cover them when
//            a sibling's life depends on it.
//
// Source: Parker et al., "Detection of Mutual Inconsistency in Distributed Systems" (1983).
// Invariants: strictly ascending by actor; no entry of its node stands below a closed one; every
// counter is at least 1, or 0 in a closed entry.
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

export interface VectorEntry extends Dot {
  readonly isClosed?: true;
}

export type VersionVector = readonly VectorEntry[];

export const EMPTY_VECTOR: VersionVector = [];

// A hundred times what a large cluster that loses a disk a week would gather in a year; what
// claims to be longer is rot, and must not make us allocate.
const ENTRY_COUNT_MAX = 10_000;
const ENTRY_BYTES_MIN = 3;

/** The actor of the cut; see above. */
export const CUT = 0 as Actor;
/** Added to the node number of a closed entry. */
const CLOSED = NODE_NUMBER_MAX + 1;

export function covers(vector: VersionVector, dot: Dot): boolean {
  for (const entry of vector) {
    if (entry.actor < dot.actor) continue;
    if (entry.actor === dot.actor) return entry.counter >= dot.counter;
    return entry.isClosed === true && isSameNode(entry, dot);
  }
  return false;
}

/** Whether `vector` knows of a later write of that node: of the life of `dot` or a later one. */
export function isAheadOf(vector: VersionVector, dot: Dot): boolean {
  for (const entry of vector) {
    if (entry.actor < dot.actor) continue;
    if (entry.actor > dot.actor) return isSameNode(entry, dot);
    if (entry.counter > dot.counter) return true;
  }
  return false;
}

/** The last incarnation that the vector knows of the node; 0: none. */
export function lastIncarnationOf(vector: VersionVector, nodeNumber: number): number {
  const last = vector.findLast(({ actor }) => nodeNumberOf(actor) === nodeNumber);
  return last === undefined ? 0 : incarnationOf(last.actor);
}

/** Incarnations below it may have been cut; 0: the vector is whole. */
export function cutOf(vector: VersionVector): number {
  const first = vector[0];
  return first?.actor === CUT ? first.counter : 0;
}

/** Whether `a` covers everything that `b` covers; equal vectors descend from each other. */
export function descends(a: VersionVector, b: VersionVector): boolean {
  if (a === b) return true;
  let i = 0;
  for (const theirs of b) {
    while (i < a.length && a[i]!.actor < theirs.actor) i++;
    const ours = a[i];
    if (ours === undefined) return false;
    if (ours.actor !== theirs.actor) {
      if (!isSameNode(ours, theirs)) return false;
      if (!ours.isClosed && incarnationOf(theirs.actor) >= cutOf(a)) return false;
    } else {
      if (ours.counter < theirs.counter) return false;
      if (theirs.isClosed && !ours.isClosed) return false;
    }
  }
  return true;
}

/** What either knows: `a` itself if it knows everything, else `b` itself if it does. */
export function mergeVectors(a: VersionVector, b: VersionVector): VersionVector {
  if (descends(a, b)) return a;
  if (descends(b, a)) return b;
  const merged: VectorEntry[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const ours = a[i]!;
    const theirs = b[j]!;
    if (ours.actor <= theirs.actor) i++;
    if (theirs.actor <= ours.actor) j++;
    if (ours.actor === theirs.actor) append(merged, greaterOf(ours, theirs));
    else append(merged, ours.actor < theirs.actor ? ours : theirs);
  }
  while (i < a.length) append(merged, a[i++]!);
  while (j < b.length) append(merged, b[j++]!);
  return merged;
}

/** Of two entries of one actor what either says. */
function greaterOf(a: VectorEntry, b: VectorEntry): VectorEntry {
  const greater = a.counter >= b.counter ? a : b;
  if (greater.isClosed || !(a.isClosed || b.isClosed)) return greater;
  return { ...greater, isClosed: true };
}

function append(merged: VectorEntry[], entry: VectorEntry): void {
  if (entry.isClosed) {
    while (merged.length > 0 && isSameNode(merged.at(-1)!, entry)) merged.pop();
  }
  merged.push(entry);
}

export function isSameNode(a: Dot, b: Dot): boolean {
  return nodeNumberOf(a.actor) === nodeNumberOf(b.actor);
}

/** The vector that covers `dot` too, and with it every earlier write of that actor. */
export function withDot(vector: VersionVector, dot: Dot): VersionVector {
  if (vector.length === 0) return [dot];
  const [only] = vector as [VectorEntry];
  if (vector.length === 1 && only.actor === dot.actor && !only.isClosed) {
    return only.counter >= dot.counter ? vector : [dot];
  }
  return mergeVectors(vector, [dot]);
}

export function writeVector(w: ByteWriter, vector: VersionVector): void {
  w.varint(vector.length);
  for (const { actor, counter, isClosed } of vector) {
    w.varint(nodeNumberOf(actor) + (isClosed ? CLOSED : 0));
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
  const vector: VectorEntry[] = [];
  for (let i = 0; i < count; i++) {
    const entry = readEntry(r);
    const before = vector.at(-1);
    if (before !== undefined && entry.actor <= before.actor) {
      throw badBytes('the actors of a version vector are not ascending');
    }
    if (before !== undefined && entry.isClosed && isSameNode(before, entry)) {
      throw badBytes('a version vector has an entry under a closed one');
    }
    vector.push(entry);
  }
  return vector;
}

function readEntry(r: ByteReader): VectorEntry {
  const first = r.varint();
  const isClosed = first >= CLOSED;
  const nodeNumber = isClosed ? first - CLOSED : first;
  const incarnation = r.varint();
  if (nodeNumber > NODE_NUMBER_MAX || incarnation > INCARNATION_MAX) {
    throw badBytes(`there is no actor (${nodeNumber}, ${incarnation})`);
  }
  const actor = actorOf(nodeNumber, incarnation);
  const counter = r.varint();
  if (!isClosed) {
    if (counter === 0) throw badBytes('a version vector has a counter of 0');
    return { actor, counter };
  }
  if (actor === CUT) throw badBytes('the cut of a version vector is closed');
  return { actor, counter, isClosed };
}
