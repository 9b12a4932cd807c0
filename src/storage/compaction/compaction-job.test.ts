import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import { SimWorld } from '../../../sim/sim-host.ts';
import { hasCode } from '../../base/errors.ts';
import type { KeyspaceNumber, Slot } from '../../base/ids.ts';
import type { Disk, Host, JobPace } from '../../host/host.ts';
import { BlockCache } from '../sstable/block-cache.ts';
import { openTable } from '../sstable/table-reader.ts';
import { TableWriter } from '../sstable/table-writer.ts';
import { type EntryKind, REMOVAL, VALUE } from '../table-entry.ts';
import { type TableInfo, tableName } from '../table-info.ts';
import { valuesName } from '../values/value-format.ts';
import { ValueOutlet } from '../values/value-outlet.ts';
import { pointing } from '../values/value-pointer.ts';
import { type Compaction, startCompaction } from './compaction.ts';
import { type CompactionDone, type CompactionJob, runCompaction } from './compaction-job.ts';
import { keyAt } from './key-region.ts';

const FREE: JobPace = { spend: () => Promise.resolve(), isCancelled: false };

/** Key number by its slot, so that cuts by slot are cuts by number. */
function keyOf(number: number): Buffer {
  return Buffer.concat([keyAt(number), Buffer.from(`key ${number}`)]);
}

async function write(
  disk: Disk,
  table: Pick<TableInfo, 'number' | 'level'>,
  keys: readonly number[],
  sequence: number,
  kind: EntryKind = VALUE,
): Promise<TableInfo> {
  const file = await disk.create(tableName(table.number));
  const options = { compression: false, expectedEntries: keys.length };
  const writer = new TableWriter(file, table.number, options);
  for (const key of keys) {
    const value = Buffer.from(kind === VALUE ? `${sequence}`.repeat(100) : '');
    await writer.add({ key: keyOf(key), kind, sequence, value });
  }
  const info = await writer.finish();
  await file.close();
  await disk.syncDirectory();
  return { ...info, level: table.level, droppedUpTo: 0 };
}

/** Three generations of 2,000 keys: all (in two tables), every second, every third. */
async function fill(disk: Disk): Promise<TableInfo[]> {
  const every = (n: number, from = 0, to = 2000) =>
    Array.from({ length: to - from }, (_, key) => from + key).filter((key) => key % n === 0);
  return [
    await write(disk, { number: 1, level: 20 }, every(1, 0, 1000), 1),
    await write(disk, { number: 2, level: 20 }, every(1, 1000), 1),
    await write(disk, { number: 3, level: 0 }, every(2), 2),
    await write(disk, { number: 4, level: 0 }, every(3), 3),
  ];
}

function jobOf(inputs: readonly TableInfo[]): CompactionJob {
  const outputs = [0, 500, 1000].map((place) => ({
    from: keyAt(place),
    level: 20,
    isBottom: true,
  }));
  return {
    inputs,
    outputs,
    tableBytesMax: 120_000,
    numbersFrom: 10,
    numbersCount: 5,
    moves: { from: [], numbersFrom: 15, numbersCount: 1, fileBytesMax: 100_000 },
    compressedFromLevel: 20,
    verifies: 'all',
    drops: [],
    droppedUpTo: 3,
  };
}

async function generations(disk: Disk, tables: readonly TableInfo[]): Promise<string> {
  let text = '';
  for (const { number, firstKey } of tables) {
    const table = await openTable(disk, number, new BlockCache(0));
    const cursor = table.cursor(firstKey, undefined);
    for (let block = await cursor.nextBlock(); block; block = await cursor.nextBlock()) {
      for (const { kind, sequence, value } of block) {
        equal(value.toString(), kind === VALUE ? `${sequence}`.repeat(100) : '');
        text += kind === VALUE ? sequence : 'gone';
      }
    }
    await table.close();
  }
  return text;
}

const NEWEST = Array.from({ length: 2000 }, (_, key) => {
  if (key % 3 === 0) return 3;
  return key % 2 === 0 ? 2 : 1;
}).join('');

function onDisk(body: (host: Host) => Promise<void>): Promise<void> {
  const world = new SimWorld(1);
  return world.settle(body(world.node('n1').boot()));
}

test('the newest of each key, cut where it was planned and where a table is full', () =>
  onDisk(async ({ disk }) => {
    const inputs = await fill(disk);
    const result = (await runCompaction(disk, jobOf(inputs), FREE)) as CompactionDone;
    equal(await generations(disk, result.tables), NEWEST);
    deepEqual(
      result.tables.map(({ number, level, firstKey }) => [number, level, firstKey]),
      [
        [10, 20, keyOf(0)],
        [11, 20, keyOf(500)],
        [12, 20, keyOf(1000)],
      ],
    );
    equal(result.entriesDropped, 1000 + 667);
    equal(
      result.bytesWritten,
      result.tables.reduce((sum, { bytes }) => sum + bytes, 0),
    );
    ok((await disk.list()).includes(tableName(1)), 'inputs are not touched');
  }));

test('a table that is full ends, as long as there are numbers', () =>
  onDisk(async ({ disk }) => {
    const inputs = await fill(disk);
    const outputs = [{ from: keyAt(0), level: 1, isBottom: false }];
    const job = { ...jobOf(inputs), outputs, tableBytesMax: 30_000, compressedFromLevel: 20 };
    const result = (await runCompaction(disk, job, FREE)) as CompactionDone;
    equal(result.tables.length, job.numbersCount);
    equal(await generations(disk, result.tables), NEWEST);
  }));

test('a removal takes what it hides, and goes itself where nothing older is left', () =>
  onDisk(async ({ disk }) => {
    const inputs = [
      ...(await fill(disk)),
      await write(disk, { number: 5, level: 0 }, [0, 1, 499, 500, 501, 1500], 4, REMOVAL),
      await write(disk, { number: 6, level: 0 }, [501], 5),
    ];
    const outputs = jobOf(inputs).outputs.map((output, n) => ({ ...output, isBottom: n !== 1 }));
    const job = { ...jobOf(inputs), outputs };
    const { tables, entriesDropped } = (await runCompaction(disk, job, FREE)) as CompactionDone;
    const expected = [...NEWEST].map((newest, key) => {
      if (key === 500) return 'gone';
      if (key === 501) return 5;
      return [0, 1, 499, 1500].includes(key) ? '' : newest;
    });
    equal(await generations(disk, tables), expected.join(''));
    deepEqual(
      tables.map(({ removals }) => removals),
      [0, 1, 0],
    );
    equal(entriesDropped, 1000 + 667 + 6 + 1 + 4);
  }));

test('what a drop hides is left out, on its thread too', () =>
  onDisk(async (host) => {
    const inputs = await fill(host.disk);
    const range = { keyspace: 0 as KeyspaceNumber, fromSlot: 0 as Slot, toSlot: 9 as Slot };
    const job = { ...jobOf(inputs), drops: [{ ...range, sequence: 3 }], droppedUpTo: 7 };
    const { tables } = (await startCompaction(host, job).done) as CompactionDone;
    const kept = [...NEWEST].filter((sequence, key) => key > 9 || sequence === '3');
    equal(await generations(host.disk, tables), kept.join(''));
    ok(tables.every(({ droppedUpTo }) => droppedUpTo === 7));
  }));

test('where everything is gone there is no table', () =>
  onDisk(async ({ disk }) => {
    const keys = [1, 600, 1700];
    const inputs = [
      await write(disk, { number: 1, level: 20 }, keys, 1),
      await write(disk, { number: 2, level: 0 }, keys, 2, REMOVAL),
    ];
    const before = await disk.list();
    const result = (await runCompaction(disk, jobOf(inputs), FREE)) as CompactionDone;
    deepEqual(result.tables, []);
    equal(result.entriesDropped, 6);
    deepEqual(await disk.list(), before);
  }));

test('through the seam of jobs it gives the same', () =>
  onDisk(async (host) => {
    const inputs = await fill(host.disk);
    const compaction: Compaction = startCompaction(host, jobOf(inputs));
    const result = (await compaction.done) as CompactionDone;
    equal(await generations(host.disk, result.tables), NEWEST);
    ok(Buffer.isBuffer(result.tables[0]?.firstKey));
  }));

test('a cancelled compaction leaves nothing behind', () =>
  onDisk(async ({ disk }) => {
    const inputs = await fill(disk);
    const before = await disk.list();
    let spent = 0;
    const pace = {
      spend: async () => {
        spent += 1;
      },
      get isCancelled() {
        return spent >= 1;
      },
    };
    deepEqual(await runCompaction(disk, jobOf(inputs), pace), { kind: 'cancelled' });
    deepEqual(await disk.list(), before);
  }));

test('rot in an input is CORRUPTION, and leaves nothing behind', async () => {
  const world = new SimWorld(1);
  const machine = world.node('n1');
  const { disk } = machine.boot();
  const inputs = await world.settle(fill(disk));
  const before = machine.directory.names();
  machine.directory.rot(tableName(3), 2000, 3);
  const compaction = world.settle(runCompaction(disk, jobOf(inputs), FREE));
  await rejects(compaction, (error) => hasCode(error, 'CORRUPTION'));
  deepEqual(machine.directory.names(), before);
});

test('a full disk is DISK_FULL, and leaves nothing behind', async () => {
  const world = new SimWorld(1);
  const machine = world.node('n1');
  const { disk } = machine.boot();
  const inputs = await world.settle(fill(disk));
  const before = machine.directory.names();
  machine.directory.setCapacity(machine.directory.usedBytes() + 50_000);
  const job = { ...jobOf(inputs), compressedFromLevel: 21 };
  await rejects(world.settle(runCompaction(disk, job, FREE)), (error) =>
    hasCode(error, 'DISK_FULL'),
  );
  deepEqual(machine.directory.names(), before);
});

/** A table of 3 keys: a value, and two in value files 3 and 4. */
async function fillWithPointers(disk: Disk): Promise<TableInfo> {
  const file = await disk.create(tableName(1));
  const writer = new TableWriter(file, 1, { compression: false, expectedEntries: 3 });
  await writer.add({ key: keyOf(0), kind: VALUE, sequence: 1, value: Buffer.from('small') });
  for (const number of [3, 4]) {
    const outlet = new ValueOutlet(disk, { takeNumber: () => number });
    const pointer = await outlet.put(Buffer.alloc(1000, `value ${number}, `));
    await outlet.finish();
    const entry = { key: keyOf(number), kind: VALUE, sequence: 1, value: Buffer.alloc(0) } as const;
    await writer.add(pointing(entry, pointer));
  }
  const info = { ...(await writer.finish()), level: 20, droppedUpTo: 0 };
  await file.close();
  return info;
}

test('large values stay where they are, but for those in files that are given up', () =>
  onDisk(async ({ disk }) => {
    const input = await fillWithPointers(disk);
    const job = jobOf([input]);
    const moves = { ...job.moves, from: [3] };
    const result = (await runCompaction(disk, { ...job, moves }, FREE)) as CompactionDone;
    const { bytesMoved, bytesWritten, files } = result.moved;
    deepEqual(files, [15]);
    ok(bytesMoved > 0 && bytesMoved < 100, 'it was compressed');
    deepEqual(
      result.tables.flatMap(({ values }) => values.map(({ file }) => file)),
      [4, 15],
    );
    equal(result.bytesRead, input.bytes + bytesMoved);
    const tableBytes = result.tables.reduce((sum, { bytes }) => sum + bytes, 0);
    equal(result.bytesWritten, tableBytes + bytesWritten);
    ok((await disk.list()).includes(valuesName(3)), 'nothing is removed here');
  }));

test('a compaction that fails takes back what it moved', () =>
  onDisk(async ({ disk }) => {
    const input = await fillWithPointers(disk);
    const before = await disk.list();
    const job = jobOf([input]);
    const moves = { ...job.moves, from: [3, 4] };
    const pace = {
      isCancelled: false,
      spend: () => Promise.reject(new Error('a fault while it is verified')),
    };
    await rejects(runCompaction(disk, { ...job, moves }, pace), /a fault/);
    deepEqual(await disk.list(), before);
  }));
