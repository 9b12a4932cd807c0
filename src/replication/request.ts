// What a client asks of the store and what it gets: the requests that doors hand to a coordinator
// and the outcomes that come back, with the numbers that make them honest. "Too few answers",
// "condition failed" and "indeterminate" are outcomes, not errors.

import type { ErrorCode } from '../base/errors.ts';
import type { KeyspaceNumber, NodeId, Slot } from '../base/ids.ts';
import type { Dot } from '../causality/dot.ts';
import type { HybridTime } from '../causality/hybrid-clock.ts';
import type { VersionVector } from '../causality/version-vector.ts';
import type { Durability } from './keyspace.ts';
import type { ConsistencyLevel } from './levels/consistency-level.ts';
import type { Progress } from './levels/need.ts';

export interface GetRequest {
  readonly keyspace: KeyspaceNumber;
  readonly key: Buffer;
  /** Answers to wait for instead of the keyspace's R. */
  readonly r?: ConsistencyLevel;
  /** Where `local` is: the data center of the node that was asked, which is us if absent. */
  readonly home?: string;
  /**
   * The context that the client's session has of this key: answered is only from a state that
   * covers it, so that the client sees its own writes, and nothing older than it has seen.
   */
  readonly after?: VersionVector;
}

export type GetOutcome =
  | {
      readonly kind: 'found';
      /** At least one; the newest by hybrid time comes first. */
      readonly values: readonly LiveValue[];
      /** What the merge function of the keyspace made of siblings; absent where none met. */
      readonly merge?: MergeReport | undefined;
      readonly context: VersionVector;
      readonly receipt: Receipt;
    }
  | { readonly kind: 'missing'; readonly context: VersionVector; readonly receipt: Receipt }
  | NoAnswer;

/** `merged`: one value was made of so many. `unmerged`: it could not be; all are in `values`. */
export type MergeReport =
  | { readonly kind: 'merged'; readonly siblingsCount: number }
  | { readonly kind: 'unmerged'; readonly why: string };

export interface NoAnswer extends Progress {
  readonly kind: 'no-answer';
  /** Enough answered, but all that could be asked know less than `after`. */
  readonly isBehind?: true;
  /** Enough answered, but some are being refilled after their disk was lost: they do not count. */
  readonly isRefilling?: true;
}

/** One sibling that is neither deleted nor expired. */
export interface LiveValue {
  readonly value: Buffer;
  /** Milliseconds since 1970; 0: never. */
  readonly expiresAt: number;
  /** The name of the write that put it there. */
  readonly dot: Dot;
  readonly time: HybridTime;
}

/** What a write does to a key; conditions are evaluated by the coordinator after a quorum read. */
export interface WriteRequest {
  readonly keyspace: KeyspaceNumber;
  readonly key: Buffer;
  readonly change: Change;
  readonly condition?: Condition;
  /** What the writer has seen; without it the write replaces whatever the coordinator has. */
  readonly context?: VersionVector;
  /** Answer with the value that lived before (SET … GET). */
  readonly returnPrevious?: boolean;
  /** Copies to wait for instead of the keyspace's W. */
  readonly w?: ConsistencyLevel;
  /** Where `local` is: the data center of the node that was asked, which is us if absent. */
  readonly home?: string;
  /**
   * Only while nothing newer stands there, neither value nor tombstone: a second attempt must not
   * undo what was written after the first, which nobody knows the end of.
   */
  readonly before?: HybridTime;
}

/**
 * `absent`: only when no value lives (NX). `present`: only when one does (XX). `unchanged`: only
 * when nothing stands there, neither value nor tombstone, that `context` does not cover.
 */
export type Condition = 'absent' | 'present' | 'unchanged';

export type Change =
  | { readonly kind: 'put'; readonly value: Buffer; readonly expiresAt: PutExpiry }
  /** Writes a tombstone when a value lives; otherwise condition-failed. */
  | { readonly kind: 'delete' }
  /** Gives the living value another expiry, 0: none (PERSIST); otherwise condition-failed. */
  | { readonly kind: 'expire'; readonly expiresAt: number };

/**
 * Milliseconds since 1970, 0: never. `default`: as the keyspace says, for writers that do not.
 * `keep`: as the value before (KEEPTTL).
 */
export type PutExpiry = number | 'default' | 'keep';

export type WriteOutcome =
  | WriteOk
  /** The condition did not hold: nothing was written. */
  | { readonly kind: 'condition-failed'; readonly previous: LiveValue | undefined }
  | NotApplied
  /** Fewer than W confirmed it in time: it may or may not appear. */
  | (Progress & { readonly kind: 'indeterminate' });

/** Too few nodes could take it: nothing was written anywhere, a retry is safe. */
export interface NotApplied extends Progress {
  readonly kind: 'not-applied';
  /** What a node said that could have taken it but for its disk: that is full, say. */
  readonly why?: { readonly code: ErrorCode; readonly message: string };
}

export interface WriteOk {
  readonly kind: 'ok';
  /** The name of this write, for ever. */
  readonly dot: Dot;
  readonly context: VersionVector;
  readonly previous: LiveValue | undefined;
  readonly receipt: WriteReceipt;
}

/** What a successful request really obtained. */
export interface Receipt {
  /** Those whose copies the answer was made of; those that hold the write. */
  readonly nodes: readonly NodeId[];
  /** Those of them that are no primaries, and stand in for some that are away. */
  readonly fallbacks: readonly NodeId[];
  /** How safe what was read or written is on each of them. */
  readonly durability: Durability;
  readonly epoch: number;
}

/** Its nodes grow while late answers come in. */
export interface WriteReceipt extends Receipt {
  /** Resolves when every primary has answered or the deadline has passed. */
  readonly settled: Promise<void>;
}

export interface ListRequest {
  readonly keyspace: KeyspaceNumber;
  /** From `start` or from the page before. */
  readonly from: KeyPosition;
  /** Roughly how many keys to return; a page may hold more, fewer, or none and not be the last. */
  readonly count: number;
}

/**
 * A place in the order of all keys: slot, then a 32-bit hash of the key. Keys whose hash is at
 * least `hash` in `slot`, and all keys of later slots, come after it.
 */
export interface KeyPosition {
  readonly slot: Slot;
  readonly hash: number;
}

export type KeyPage =
  | {
      readonly kind: 'page';
      readonly keys: readonly Buffer[];
      readonly next: KeyPosition | undefined;
    }
  | NoAnswer;
