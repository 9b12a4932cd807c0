import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import fc from 'fast-check';
import { hasCode } from '../../base/errors.ts';
import { REMOVAL, TABLE_KEY_PREFIX_BYTES, type TableEntry, VALUE } from '../table-entry.ts';
import { tableName } from '../table-info.ts';
import { BlockCache } from './block-cache.ts';
import { TableWriter } from './table-writer.ts';
import {
  drain,
  elsewhere,
  entriesUpTo,
  entry,
  lines,
  lookUp,
  removal,
  START,
  TestTables,
} from './test-table.ts';

const SEQUENCE_MAX = 2 ** 51 - 1;

const text = (found: TableEntry | undefined) => found && lines([found])[0];

const bytesUpTo = (max: number) => fc.uint8Array({ maxLength: max }).map((b) => Buffer.from(b));
/** Few different bytes, so that keys share much. */
const keys = fc.oneof(
  fc.array(fc.constantFrom(0, 1, 97, 255), { maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
  bytesUpTo(40),
);
const values = fc.oneof(
  { weight: 8, arbitrary: bytesUpTo(60) },
  { weight: 2, arbitrary: fc.nat(9000).map((length) => Buffer.alloc(length, 'abc')) },
  { weight: 1, arbitrary: fc.constantFrom(8191, 8192, 70_000, 2 ** 20).map((n) => noise(n)) },
);
const sequences = fc.oneof(
  fc.nat(200),
  fc.nat(2 ** 30),
  fc.maxSafeNat().map((n) => n % (SEQUENCE_MAX + 1)),
);
const NOTHING = Buffer.alloc(0);
const states = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant(VALUE), value: values }) },
  { weight: 1, arbitrary: fc.constant({ kind: REMOVAL, value: NOTHING }) },
);
const tables = fc
  .array(
    fc
      .tuple(keys, sequences, states)
      .map(([key, sequence, { kind, value }]): TableEntry => ({ key, kind, sequence, value })),
    { minLength: 1 },
  )
  .map((entries) => sorted(entries));

function sorted(entries: readonly TableEntry[]): TableEntry[] {
  const byKey = new Map(entries.map((e) => [e.key.toString('latin1'), e]));
  return [...byKey.values()].sort((a, b) => a.key.compare(b.key));
}

/** Bytes that do not compress. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = length;
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

test('what was written is read: every key, no other key, every range', async () => {
  await fc.assert(
    fc.asyncProperty(
      tables,
      fc.array(keys, { maxLength: 20 }),
      fc.boolean(),
      fc.constantFrom(0, 20_000, 1e9),
      (entries, others, compression, cacheBytes) => {
        const tests = new TestTables();
        return tests.run(async () => {
          const info = await tests.write(1, entries, { compression });
          const table = await tests.open(1, new BlockCache(cacheBytes));
          deepEqual(table.info, info);
          equal(info.bytes, tests.bytesOf(1).length);
          for (const e of entries) deepEqual(await lookUp(table, e.key), e);
          for (const key of others) {
            const wanted = entries.find((e) => e.key.equals(key));
            deepEqual(await lookUp(table, key), wanted);
          }
          const bounds = [START, ...others];
          for (const [n, from] of bounds.entries()) {
            const to = n % 3 === 0 ? undefined : others[n];
            const wanted = entries.filter(
              ({ key }) => key.compare(from) >= 0 && (to === undefined || key.compare(to) <= 0),
            );
            const fillCache = n % 2 === 0;
            deepEqual(await drain(table.cursor(from, to, { fillCache })), wanted);
          }
          await table.verify();
        });
      },
    ),
    { numRuns: 150 },
  );
});

test('the worked example of sstable-format.ts is what is written', async () => {
  const header = await readFile(new URL('sstable-format.ts', import.meta.url), 'utf8');
  const example = header.slice(header.indexOf('//   block       00 '), header.indexOf('import'));
  const hex = example.replaceAll(/^\/\/ +(block|filter|index|properties|footer)?/gm, '');
  const tests = new TestTables();
  await tests.run(() =>
    tests.write(1, [
      entry('\0*\x07user:1', 'ada', 9),
      entry('\0*\x07user:17', 'alan', 300),
      removal('\0*\x07user:2', 8),
      elsewhere('\0*\x07user:3', { file: 2, offset: 4, pieceBytes: 18, valueBytes: 13 }, 7),
    ]),
  );
  equal(tests.bytesOf(1).toString('hex'), hex.replaceAll(/[\s·]/g, ''));
});

test('the info says what is in it', async () => {
  const tests = new TestTables();
  const entries = [entry('a', 'x', 7), removal('b', 3), entry('c', '', SEQUENCE_MAX)];
  const info = await tests.run(() => tests.write(5, entries));
  equal(info.number, 5);
  equal(info.entries, 3);
  equal(info.removals, 1);
  equal(info.sequenceMin, 3);
  equal(info.sequenceMax, SEQUENCE_MAX);
  deepEqual([info.firstKey.toString(), info.lastKey.toString()], ['a', 'c']);
});

test('keys that do not ascend are a bug', async () => {
  const tests = new TestTables();
  const ascend = /keys of a table ascend/;
  for (const [n, pair] of [
    ['b', 'a'],
    ['a', 'a'],
    ['ab', 'a'],
    ['a', ''],
  ].entries()) {
    const entries = pair.map((key) => entry(key, 'x'));
    await rejects(
      tests.run(() => tests.write(n + 1, entries)),
      ascend,
    );
  }
  await rejects(
    tests.run(() => tests.write(9, [])),
    /a table has entries/,
  );
});

test('an entry that was added may change afterwards', async () => {
  const tests = new TestTables();
  await tests.run(async () => {
    const key = Buffer.from('k0');
    const value = Buffer.from('v0');
    const reused = function* () {
      for (let n = 0; n < 10; n++) {
        key[1] = 48 + n;
        value[1] = 48 + n;
        yield { key, kind: VALUE, sequence: n, value } as const;
      }
    };
    const file = await tests.disk.create(tableName(1));
    const writer = new TableWriter(file, 1, { compression: false, expectedEntries: 10 });
    for (const reusedEntry of reused()) await writer.add(reusedEntry);
    const { firstKey, lastKey } = await writer.finish();
    deepEqual([String(firstKey), String(lastKey)], ['k0', 'k9']);
    const table = await tests.open(1);
    equal(
      lines(await drain(table.cursor(START, undefined)))
        .join(' ')
        .slice(0, 14),
      'k0@0=v0 k1@1=v',
    );
  });
});

test('writes are large, and add() gives a promise only for them', async () => {
  const tests = new TestTables();
  await tests.run(async () => {
    const file = await tests.disk.create(tableName(1));
    const writer = new TableWriter(file, 1, { compression: false, expectedEntries: 10_000 });
    let promises = 0;
    for (const e of entriesUpTo(10_000, 100)) {
      const added = writer.add(e);
      if (added === undefined) continue;
      promises += 1;
      await added;
      ok(file.size() >= promises * 256 * 1024, `${file.size()} bytes after ${promises} writes`);
    }
    equal(promises, 4);
    const estimate = writer.estimatedBytes;
    const { bytes } = await writer.finish();
    ok(Math.abs(estimate / bytes - 1) < 0.01, `${estimate} estimated, ${bytes} written`);
  });
});

test('a lookup is synchronous when the disk answers at once', async () => {
  const tests = new TestTables();
  const entries = entriesUpTo(1000, 100);
  tests.machine.directory.setPace({ memoryShare: 1 });
  await tests.run(async () => {
    await tests.write(1, entries);
    const table = await tests.open(1);
    for (const each of entries) deepEqual(lookUp(table, each.key), each);
    const cursor = table.cursor(START, undefined);
    equal((cursor.nextBlock() as readonly TableEntry[])[0]?.key.toString(), 'k00000');
  });
});

test('a lookup is synchronous when the block is cached, and shares a read otherwise', async () => {
  const tests = new TestTables();
  const entries = entriesUpTo(1000, 100);
  const cache = new BlockCache(1e6);
  tests.machine.directory.setPace({ memoryShare: 0 });
  const table = await tests.run(async () => {
    await tests.write(1, entries);
    return tests.open(1, cache);
  });
  const [first, second] = entries as [TableEntry, TableEntry];
  const last = entries.at(-1) as TableEntry;
  const asked = [lookUp(table, first.key), lookUp(table, second.key), lookUp(table, last.key)];
  ok(asked.every((answer) => answer instanceof Promise));
  const answers = await tests.run(() => Promise.all(asked));
  deepEqual(answers, [first, second, last]);
  equal(table.stats().reads, 2);
  deepEqual(lookUp(table, second.key), second);
  equal(lookUp(table, Buffer.from('j')), undefined);
  const { hits, misses, blocks } = cache.stats();
  deepEqual({ hits, misses, blocks }, { hits: 1, misses: 3, blocks: 2 });
});

test('cursors read ahead, use the cache, and fill it only if they may', async () => {
  const tests = new TestTables();
  const entries = entriesUpTo(20_000, 100);
  const cache = new BlockCache(1e9);
  await tests.run(async () => {
    const { bytes } = await tests.write(1, entries);
    const table = await tests.open(1, cache);
    equal((await drain(table.cursor(START, undefined, { fillCache: false }))).length, 20_000);
    ok(table.stats().reads <= bytes / (256 * 1024 - 8192) + 1, `${table.stats().reads} reads`);
    equal(cache.stats().blocks, 0);
    const page = table.cursor(START, undefined);
    equal((await page.nextBlock())?.[0]?.key.toString(), 'k00000');
    ok(cache.stats().blocks <= 2);
    await drain(page);
    const { reads } = table.stats();
    const again = table.cursor(START, undefined);
    let seen = 0;
    for (let next = again.nextBlock(); next !== undefined; next = again.nextBlock()) {
      ok(!(next instanceof Promise));
      seen += next.length;
    }
    equal(seen, 20_000);
    equal(table.stats().reads, reads);
  });
});

test('a block in the cache keeps no memory but its own', async () => {
  const entries = entriesUpTo(1000, 100);
  for (const [compression, memoryShare] of [
    [false, 0],
    [false, 1],
    [true, 0],
    [true, 1],
  ] as const) {
    const tests = new TestTables();
    tests.machine.directory.setPace({ memoryShare });
    await tests.run(async () => {
      await tests.write(1, entries, { compression });
      const table = await tests.open(1, new BlockCache(1e9));
      const asked = entries[500] as TableEntry;
      await lookUp(table, asked.key);
      const page = await drain(table.cursor(START, undefined));
      for (const { key } of [asked, ...page]) {
        const cached = lookUp(table, key) as TableEntry;
        ok(cached.value.buffer.byteLength < 5000, `${cached.value.buffer.byteLength} bytes`);
      }
    });
  }
});

test('a cursor of one slot ends with the slot', async () => {
  const tests = new TestTables();
  const at = (slot: number, key: string) =>
    Buffer.from([0, slot >> 8, slot & 255, ...Buffer.from(key)]);
  const entries = Array.from({ length: 50 }, (_, slot) =>
    ['a', 'b', 'c'].map((key) => entry(at(slot * 256, key).toString('latin1'), noise(900), slot)),
  ).flat();
  await tests.run(async () => {
    await tests.write(1, entries);
    const table = await tests.open(1);
    const found = await drain(table.cursor(at(512, ''), at(513, '')));
    deepEqual(
      found.map(({ key }) => key.toString('latin1', TABLE_KEY_PREFIX_BYTES)),
      ['a', 'b', 'c'],
    );
    equal((await drain(table.cursor(at(100, ''), at(99, '')))).length, 0);
    equal((await drain(table.cursor(at(60_000, ''), undefined))).length, 0);
  });
});

test('a failing read is an IO_ERROR, and the next one is answered', async () => {
  const tests = new TestTables();
  const entries = entriesUpTo(1000, 100);
  const failing = (error: unknown) => hasCode(error, 'IO_ERROR');
  await tests.run(async () => {
    await tests.write(1, entries);
    const { directory } = tests.machine;
    for (let read = 0; read < 4; read++) {
      directory.failNextRead();
      await rejects(tests.open(1), failing);
    }
    const table = await tests.open(1);
    const key = Buffer.from('k00500');
    directory.failNextRead();
    await rejects(async () => lookUp(table, key), failing);
    equal(text(await lookUp(table, key)), 'k00500@501=100 bytes');
    const cursor = table.cursor(START, undefined, { fillCache: false });
    directory.failNextRead();
    await rejects(async () => cursor.nextBlock(), failing);
    deepEqual(await drain(cursor), entries);
    directory.failNextRead();
    await rejects(table.verify(), failing);
    await table.verify();
  });
});

test('a disk that is full or fails says so, from add() and from finish()', async () => {
  const tests = new TestTables();
  await tests.run(async () => {
    const { directory } = tests.machine;
    directory.setCapacity(300_000);
    const full = (error: unknown) => hasCode(error, 'DISK_FULL');
    await rejects(tests.write(1, entriesUpTo(10_000, 100)), full);
    await tests.disk.remove(tableName(1));
    await rejects(tests.write(2, entriesUpTo(3000, 100)), full);
    directory.setCapacity(undefined);
    directory.failNextSync();
    const failing = (error: unknown) => hasCode(error, 'IO_ERROR');
    await rejects(tests.write(3, entriesUpTo(10, 100)), failing);
  });
});

test('the filter answers for most absent keys, and is counted', async () => {
  const tests = new TestTables();
  await tests.run(async () => {
    await tests.write(1, entriesUpTo(5000, 20));
    const table = await tests.open(1);
    for (let n = 0; n < 5000; n++) equal(await lookUp(table, Buffer.from(`k${n}x`)), undefined);
    const { filterChecks, filterNegatives, filterFalsePositives } = table.stats();
    equal(filterChecks, 5000);
    equal(filterNegatives + filterFalsePositives, 5000);
    ok(filterFalsePositives < 50, `${filterFalsePositives} false positives`);
  });
});

test('close waits for lookups, and gives the cache back', async () => {
  const tests = new TestTables();
  const cache = new BlockCache(1e6);
  await tests.run(async () => {
    await tests.write(1, entriesUpTo(1000, 100));
    const table = await tests.open(1, cache);
    await lookUp(table, Buffer.from('k00000'));
    const asked = lookUp(table, Buffer.from('k00900'));
    await Promise.all([table.close(), asked]);
    equal(text(await asked), 'k00900@901=100 bytes');
    equal(cache.stats().blocks, 0);
    equal(cache.stats().bytes, 0);
  });
});

test('verify reports what it reads, and waits where it is told to', async () => {
  const tests = new TestTables();
  await tests.run(async () => {
    const { bytes } = await tests.write(1, entriesUpTo(10_000, 100), { compression: true });
    const table = await tests.open(1);
    let told = 0;
    await table.verify(async (read) => {
      await tests.world.sleep(1);
      told += read;
    });
    equal(told, bytes);
  });
});
