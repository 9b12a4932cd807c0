// How a data directory becomes an engine: lock it, see whose it is, open its tables, replay the
// log that is not in them, and only then note durably that it is in use. The order matters: until
// the last step the directory still says how its last user ended, so that a start that fails
// changes no verdict of the next one.

import type { Host } from '../host/host.ts';
import { PLAN_DEFAULTS } from './compaction/compaction-plan.ts';
import type { CompactorOptions } from './compactor.ts';
import type { Engine } from './engine.ts';
import {
  checkOwner,
  IDENTITY_NAME,
  type LivingIdentity,
  type Owner,
  readIdentity,
  renewIdentity,
  type StoredIdentity,
} from './identity-file.ts';
import { segmentNumberOf } from './log/log-format.ts';
import { type LogExpectation, type RecoveredLog, recoverLog } from './log/log-recovery.ts';
import { type EngineHost, LogStructuredEngine } from './log-structured-engine.ts';
import { MemtableStack } from './memtable-stack.ts';
import { ReplayOverflow, type ReplayOverflowParts } from './replay-overflow.ts';
import { readScrubProgress } from './scrub/scrub-file.ts';
import type { DiskReserve } from './space/disk-reserve.ts';
import { SpaceWatch } from './space/space-watch.ts';
import { BlockCache } from './sstable/block-cache.ts';
import { corruption } from './storage-errors.ts';
import { MANIFEST_NAME } from './tables/manifest.ts';
import { expectationOf, fileNumberOf, recoverTables, tidyTables } from './tables/table-recovery.ts';

const MIB = 1024 * 1024;

const DEFAULTS = {
  segmentBytesMax: 64 * MIB,
  batchBytesTarget: MIB,
  memoryBytes: 384 * MIB,
  sealedMax: 3,
  scrubPeriodMs: 7 * 86_400_000,
  tableBytesTarget: PLAN_DEFAULTS.tableBytesTarget,
  largeValueBytes: 16 * 1024,
};

/** Of the memory; the rest is for the block cache. */
const MEMTABLES_SHARE = 2 / 3;

export interface EngineOptions {
  /** A log segment that has reached this size is followed by a new one; 64 MiB. */
  readonly segmentBytesMax?: number;
  /** What one sync carries at most, unless a single write is larger; 1 MiB. */
  readonly batchBytesTarget?: number;
  /**
   * Memory for memtables and for blocks of tables; 384 MiB. Two thirds are for the memtables, the
   * one that is written and those that wait for the disk: a larger one makes fewer tables and less
   * compaction. As a rule only one waits, so that half of that share is a reserve for bursts; the
   * last third is all for the cache.
   */
  readonly memoryBytes?: number;
  /** A memtable that has taken so many bytes becomes a table; by default what memoryBytes says. */
  readonly memtableBytesMax?: number;
  /** With so many full memtables waiting, and one more full, writes are refused; 3. */
  readonly sealedMax?: number;
  /** Memory for blocks of tables; by default what memoryBytes says. */
  readonly blockCacheBytes?: number;
  /** Compaction makes tables of about this size; 64 MiB. */
  readonly tableBytesTarget?: number;
  /** Values of this length and more stand apart from the tables, in value files; 16 KiB. */
  readonly largeValueBytes?: number;
  /** How much of what compaction wrote it reads again before it drops the inputs; a sample. */
  readonly verifies?: CompactorOptions['verifies'];
  /** Free space of the disk below which writes are refused; 5 % of it, 2 GiB at most. */
  readonly reserve?: DiskReserve;
  /** In so many milliseconds everything on the disk is read and checked once; 7 days. */
  readonly scrubPeriodMs?: number;
}

/**
 * Opens the data directory for one node, and makes it that node's when it is fresh. Rejects with
 * DIRECTORY_LOCKED, FOREIGN_DIRECTORY, NEWER_FORMAT, OLDER_FORMAT, CORRUPTION, DISK_FULL or
 * IO_ERROR; then the directory is unlocked and as it was, but for tables of a log that is longer
 * than memory: they are in the manifest, and in the log too.
 */
export async function openEngine(
  host: EngineHost,
  owner: Owner,
  options: EngineOptions = {},
): Promise<Engine> {
  const lock = await host.disk.lock();
  try {
    const before = await readIdentity(host.disk);
    if (before !== undefined) checkOwner(before, owner);
    // Before the first segment is made: a directory that has a log has an identity.
    const claimed = before === undefined ? await claim(host, owner) : undefined;
    const limits = limitsOf(options);
    const cache = new BlockCache(limits.blockCacheBytes);
    const recovered = await recoverTables(host, cache);
    const tables = recovered.store;
    try {
      const memtables = new MemtableStack(host.random, limits, {
        summary: recovered.manifest.summary.copy(),
        drops: tables.drops,
      });
      const expected = expectationOf(before, recovered.hasManifest, recovered.manifest);
      const { largeValueBytes } = limits;
      const log = await replayLog(host, expected, { memtables, tables, largeValueBytes });
      await tidyTables(host, recovered);
      const identity = claimed ?? (await nextLife(host, before as StoredIdentity));
      const space = new SpaceWatch(host, options.reserve);
      await space.start();
      const scrubProgress = await readScrubProgress(host.disk);
      const parts = { lock, identity, memtables, log, tables, cache, space, scrubProgress };
      return new LogStructuredEngine(host, parts, limits);
    } catch (error) {
      await tables.close();
      throw error;
    }
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** The log, and what of it did not fit into memory in tables; rejects as openEngine() does. */
async function replayLog(
  host: EngineHost,
  expected: LogExpectation,
  parts: Omit<ReplayOverflowParts, 'host' | 'firstSegment'>,
): Promise<RecoveredLog> {
  const { firstSegment } = expected;
  const overflow = new ReplayOverflow({ ...parts, host, firstSegment });
  try {
    const log = await recoverLog(host, expected, {
      target: parts.memtables,
      makeRoom: (durableSequence) => overflow.makeRoom(durableSequence),
    });
    await overflow.settle();
    return log;
  } finally {
    await overflow.stop();
  }
}

function limitsOf(options: EngineOptions) {
  const { memoryBytes, sealedMax } = { ...DEFAULTS, ...options };
  const memtableBytesMax = Math.round((memoryBytes * MEMTABLES_SHARE) / (1 + sealedMax));
  const blockCacheBytes = Math.round(memoryBytes * (1 - MEMTABLES_SHARE));
  const limits = { ...DEFAULTS, memtableBytesMax, blockCacheBytes, ...options };
  const { tableBytesTarget, verifies = 'sample' } = limits;
  return { ...limits, compaction: { ...PLAN_DEFAULTS, tableBytesTarget, verifies } as const };
}

/** A fresh directory becomes this node's; rejects with CORRUPTION when it is not fresh. */
async function claim(host: Pick<Host, 'disk' | 'clock'>, owner: Owner): Promise<LivingIdentity> {
  const data = (await host.disk.list()).find(isData);
  if (data !== undefined) throw corruption(IDENTITY_NAME, `missing, though ${data} exists`);
  return renewIdentity(host, owner, 0);
}

function isData(name: string): boolean {
  const isNumbered = segmentNumberOf(name) !== undefined || fileNumberOf(name) !== undefined;
  return isNumbered || name === MANIFEST_NAME;
}

/** Durably a new incarnation; the mark of a clean close is gone with it. */
function nextLife(
  host: Pick<Host, 'disk' | 'clock'>,
  before: StoredIdentity,
): Promise<LivingIdentity> {
  return renewIdentity(host, before, before.incarnation);
}
