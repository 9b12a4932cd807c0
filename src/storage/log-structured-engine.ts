// The engine behind the door: a log-structured merge tree (O'Neil et al., Acta Informatica 1996).
//
//   write ──► commit log ──► memtable ──full──► sealed ──flush──► table of level 0
//                                                                     │ compaction
//   read  ──► memtable ──► sealed ones ──► tables, newest first ◄─────┘
//
// Invariants: the memtables and tables hold exactly the writes that the log took; a write that is
// in no table is in the log. Whoever has the engine has the lock of the directory.

import { assert } from '../base/assert.ts';
import { hasCode, type KvorumError } from '../base/errors.ts';
import { type KeyspaceNumber, SLOT_COUNT, type Slot } from '../base/ids.ts';
import type { DiskLock, Host } from '../host/host.ts';
import { Compactor, type CompactorOptions } from './compactor.ts';
import type {
  Change,
  DigestTable,
  Engine,
  EngineKey,
  EngineStats,
  Identity,
  ScanLimits,
  ScanPage,
  ScanRange,
  SlotRange,
  Snapshot,
  Stored,
  Written,
} from './engine.ts';
import { engineStats } from './engine-stats.ts';
import { Flusher } from './flusher.ts';
import { type LivingIdentity, renewIdentity, writeIdentity } from './identity-file.ts';
import { LayeredView } from './layered-view.ts';
import { CommitLog, type CommitLogOptions } from './log/commit-log.ts';
import type { RecoveredLog } from './log/log-recovery.ts';
import { ChangeView } from './memtable/change-view.ts';
import type { MemtableStack } from './memtable-stack.ts';
import type { ScrubProgress } from './scrub/scrub-file.ts';
import { Scrubber } from './scrub/scrubber.ts';
import type { SpaceWatch } from './space/space-watch.ts';
import type { BlockCache } from './sstable/block-cache.ts';
import { diskFull, engineClosed, fileOf, overloaded } from './storage-errors.ts';
import type { TableStore } from './tables/table-store.ts';
import { pressureOf } from './write-pressure.ts';

export type EngineHost = Pick<Host, 'disk' | 'clock' | 'log' | 'random' | 'jobs'>;

/** What openEngine() made of the directory. */
export interface RecoveredParts {
  readonly lock: DiskLock;
  readonly identity: LivingIdentity;
  readonly memtables: MemtableStack;
  readonly log: RecoveredLog;
  readonly tables: TableStore;
  readonly cache: BlockCache;
  readonly space: SpaceWatch;
  readonly scrubProgress: ScrubProgress | undefined;
}

export interface EngineLimits extends CommitLogOptions {
  readonly sealedMax: number;
  readonly largeValueBytes: number;
  readonly compaction: CompactorOptions;
  readonly scrubPeriodMs: number;
}

/** Twice what compaction waits for: every one more is one more table that each read must ask. */
const LEVEL0_TABLES_LATE = 8;

export class LogStructuredEngine implements Engine {
  readonly #host: EngineHost;
  readonly #recovered: RecoveredParts;
  readonly #limits: EngineLimits;
  readonly #memtables: MemtableStack;
  readonly #tables: TableStore;
  readonly #log: CommitLog;
  readonly #flusher: Flusher;
  readonly #compactor: Compactor;
  readonly #scrubber: Scrubber;
  readonly #change = new ChangeView();
  /** Made once: when thousands are refused at once, an error for each costs more than a write. */
  readonly #refusals: Readonly<Record<'diskFull' | 'overloaded', KvorumError>>;
  #view: LayeredView;
  #identity: LivingIdentity;
  #renewal: Promise<Identity> | undefined;
  #closing: Promise<void> | undefined;
  /** Of the batch that was written to last when writes were slowed down. */
  #delay: { readonly durable: Promise<void>; readonly later: Promise<void> } | undefined;
  #counts = { writesDelayed: 0, writesRefused: 0, corruptReads: 0 };

  constructor(host: EngineHost, recovered: RecoveredParts, limits: EngineLimits) {
    this.#host = host;
    this.#recovered = recovered;
    this.#limits = limits;
    this.#refusals = { diskFull: diskFull(), overloaded: overloaded(limits.sealedMax) };
    this.#identity = recovered.identity;
    this.#memtables = recovered.memtables;
    this.#tables = recovered.tables;
    this.#log = new CommitLog({
      host,
      options: limits,
      tail: recovered.log,
      hasRoomFor: (bytes) => recovered.space.hasRoomFor(bytes),
    });
    this.#view = this.#currentView();
    this.#flusher = new Flusher({
      host,
      memtables: this.#memtables,
      tables: this.#tables,
      log: this.#log,
      largeValueBytes: limits.largeValueBytes,
      onFlushed: () => {
        this.#renewView();
        this.#flushDrops();
        this.#compactor.poke();
      },
    });
    this.#compactor = new Compactor({
      host,
      tables: this.#tables,
      options: limits.compaction,
      bytesMax: () => recovered.space.compactionBytesMax,
      isBehind: () => this.#tables.set.level0.length >= LEVEL0_TABLES_LATE,
      onCompacted: () => this.#renewView(),
    });
    this.#scrubber = new Scrubber({
      host,
      tables: this.#tables,
      segments: () => this.#log.segments,
      onSuspects: () => this.#renewView(),
      onLogDamaged: () => this.#flushAll(),
      periodMs: limits.scrubPeriodMs,
      progress: recovered.scrubProgress,
    });
    if (this.#memtables.sealedCount > 0) this.#flusher.loop.poke();
    this.#flushDrops();
    this.#compactor.poke();
  }

  get identity(): Identity {
    return this.#identity;
  }

  write(changes: readonly Change[], time = 0): Written {
    const delayMs = this.#admit(changes);
    const written = this.#log.append(changes, time);
    this.#memtables.noteTime(time);
    for (const change of changes) {
      this.#memtables.apply(this.#change.of(change), written.sequence);
    }
    return delayMs === 0 ? written : this.#delayed(written, delayMs);
  }

  drop(range: SlotRange): Written {
    const { fromSlot, toSlot } = range;
    assert(fromSlot <= toSlot && toSlot < SLOT_COUNT, 'slots are 0 … 16383, and ascend');
    const written = this.#log.appendDrop(range);
    this.#memtables.drop(range, written.sequence);
    this.#renewView();
    this.#flushDrops();
    return written;
  }

  get(at: EngineKey): Stored | undefined | Promise<Stored | undefined> {
    return this.#view.get(at);
  }

  scan(range: ScanRange, limits: ScanLimits): ScanPage | Promise<ScanPage> {
    return this.#view.scan(range, limits);
  }

  countOf(keyspace: KeyspaceNumber, slot: Slot): number {
    return this.#memtables.summary.counts.of(keyspace, slot);
  }

  digests(keyspace: KeyspaceNumber): DigestTable | undefined {
    return this.#memtables.summary.digests.of(keyspace);
  }

  damagedSlots(keyspace: KeyspaceNumber): ReadonlySet<Slot> {
    return this.#tables.damagedSlots(keyspace);
  }

  newestTime(): number {
    return this.#memtables.summary.newestTime;
  }

  snapshot(): Snapshot {
    if (!this.#memtables.active.isEmpty) this.#seal();
    const [, ...sealed] = this.#memtables.newestFirst();
    const { set, drops } = this.#tables;
    const layers = { memtables: sealed, tables: set, drops: drops.visible };
    return new PinnedSnapshot(new LayeredView(layers, this.#noteError));
  }

  durableSequence(): number {
    return this.#log.durableSequence;
  }

  whenDurable(sequence: number): Promise<void> {
    return this.#log.whenDurable(sequence);
  }

  renewIncarnation(known: number): Promise<Identity> {
    if (this.#closing !== undefined) return Promise.reject(engineClosed());
    this.#renewal ??= this.#renew(known).finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  stats(): EngineStats {
    const { cache, log, space } = this.#recovered;
    return engineStats({
      memtables: this.#memtables,
      log: this.#log,
      tables: this.#tables,
      flusher: this.#flusher,
      compactor: this.#compactor,
      scrubber: this.#scrubber,
      cache,
      recovered: log,
      counts: this.#counts,
      space: space.stats,
      isDiskFull: this.#isDiskFull,
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  get #isDiskFull(): boolean {
    return this.#flusher.loop.isDiskFull || this.#compactor.loop.isDiskFull;
  }

  /** Throws DISK_FULL. */
  #checkSpace(): void {
    const { space } = this.#recovered;
    if (space.isLow) throw space.refusal();
    if (this.#isDiskFull) throw this.#refusals.diskFull;
  }

  /** Makes room for a write and answers how long to delay its confirmation; throws to refuse. */
  #admit(changes: readonly Change[]): number {
    if (this.#log.state === 'open') this.#checkSpace();
    const { sealedCount: sealed } = this.#memtables;
    const hasRoom = this.#memtables.hasRoomFor(changes);
    if (sealed === 0 && hasRoom) return 0;
    const activeFill = hasRoom ? this.#memtables.fill : 1;
    const pressure = pressureOf({ sealed, sealedMax: this.#limits.sealedMax, activeFill });
    if (pressure.kind === 'refuse') {
      this.#counts.writesRefused += 1;
      throw this.#refusals.overloaded;
    }
    if (!hasRoom) this.#seal();
    return pressure.kind === 'slow' ? pressure.delayMs : 0;
  }

  /** The memtable goes on its way to a table, and the log goes on in another segment. */
  #seal(): void {
    this.#memtables.seal();
    this.#log.cut();
    this.#renewView();
    this.#flusher.loop.poke();
  }

  /** Afterwards nothing that is in the log now is needed. */
  #flushAll(): void {
    if (!this.#memtables.active.isEmpty) this.#seal();
  }

  /** Drops are settled with what was written before them; one flush does it for many. */
  #flushDrops(): void {
    if (!this.#tables.drops.areSettled && this.#memtables.sealedCount === 0) this.#seal();
  }

  /** What becomes durable together is confirmed together: one timer a batch, not one a write. */
  #delayed({ sequence, durable }: Written, delayMs: number): Written {
    this.#counts.writesDelayed += 1;
    if (this.#delay?.durable !== durable) {
      const later = durable.then(
        () => new Promise<void>((resolve) => this.#host.clock.after(delayMs, resolve)),
      );
      // As with the log's own promise: a rejection that nobody awaits is no unhandled one.
      later.catch((reason) => reason);
      this.#delay = { durable, later };
    }
    return { sequence, durable: this.#delay.later };
  }

  #currentView(): LayeredView {
    const { set, drops } = this.#tables;
    const memtables = this.#memtables.newestFirst();
    const layers = { memtables, tables: set, drops: drops.visible };
    return new LayeredView(layers, this.#noteError);
  }

  #renewView(): void {
    this.#view = this.#currentView();
  }

  readonly #noteError = (error: unknown): void => {
    if (!hasCode(error, 'CORRUPTION')) return;
    this.#counts.corruptReads += 1;
    this.#host.log.error('corrupt-read', { why: error.message });
    this.#scrubber.suspect(fileOf(error));
  };

  async #renew(known: number): Promise<Identity> {
    const previous = Math.max(this.#identity.incarnation, known);
    this.#identity = await renewIdentity(this.#host, this.#identity, previous);
    const { incarnation } = this.#identity;
    this.#host.log.warn('incarnation-renewed', { incarnation, known });
    return this.#identity;
  }

  async #close(): Promise<void> {
    try {
      const logClosed = this.#log.close();
      this.#recovered.space.stop();
      const stopped = [this.#flusher.stop(), this.#compactor.stop(), this.#scrubber.stop()];
      await Promise.allSettled([logClosed, this.#renewal, ...stopped]);
      await this.#tables.close();
      await logClosed;
      const closedAt = this.#log.durableSequence;
      await writeIdentity(this.#host.disk, { ...this.#identity, closedAt });
    } finally {
      await this.#recovered.lock.release();
    }
  }
}

/** A view of which everything stays until it is released. */
class PinnedSnapshot implements Snapshot {
  readonly #view: LayeredView;
  #isReleased = false;

  constructor(view: LayeredView) {
    this.#view = view;
    view.pin();
  }

  get(at: EngineKey): Stored | undefined | Promise<Stored | undefined> {
    assert(!this.#isReleased, 'a released snapshot is not read');
    return this.#view.get(at);
  }

  scan(range: ScanRange, limits: ScanLimits): ScanPage | Promise<ScanPage> {
    assert(!this.#isReleased, 'a released snapshot is not read');
    return this.#view.scan(range, limits);
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#view.unpin();
  }
}
