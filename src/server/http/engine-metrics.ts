// What the storage engine of a node counts, as rows of /metrics.
//
// Write amplification is the sum of kvorum_engine_written_bytes_total over what clients wrote (the
// log's share of it); space amplification is table bytes over live bytes. What of value files does
// not live is garbage.

import type { NodeMetrics } from '../../node/metrics.ts';
import {
  counter,
  gauge,
  labelled,
  type MetricRow,
  ofNode,
  plain,
  type Sample,
} from './metric-row.ts';

type EngineMetrics = NodeMetrics['engine'];

const ENGINE_STATES = ['open', 'disk-full', 'poisoned', 'closed'] as const;

const ofEngine = (value: (engine: EngineMetrics) => number): MetricRow['read'] => {
  return ofNode(({ engine }) => value(engine));
};

const partsOf = (
  label: string,
  counts: (engine: EngineMetrics) => Readonly<Record<string, number>>,
): MetricRow['read'] => {
  return (_, node) => (node === undefined ? [] : labelled(label, counts(node.engine)));
};

function byLevel({ tablesPerLevel }: EngineMetrics): Sample[] {
  const counts = tablesPerLevel.length === 0 ? [0] : tablesPerLevel;
  return counts.map((value, level) => ({ labels: { level: String(level) }, value }));
}

const STATE_ROWS: readonly MetricRow[] = [
  gauge('kvorum_engine_state', 'State of the storage engine: the current one is 1.', (_, node) =>
    node === undefined
      ? []
      : ENGINE_STATES.map((state) => {
          return { labels: { state }, value: node.engine.state === state ? 1 : 0 };
        }),
  ),
  gauge(
    'kvorum_engine_damaged_files',
    'Files that cannot be read, as a whole or in part: reads of what is lost fail here.',
    partsOf('extent', ({ damaged }) => {
      const count = (extent: string) => damaged.filter((each) => each.extent === extent).length;
      return { whole: count('whole'), part: count('part') };
    }),
  ),
  gauge(
    'kvorum_engine_live_drops',
    'Stretches of slots that were dropped and whose bytes are not all gone yet.',
    ofEngine(({ liveDrops }) => liveDrops),
  ),
  counter(
    'kvorum_engine_corrupt_reads_total',
    'Reads that found bytes which are not what was written.',
    ofEngine(({ corruptReads }) => corruptReads),
  ),
  counter(
    'kvorum_engine_stalls_total',
    'Writes that had to wait, or were refused, because the disk could not keep up.',
    partsOf('result', ({ writesDelayed, writesRefused }) => {
      return { delayed: writesDelayed, refused: writesRefused };
    }),
  ),
  counter(
    'kvorum_engine_background_failures_total',
    'Flushes and compactions that failed, and were or will be tried again.',
    ofEngine(({ backgroundFailures }) => backgroundFailures),
  ),
];

const MEMORY_ROWS: readonly MetricRow[] = [
  gauge(
    'kvorum_engine_entries',
    'Entries of the storage engine, tombstones included; a key counts in each table that has it.',
    ofEngine(({ entries }) => entries),
  ),
  gauge(
    'kvorum_engine_memory_bytes',
    'Memory that the memtables of the storage engine take.',
    ofEngine(({ memoryBytes }) => memoryBytes),
  ),
  gauge(
    'kvorum_engine_table_memory_bytes',
    'Memory that the filters and indexes of tables take.',
    ofEngine(({ tableMemoryBytes }) => tableMemoryBytes),
  ),
  gauge(
    'kvorum_engine_sealed_memtables',
    'Full memtables that wait for the disk, the one in flush included.',
    ofEngine(({ sealedMemtables }) => sealedMemtables),
  ),
  gauge(
    'kvorum_engine_block_cache_bytes',
    'Memory that cached blocks of tables take.',
    ofEngine(({ blockCacheBytes }) => blockCacheBytes),
  ),
  counter(
    'kvorum_engine_block_cache_lookups_total',
    'Blocks that reads asked for, in the cache or not.',
    partsOf('result', ({ blockCacheHits, blockCacheMisses }) => {
      return { hit: blockCacheHits, miss: blockCacheMisses };
    }),
  ),
  counter(
    'kvorum_engine_filter_checks_total',
    'Questions to the filters of tables.',
    ofEngine(({ filterChecks }) => filterChecks),
  ),
  counter(
    'kvorum_engine_filter_false_positives_total',
    'Filters that said "perhaps" for a key that was not in the table.',
    ofEngine(({ filterFalsePositives }) => filterFalsePositives),
  ),
];

const ofDisk = (value: (disk: NonNullable<EngineMetrics['disk']>) => number): MetricRow['read'] => {
  return (_, node) => (node?.engine.disk === undefined ? [] : plain(value(node.engine.disk)));
};

const SPACE_ROWS: readonly MetricRow[] = [
  gauge(
    'kvorum_disk_free_bytes',
    'What the node may still fill of the disk under its data directory.',
    ofDisk(({ freeBytes }) => freeBytes),
  ),
  gauge(
    'kvorum_disk_bytes',
    'Size of the disk under the data directory, whoever uses it.',
    ofDisk(({ totalBytes }) => totalBytes),
  ),
  gauge(
    'kvorum_disk_reserved_bytes',
    'Free space below which the node takes no writes.',
    ofEngine(({ diskReservedBytes }) => diskReservedBytes),
  ),
];

const SCRUB_ROWS: readonly MetricRow[] = [
  gauge(
    'kvorum_scrub_checked_timestamp_seconds',
    'What was on the disk at this time was read and checked since; 0: not yet.',
    ofEngine(({ scrub }) => scrub.checkedAsOfMs / 1000),
  ),
  counter(
    'kvorum_scrub_read_bytes_total',
    'Bytes read from the disk to check them.',
    ofEngine(({ scrub }) => scrub.bytesRead),
  ),
  counter(
    'kvorum_scrub_passes_total',
    'Times that everything on the disk was checked.',
    ofEngine(({ scrub }) => scrub.passes),
  ),
  counter(
    'kvorum_scrub_damage_found_total',
    'Files in which a check found damage.',
    ofEngine(({ scrub }) => scrub.damageFound),
  ),
];

const DISK_ROWS: readonly MetricRow[] = [
  gauge(
    'kvorum_engine_log_bytes',
    'Size of the commit log on disk.',
    ofEngine(({ logBytes }) => logBytes),
  ),
  gauge(
    'kvorum_engine_log_segments',
    'Files of the commit log.',
    ofEngine(({ logSegments }) => logSegments),
  ),
  gauge('kvorum_engine_tables', 'Tables on disk, by level.', (_, node) =>
    node === undefined ? [] : byLevel(node.engine),
  ),
  gauge(
    'kvorum_engine_table_bytes',
    'Size of all tables on disk.',
    ofEngine(({ tableBytes }) => tableBytes),
  ),
  gauge(
    'kvorum_engine_live_bytes',
    'What the tables would take if each key stood in one only: an estimate.',
    ofEngine(({ liveBytes }) => liveBytes),
  ),
  gauge(
    'kvorum_engine_value_files',
    'Files of large values on disk.',
    ofEngine(({ valueFiles }) => valueFiles),
  ),
  gauge(
    'kvorum_engine_value_file_bytes',
    'Size of all value files on disk.',
    ofEngine(({ valueFileBytes }) => valueFileBytes),
  ),
  gauge(
    'kvorum_engine_value_live_bytes',
    'What of the value files tables refer to.',
    ofEngine(({ valueLiveBytes }) => valueLiveBytes),
  ),
  counter(
    'kvorum_engine_moved_value_bytes_total',
    'Bytes of large values that compactions wrote again to be rid of garbage.',
    ofEngine(({ valueBytesMoved }) => valueBytesMoved),
  ),
  counter(
    'kvorum_engine_written_bytes_total',
    'Bytes written to disk, by why.',
    partsOf('by', ({ logBytesWritten, flushBytesWritten, compactionBytesWritten }) => {
      return { log: logBytesWritten, flush: flushBytesWritten, compaction: compactionBytesWritten };
    }),
  ),
  counter(
    'kvorum_engine_compaction_read_bytes_total',
    'Bytes of tables that compactions merged.',
    ofEngine(({ compactionBytesRead }) => compactionBytesRead),
  ),
  counter(
    'kvorum_engine_syncs_total',
    'Times that the commit log was synced to disk.',
    ofEngine(({ syncs }) => syncs),
  ),
  counter(
    'kvorum_engine_flushes_total',
    'Memtables that became tables.',
    ofEngine(({ flushes }) => flushes),
  ),
  counter(
    'kvorum_engine_compactions_total',
    'Compactions that were done.',
    ofEngine(({ compactions }) => compactions),
  ),
  gauge(
    'kvorum_engine_compactions_running',
    'Compactions under way now: 0 or 1.',
    ofEngine(({ compactionsRunning }) => compactionsRunning),
  ),
  gauge(
    'kvorum_engine_recovered_batches',
    'Batches of the commit log that were read back at the start.',
    ofEngine(({ batchesRecovered }) => batchesRecovered),
  ),
  gauge(
    'kvorum_engine_cut_bytes',
    'Bytes of a torn end of the commit log that were cut at the start.',
    ofEngine(({ bytesCut }) => bytesCut),
  ),
];

export const ENGINE_ROWS: readonly MetricRow[] = [
  ...STATE_ROWS,
  ...MEMORY_ROWS,
  ...SPACE_ROWS,
  ...SCRUB_ROWS,
  ...DISK_ROWS,
];
