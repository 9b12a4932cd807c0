// The only door to the storage of one node: bytes under (keyspace, slot, key), durable when they
// say so. What the bytes mean (versions, siblings, tombstones) is no business of this folder.
//
// A write is visible when write() returns and durable when its promise resolves; a reader that
// must not see what a power cut could take back compares sequences with durableSequence().
// Answers come at once when they are in memory and as a promise when the disk is needed.

import type { ClusterId, KeyspaceNumber, NodeId, Slot } from '../base/ids.ts';
import type { DiskSpace } from '../host/host.ts';

export interface EngineKey {
  readonly keyspace: KeyspaceNumber;
  readonly slot: Slot;
  readonly key: Buffer;
}

/** Key and value are copied before write() returns. */
export type Change = Put | Removal;

export interface Put extends EngineKey {
  readonly kind: 'put';
  readonly value: Buffer;
  readonly growth: Growth;
  readonly digest?: Digest;
}

/**
 * The key is gone as if it had never been there, and in time its bytes are too. To readers of this
 * node only: a tombstone, which tells other replicas of a delete, is a value like any other here.
 */
export interface Removal extends EngineKey {
  readonly kind: 'removal';
  readonly growth: Growth;
  readonly digest?: Digest;
}

/**
 * By how much a change makes the number of live keys in its slot grow. What lives is for the writer
 * to say: as a rule he alone knows, and without a look at the disk, for he has just read the key.
 */
export type Growth = -1 | 0 | 1;

/**
 * 64 bits, as two words of 32. In a change: what it makes of the digest of its slot, XORed; absent:
 * nothing. What a digest says of a key is for the writer to choose.
 */
export interface Digest {
  readonly high: number;
  readonly low: number;
}

/** The digests of the slots of a keyspace, as they are now: never change them. */
export interface DigestTable {
  /** Of slot s at 2 s and 2 s + 1. */
  readonly words: Int32Array;
  /** How often any of the slots from CHANGES_SLOTS × i on has got another digest; never 0. */
  readonly changes: Float64Array;
}

/** So many slots have one number of changes. */
export const CHANGES_SLOTS = 64;

export interface Stored {
  /** Owned by the engine: never change it. */
  readonly value: Buffer;
  /** Of the write that put it there. */
  readonly sequence: number;
}

export interface Written {
  /** The sequence of the batch: all of its changes become durable together. */
  readonly sequence: number;
  /** Rejects with LOG_POISONED, DISK_FULL or CLOSED: the batch may or may not survive a crash. */
  readonly durable: Promise<void>;
}

export interface SlotRange {
  readonly keyspace: KeyspaceNumber;
  readonly fromSlot: Slot;
  /** Inclusive. */
  readonly toSlot: Slot;
}

export interface ScanRange extends SlotRange {
  /** Entries of `fromSlot` up to and including this key are left out. */
  readonly after?: Buffer;
}

export interface ScanLimits {
  readonly entriesMax: number;
  readonly bytesMax: number;
  /**
   * Files in which damage is known are left out, as if nothing stood there: what they replaced or
   * removed elsewhere shows again. Nothing rejects for what is in them.
   */
  readonly isSoundOnly?: boolean;
}

export interface Entry extends EngineKey, Stored {}

export interface ScanPage {
  /** Ordered by slot, then by the bytes of the key. None, now and then, where many were removed. */
  readonly entries: readonly Entry[];
  /** Where the next page begins; undefined when the range was read to its end. */
  readonly next: ScanRange | undefined;
}

/** Both throw or reject with CORRUPTION where what was stored cannot be read: never "not found". */
export interface Reader {
  get(at: EngineKey): Stored | undefined | Promise<Stored | undefined>;
  scan(range: ScanRange, limits: ScanLimits): ScanPage | Promise<ScanPage>;
}

/** A view that later writes do not change, for streaming and backup. Release it. */
export interface Snapshot extends Reader {
  release(): void;
}

export interface Engine extends Reader {
  /**
   * `time` is kept with the write, for newestTime(). Throws LOG_POISONED, DISK_FULL, OVERLOADED or
   * CLOSED: nothing changed.
   */
  write(changes: readonly Change[], time?: number): Written;
  /**
   * All that was ever written into these slots is gone, as if by a removal of each key, at a cost
   * that does not grow with them. Throws as write() does, but never OVERLOADED, and DISK_FULL only
   * when the log finds no space: below the reserve, this is what frees some.
   */
  drop(range: SlotRange): Written;
  /** Live keys in the slot: what all changes that are here let it grow by, summed up. */
  countOf(keyspace: KeyspaceNumber, slot: Slot): number;
  /**
   * The digests of all changes that are here, XORed by slot; a drop clears those of its slots.
   * Undefined: all empty.
   */
  digests(keyspace: KeyspaceNumber): DigestTable | undefined;
  /**
   * Slots in which something cannot be read, perhaps: what damaged files may have of them. A drop
   * of the slot is the end of that; with the last of its slots a damaged file goes.
   */
  damagedSlots(keyspace: KeyspaceNumber): ReadonlySet<Slot>;
  /** The greatest that a write which is here came with, however long ago; 0 when none did. */
  newestTime(): number;
  /** Everything with a sequence up to this one survives a power cut. */
  durableSequence(): number;
  /** Resolves when durableSequence() has reached `sequence`; rejects as Written.durable does. */
  whenDurable(sequence: number): Promise<void>;
  snapshot(): Snapshot;
  /** Who this directory is; see Identity. */
  readonly identity: Identity;
  /**
   * Takes a new incarnation greater than `known`, durably, because another node knows more of us
   * than we do.
   */
  renewIncarnation(known: number): Promise<Identity>;
  stats(): EngineStats;
  /** Makes everything durable and notes a clean end. */
  close(): Promise<void>;
}

/**
 * A directory belongs to one node of one cluster. The incarnation changes at every start: dots
 * that peers know and this disk does not, because it lost or never had them or is an old copy, must
 * not be covered by what this node writes next.
 */
export interface Identity {
  readonly clusterId: ClusterId;
  readonly nodeId: NodeId;
  readonly incarnation: number;
  /** The one before, as far as this directory knows; 0: it is fresh. */
  readonly incarnationBefore: number;
}

/** Counts are since the engine was opened, unless they say otherwise. */
export interface EngineStats {
  /** In memtables and tables: a key, present or removed, counts once for each that knows it. */
  readonly entries: number;
  /** Of the memtables, and what they hold of the entries. */
  readonly memoryBytes: number;
  readonly memtableEntries: number;
  /** Memtables that are full and wait for, or are in, a flush. */
  readonly sealedMemtables: number;
  readonly logBytes: number;
  readonly logSegments: number;
  readonly logBytesWritten: number;
  readonly syncs: number;
  readonly batchesRecovered: number;
  /** Bytes of a torn tail that were cut at the start. */
  readonly bytesCut: number;
  /** Tables of each level, from level 0. */
  readonly tablesPerLevel: readonly number[];
  readonly tableBytes: number;
  /** What the tables would take if each key stood in one only: at least the largest level. */
  readonly liveBytes: number;
  /** Memory for the filters and indexes of all tables. */
  readonly tableMemoryBytes: number;
  readonly valueFiles: number;
  /** Of all value files, and of the values in them that tables refer to: the rest is garbage. */
  readonly valueFileBytes: number;
  readonly valueLiveBytes: number;
  readonly flushes: number;
  readonly flushBytesWritten: number;
  /** Under way now: 0 or 1. */
  readonly compactionsRunning: number;
  readonly compactions: number;
  readonly compactionBytesRead: number;
  readonly compactionBytesWritten: number;
  /** Large values that compactions wrote again, because their file was mostly garbage. */
  readonly valueBytesMoved: number;
  /** Flushes and compactions that failed and are tried again. */
  readonly backgroundFailures: number;
  /** Writes that were slowed down, and those that were refused with OVERLOADED. */
  readonly writesDelayed: number;
  readonly writesRefused: number;
  readonly blockCacheBytes: number;
  readonly blockCacheHits: number;
  readonly blockCacheMisses: number;
  /** Questions to filters of tables, and how many said "perhaps" for a key that was not there. */
  readonly filterChecks: number;
  readonly filterFalsePositives: number;
  /** Reads that found bytes which are not what was written. */
  readonly corruptReads: number;
  readonly scrub: ScrubStats;
  readonly damaged: readonly DamagedRange[];
  /** Stretches of slots that were dropped, and whose old entries are not all gone yet. */
  readonly liveDrops: number;
  /** `disk-full`: no writes are taken, for want of space or of more than the reserve. */
  readonly state: 'open' | 'disk-full' | 'poisoned' | 'closed';
  /** The disk under the directory; undefined while it could not be asked. */
  readonly disk: DiskSpace | undefined;
  /** Free space of the disk below which no writes are taken. */
  readonly diskReservedBytes: number;
}

/** The check of everything on the disk that goes on in the background. */
export interface ScrubStats {
  readonly filesChecked: number;
  readonly bytesRead: number;
  /** Over everything there was. */
  readonly passes: number;
  /** Files in which damage was found. */
  readonly damageFound: number;
  /** What was on the disk then was read since, in milliseconds since 1970; 0: not yet. */
  readonly checkedAsOfMs: number;
}

/** Slots whose keys may have stood where something cannot be read. Both ends inclusive. */
export interface DamagedRange {
  /** `part`: it can be opened, and what is sound in it is answered. */
  readonly extent: 'whole' | 'part';
  readonly file: string;
  readonly fromKeyspace: number;
  readonly fromSlot: number;
  readonly toKeyspace: number;
  readonly toSlot: number;
}
