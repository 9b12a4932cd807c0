// What makes one value of siblings. A function merges two; many are folded, the oldest first. It is
// told in three steps, so that it may know more of a value than its bytes while it merges:
//
//   siblings ── open ──→ states ── merge, two at a time ──→ one state ── close ──→ the value
//
// Invariants (laws.ts checks them): merge is commutative, associative and idempotent. Then it does
// not matter which node reads, in what order siblings arrived, and what was merged before: the
// values under merge form a join semilattice (Shapiro, Preguiça, Baquero, Zawirski: "Conflict-free
// Replicated Data Types", SSS 2011).
//
// Pure: no clock, no disk, no network; dice are an argument.

import type { HybridTime } from '../causality/hybrid-clock.ts';

/** A sibling, as a merge sees it. */
export interface MergeInput {
  readonly value: Uint8Array;
  /** Of the write that put it there. */
  readonly time: HybridTime;
}

/** Every step throws where it is given what it was not made for. */
export interface MergeFunction {
  /** Whether a value that met no sibling is opened and closed for a read as well. */
  readonly showsLone?: boolean;
  open(input: MergeInput): unknown;
  /** May change and return either of the two: nobody looks at them again. */
  merge(a: unknown, b: unknown): unknown;
  close(state: unknown): Uint8Array;
}

/** `inputs`: at least one. Throws as the function does. */
export function mergeAll(fn: MergeFunction, inputs: readonly MergeInput[]): Uint8Array {
  const [first, ...others] = inputs as [MergeInput, ...MergeInput[]];
  let state = fn.open(first);
  for (const each of others) state = fn.merge(state, fn.open(each));
  return fn.close(state);
}
