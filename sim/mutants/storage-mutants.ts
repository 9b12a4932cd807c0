// Bugs in the storage engine: log, recovery, memtables, tables, compaction, drops, sums.

import { manyKeys } from '../shared-keys.ts';
import type { Mutant } from './mutant.ts';

export const STORAGE_MUTANTS: readonly Mutant[] = [
  {
    name: 'compaction drops removals above the bottom',
    file: 'src/storage/compaction/output-tables.ts',
    text: 'const isDone = entry.kind === REMOVAL && this.#output.isBottom;',
    becomes: 'const isDone = entry.kind === REMOVAL;',
    weather: ['hasCleanRestarts'],
    load: { clients: 8, operations: [300, 400], thinkMs: [2, 10], keys: manyKeys(150) },
  },
  {
    name: 'compaction keeps the older of two writes',
    file: 'src/storage/compaction/merge-cursor.ts',
    text: 'return order !== 0 ? order < 0 : one.head.sequence > other.head.sequence;',
    becomes: 'return order !== 0 ? order < 0 : one.head.sequence < other.head.sequence;',
  },
  {
    name: 'a read asks the oldest memtable first',
    file: 'src/storage/memtable-stack.ts',
    text: 'return [this.#active, ...this.#sealed.map(({ memtable }) => memtable).reverse()];',
    becomes: 'return [this.#active, ...this.#sealed.map(({ memtable }) => memtable)].reverse();',
  },
  {
    name: 'a scan shows the older of two writes',
    file: 'src/storage/page-merge.ts',
    text: 'order === 0 && head.sequence > (other as TableEntry).sequence',
    becomes: 'order === 0 && head.sequence < (other as TableEntry).sequence',
  },
  {
    name: 'the log is dropped before its table is written',
    file: 'src/storage/flusher.ts',
    text: '    this.#written ??= await this.#write(memtable);',
    becomes:
      '    await this.#dropLog(log.firstSegmentAfter(flushedSequence));\n' +
      '    this.#written ??= await this.#write(memtable);',
    weather: ['hasStalledDisks', 'hasCrashes'],
  },
  {
    name: 'a table is named before it is synced',
    file: 'src/storage/sstable/table-writer.ts',
    text: '    await this.#file.sync();\n',
    becomes: '',
  },
  {
    name: 'a file is replaced without a sync of its directory',
    file: 'src/storage/whole-file.ts',
    text: '  await disk.syncDirectory();\n',
    becomes: '',
  },
  {
    name: 'a log segment is begun without a sync of its directory',
    file: 'src/storage/log/log-segment.ts',
    text: '      await file.sync();\n      await disk.syncDirectory();\n    } catch',
    becomes: '      await file.sync();\n    } catch',
  },
  {
    name: 'a flush says that one write more is in the table',
    file: 'src/storage/flusher.ts',
    text: 'const flushedSequence = memtable.lastSequence;',
    becomes: 'const flushedSequence = memtable.lastSequence + 1;',
  },
  {
    name: 'a replay passes over the first write that is in no table',
    file: 'src/storage/log/log-batch.ts',
    text: 'if (sequence > after) target.apply(change, sequence);',
    becomes: 'if (sequence > after + 1) target.apply(change, sequence);',
  },
  {
    name: 'a replay forgets drops',
    file: 'src/storage/log/log-batch.ts',
    text: 'if (sequence > after) target.drop(range, sequence);',
    becomes: '',
    weather: ['hasCrashes', 'hasStalledDisks'],
    load: { flushChance: 0.2 },
  },
  {
    name: 'a replay forgets whether keys live',
    file: 'src/storage/log/log-batch.ts',
    text: 'change.growth = growth;',
    becomes: 'change.growth = 0;',
  },
  {
    name: 'a replay believes a batch whose checksum is wrong',
    file: 'src/storage/log/segment-reader.ts',
    text: 'return isGood ? batch.subarray(BATCH_HEADER_BYTES) : undefined;',
    becomes: 'return isGood || offset > 0 ? batch.subarray(BATCH_HEADER_BYTES) : undefined;',
  },
  {
    name: 'a drop hides what was written after it',
    file: 'src/storage/drops/drop-map.ts',
    text: '(row[place % SLOT_COUNT] as number) > sequence',
    becomes: '(row[place % SLOT_COUNT] as number) > sequence - 3',
  },
  {
    name: 'the manifest forgets drops that tables still need',
    file: 'src/storage/tables/table-store.ts',
    text: 'const drops = this.drops.upTo(reached.flushedSequence).neededBy(infosOf(set)).drops();',
    becomes: 'const drops: ReturnType<DropMap["drops"]> = [];',
    weather: ['hasCrashes', 'hasCleanRestarts'],
    load: { flushChance: 0.06 },
  },
  {
    name: 'a drop keeps the counts of its slots',
    file: 'src/storage/summary/summary.ts',
    text: '    this.counts.clear(range);\n',
    becomes: '',
  },
  {
    name: 'the sums of a seal go on changing',
    file: 'src/storage/memtable-stack.ts',
    text: 'this.#sealed.push({ memtable: this.#active, summary: this.summary.copy() });',
    becomes: 'this.#sealed.push({ memtable: this.#active, summary: this.summary });',
  },
  {
    name: 'a filter denies one key of sixteen',
    file: 'src/storage/sstable/filter.ts',
    text: 'return found === (first & 0xff);',
    becomes: 'return found === (first & 0xff) && (hash & 15) !== 3;',
  },
  {
    name: 'two turns of a key run beside each other',
    file: 'src/replication/key-turns.ts',
    text: 'const result = before === undefined ? turn() : before.then(turn, turn);',
    becomes: 'const result = turn();',
  },
];
