// What nodes say to each other about data: requests and the replies to them. How they look on the
// wire is message-format.ts; that they may be lost, late or doubled is the reader's concern:
// every request here can be carried out twice without harm, except `coordinate-write`, which is
// never sent twice and taken up only once.
//
// Pure: no clock, no disk, no network; dice are an argument.

import type { ErrorCode } from '../base/errors.ts';
import type { KeyspaceNumber, Slot } from '../base/ids.ts';
import type { Dot } from '../causality/dot.ts';
import type { ObjectVersion } from '../causality/siblings.ts';
import type { VersionVector } from '../causality/version-vector.ts';
import type { Digest } from '../storage/engine.ts';
import type { NodeDigests } from './anti-entropy/tree-shape.ts';
import type {
  GetOutcome,
  GetRequest,
  KeyPosition,
  Receipt,
  WriteOk,
  WriteOutcome,
  WriteRequest,
} from './request.ts';

/** A slot of a keyspace. */
export interface SlotAt {
  readonly keyspace: KeyspaceNumber;
  readonly slot: Slot;
}

/** A key with the slot that it falls into, so that it is hashed once per request. */
export interface KeyAt extends SlotAt {
  readonly key: Buffer;
}

export type Request =
  /** Merge this object into your copy; answer `stored` when it is durable. */
  | StoreRequest
  /** The same while the node numbered `target` is away: keep it for that one too (a hint). */
  | HintRequest
  /** Digests of nodes of the tree over the slots that we share: → `digests`. */
  | CompareRequest
  /** Digests of the buckets of one slot: → `buckets`. */
  | BucketsRequest
  /** Short digests of the keys of some slots, or of parts of them: → `keys`. */
  | KeysRequest
  /** Your version without values: → `version`. */
  | (KeyAt & { readonly kind: 'read-version' })
  /** Your whole copy: → `object`. */
  | (KeyAt & { readonly kind: 'read-object' })
  /** You are a primary of it and I am not: → `got` or `refused`. */
  | (GetRequest & { readonly kind: 'coordinate-get' })
  /** The same for a write: → `wrote` or `refused`. */
  | (WriteRequest & Sent & { readonly kind: 'coordinate-write' })
  /** Keys and versions of a part of the ring, as you have it: → `listing`. */
  | SlotsRequest
  /** How many keys you have in these slots (one bit each, 2,048 bytes): → `count`. */
  | CountRequest
  /** A round begins that raises the floor of a slot: → `opened`. */
  | OpenRequest
  /** All primaries have what this floor covers: → `raised` when yours is durable, or `refused`. */
  | RaiseRequest
  /** A flush of a keyspace begins, or goes on: → `position`. */
  | BeginFlushRequest
  /** What this covers is obsolete in all slots of the keyspace: → `flushed`, durably. */
  | FlushRequest;

export interface StoreRequest extends KeyAt {
  readonly kind: 'store-copy';
  readonly object: Buffer;
}

export interface HintRequest extends KeyAt {
  readonly kind: 'store-hint';
  readonly target: number;
  readonly object: Buffer;
}

export interface OpenRequest extends SlotAt {
  readonly kind: 'open-round';
  /** That of the sender. */
  readonly floor: VersionVector;
}

export interface RaiseRequest extends SlotAt {
  readonly kind: 'raise-floor';
  /** From `opened`. */
  readonly token: number;
  readonly floor: VersionVector;
  /** What expires by then has expired for all: wall clock, in milliseconds since 1970. */
  readonly nowMs: number;
}

export interface CompareRequest {
  readonly kind: 'compare-digests';
  readonly keyspace: KeyspaceNumber;
  /** Node number of the one who asks: the slots are those of which both are primaries. */
  readonly from: number;
  /** Of the tree over those slots: see anti-entropy/narrowing.ts. */
  readonly nodes: readonly NodeDigests[];
}

export interface BucketsRequest {
  readonly kind: 'compare-buckets';
  readonly keyspace: KeyspaceNumber;
  readonly slot: Slot;
  /** A digest for each bucket: see anti-entropy/slot-buckets.ts. */
  readonly buckets: Buffer;
}

/** Of the keys of a slot those with these hashes, both ends inclusive. */
export interface HashRange {
  readonly fromHash: number;
  readonly toHash: number;
}

export interface KeysRequest {
  readonly kind: 'compare-keys';
  readonly keyspace: KeyspaceNumber;
  readonly salt: number;
  readonly parts: readonly PrintedPart[];
}

/** A slot, or a part of it, as its prints: see anti-entropy/key-prints.ts. */
export interface PrintedPart extends HashRange {
  readonly slot: Slot;
  /** Of all keys of the sender there, in the order of listings. */
  readonly prints: Buffer;
}

export interface KeysReply {
  readonly kind: 'keys';
  /** In the order of the request; those that are missing at its end are to be asked for again. */
  readonly parts: readonly AnsweredPart[];
}

export interface AnsweredPart {
  /** So far it goes, inclusive; what is beyond is to be asked for again. */
  readonly toHash: number;
  /** Of all keys of the receiver up to there, XORed. */
  readonly digest: Digest;
  /** Places of prints that it has no key for. */
  readonly places: readonly number[];
  /** Its keys that none of the prints stands for. */
  readonly keys: readonly KeyVersion[];
}

export interface BeginFlushRequest {
  readonly kind: 'begin-flush';
  readonly keyspace: KeyspaceNumber;
  /** From `position`; 0: it begins. */
  readonly token: number;
}

export interface FlushRequest {
  readonly kind: 'flush';
  readonly keyspace: KeyspaceNumber;
  readonly token: number;
  readonly floor: VersionVector;
}

/** Wall clock of the sender, so that the receiver can tell how late it is (node/lag-meter.ts). */
export interface Sent {
  readonly sentMs: number;
}

export interface CountRequest {
  readonly kind: 'count-keys';
  readonly keyspace: KeyspaceNumber;
  readonly slots: Buffer;
}

export interface SlotsRequest {
  readonly kind: 'list-slots';
  readonly keyspace: KeyspaceNumber;
  readonly from: KeyPosition;
  /** Inclusive. */
  readonly toSlot: Slot;
  readonly count: number;
}

export type Reply =
  /** `context` is that of the copy: it shows a coordinator whose disk went back in time. */
  | { readonly kind: 'stored'; readonly context: VersionVector }
  | VersionReply
  | { readonly kind: 'object'; readonly object: Buffer | undefined }
  | { readonly kind: 'got'; readonly outcome: GetOutcome }
  | { readonly kind: 'wrote'; readonly outcome: RemoteWriteOutcome }
  | Listing
  | { readonly kind: 'count'; readonly count: number }
  /** Of nodes of the tree that differ. */
  | { readonly kind: 'digests'; readonly nodes: readonly NodeDigests[] }
  /** One bit for each bucket that differs. */
  | { readonly kind: 'buckets'; readonly differing: number }
  | KeysReply
  | Opened
  | { readonly kind: 'raised' }
  | Position
  | { readonly kind: 'flushed' }
  | Refused;

export interface VersionReply {
  readonly kind: 'version';
  readonly version: ObjectVersion | undefined;
  /** It counts for no answer: the slot is being refilled. */
  readonly isRefilling?: true;
}

/** How far a member has counted. */
export interface Position {
  readonly kind: 'position';
  readonly token: number;
  /** No earlier than the last write that this node has named. */
  readonly last: Dot;
}

export interface Opened {
  readonly kind: 'opened';
  readonly token: number;
  /** No earlier than the last write that this node has named, in any slot. */
  readonly last: Dot;
  /** Its wall clock, in milliseconds since 1970. */
  readonly wallMs: number;
  /** Its floor of the slot. */
  readonly floor: VersionVector;
}

/** It could not be done here; nothing else follows from it. */
export interface Refused {
  readonly kind: 'refused';
  readonly code: ErrorCode;
  readonly why: string;
  readonly fix: string;
}

/** A WriteOutcome as it travels: with a receipt that no longer grows. */
export type RemoteWriteOutcome =
  | Exclude<WriteOutcome, WriteOk>
  | (Omit<WriteOk, 'receipt'> & { readonly receipt: Receipt });

export interface Listing {
  readonly kind: 'listing';
  /** Ordered by slot, hash, key; everything from the request's start up to `next`. */
  readonly entries: readonly ListedKey[];
  /** Where the part that was not looked at begins; undefined: all was looked at. */
  readonly next: KeyPosition | undefined;
  /** It counts for no answer: one of the slots is being refilled. */
  readonly isRefilling?: true;
}

export interface KeyVersion {
  readonly key: Buffer;
  readonly version: ObjectVersion;
}

export interface ListedKey extends KeyVersion {
  readonly slot: Slot;
  readonly hash: number;
}
