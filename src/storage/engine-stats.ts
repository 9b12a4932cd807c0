// What the engine says of itself, gathered from its parts when somebody asks.

import type { Compactor } from './compactor.ts';
import type { EngineStats } from './engine.ts';
import type { Flusher } from './flusher.ts';
import type { CommitLog } from './log/commit-log.ts';
import type { RecoveredLog } from './log/log-recovery.ts';
import type { MemtableStack } from './memtable-stack.ts';
import type { Scrubber } from './scrub/scrubber.ts';
import type { SpaceStats } from './space/space-watch.ts';
import type { BlockCache } from './sstable/block-cache.ts';
import type { TableSet } from './tables/table-set.ts';
import type { TableStore } from './tables/table-store.ts';
import { bytesOfUses } from './values/value-use.ts';

export interface StatsSources {
  readonly memtables: MemtableStack;
  readonly log: CommitLog;
  readonly tables: TableStore;
  readonly flusher: Flusher;
  readonly compactor: Compactor;
  readonly cache: BlockCache;
  readonly recovered: RecoveredLog;
  readonly counts: Pick<EngineStats, 'writesDelayed' | 'writesRefused' | 'corruptReads'>;
  readonly space: SpaceStats;
  readonly scrubber: Scrubber;
  readonly isDiskFull: boolean;
}

export function engineStats(sources: StatsSources): EngineStats {
  const { memtables, tables, flusher, compactor, counts, recovered, scrubber, space } = sources;
  const log = sources.log.stats();
  const cache = sources.cache.stats();
  const { filters, set } = tables;
  const tableEntries = set.all.reduce((sum, { info }) => sum + info.entries, 0);
  return {
    entries: memtables.entries + tableEntries,
    memtableEntries: memtables.entries,
    memoryBytes: memtables.memoryBytes,
    sealedMemtables: memtables.sealedCount,
    ...log,
    state: log.state === 'open' && (sources.isDiskFull || space.isLow) ? 'disk-full' : log.state,
    disk: space.disk,
    diskReservedBytes: space.reservedBytes,
    batchesRecovered: recovered.batches,
    bytesCut: recovered.bytesCut,
    ...tableStats(set),
    valueFiles: tables.values.count,
    valueFileBytes: tables.values.bytes,
    valueLiveBytes: set.all.reduce((sum, { info }) => sum + bytesOfUses(info.values), 0),
    flushes: flusher.flushes,
    flushBytesWritten: flusher.bytesWritten,
    ...compactor.counts,
    backgroundFailures: flusher.loop.failures + compactor.loop.failures + scrubber.failures,
    ...counts,
    blockCacheBytes: cache.bytes,
    blockCacheHits: cache.hits,
    blockCacheMisses: cache.misses,
    filterChecks: filters.checks,
    filterFalsePositives: filters.falsePositives,
    scrub: scrubber.stats,
    damaged: tables.damaged,
    liveDrops: tables.drops.visible.drops().length,
  };
}

function tableStats(
  set: TableSet,
): Pick<EngineStats, 'tablesPerLevel' | 'tableBytes' | 'liveBytes' | 'tableMemoryBytes'> {
  const tablesPerLevel: number[] = [];
  const bytesPerLevel: number[] = [];
  let tableMemoryBytes = 0;
  for (const { info, content } of set.all) {
    if (!(content instanceof Error)) tableMemoryBytes += content.memoryBytes;
    for (let level = tablesPerLevel.length; level <= info.level; level++) {
      tablesPerLevel.push(0);
      bytesPerLevel.push(0);
    }
    tablesPerLevel[info.level] = (tablesPerLevel[info.level] as number) + 1;
    bytesPerLevel[info.level] = (bytesPerLevel[info.level] as number) + info.bytes;
  }
  const tableBytes = bytesPerLevel.reduce((sum, bytes) => sum + bytes, 0);
  // The last level holds each key once, and as a rule most of them.
  const liveBytes = bytesPerLevel.length > 1 ? Math.max(...bytesPerLevel) : tableBytes;
  return { tablesPerLevel, tableBytes, liveBytes, tableMemoryBytes };
}
