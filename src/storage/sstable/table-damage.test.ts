import { deepEqual, equal, match, ok, rejects, throws } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { crc32 } from '../../base/checksum.ts';
import { hasCode } from '../../base/errors.ts';
import type { EntryKind, TableEntry } from '../table-entry.ts';
import { tableName } from '../table-info.ts';
import { entriesOf, findInBlock } from './block.ts';
import { BlockCache } from './block-cache.ts';
import { BlockIndex } from './block-index.ts';
import { BlockWriter } from './block-writer.ts';
import { Filter } from './filter.ts';
import { FOOTER_BYTES, TABLE_FORMAT } from './sstable-format.ts';
import { decodeProperties } from './table-properties.ts';
import { drain, entriesUpTo, entry, lookUp, removal, START, TestTables } from './test-table.ts';

const damaged = (error: unknown) => hasCode(error, 'CORRUPTION');
const refused = (error: unknown) => damaged(error) || hasCode(error, 'NEWER_FORMAT');

/** Several blocks in few bytes: values that compress to almost nothing. */
const SMALL = ['a', 'b', 'c', 'd'].map((key) => entry(key, key.repeat(8192)));
/** One block that is not compressed. */
const PLAIN = [...entriesUpTo(20, 5), removal('k00100', 300)];

/** Every answer of a table is right or an error; how many were errors. */
async function errorsOf(tests: TestTables, number: number, entries: readonly TableEntry[]) {
  const absent = Buffer.from('nothing like it');
  let table: Awaited<ReturnType<TestTables['open']>>;
  try {
    table = await tests.open(number, new BlockCache(1e6));
  } catch (error) {
    ok(refused(error), String(error));
    return 1;
  }
  let errors = 0;
  const check = async (ask: () => unknown, wanted: unknown) => {
    try {
      deepEqual(await ask(), wanted);
    } catch (error) {
      if (!damaged(error)) throw error;
      errors += 1;
    }
  };
  for (const wanted of entries) await check(() => lookUp(table, wanted.key), wanted);
  await check(() => lookUp(table, absent), undefined);
  await check(() => drain(table.cursor(START, undefined, { fillCache: false })), entries);
  await check(() => table.verify(), undefined);
  await table.close();
  return errors;
}

for (const [name, entries] of Object.entries({ SMALL, PLAIN })) {
  test(`every flipped bit is an error or makes no difference: ${name}`, async () => {
    const tests = new TestTables();
    const options = { compression: entries === SMALL };
    const { bytes } = await tests.run(() => tests.write(1, entries, options));
    ok(bytes < 700, `${bytes} bytes are few enough to flip each bit`);
    equal(await tests.run(() => errorsOf(tests, 1, entries)), 0);
    for (let bit = 0; bit < 8 * bytes; bit++) {
      tests.machine.directory.rot(tableName(1), bit >> 3, bit & 7);
      const errors = await tests.run(() => errorsOf(tests, 1, entries));
      ok(errors >= 1, `bit ${bit & 7} of byte ${bit >> 3} went unnoticed`);
      tests.machine.directory.rot(tableName(1), bit >> 3, bit & 7);
    }
  });

  test(`a table that is too short or too long is refused: ${name}`, async () => {
    const tests = new TestTables();
    await tests.run(async () => {
      await tests.write(1, entries, { compression: entries === SMALL });
      const whole = tests.bytesOf(1);
      for (let length = 0; length < whole.length; length++) {
        await tests.replace(tableName(1), whole.subarray(0, length));
        await rejects(tests.open(1), damaged, `cut to ${length} bytes`);
      }
      for (const more of [Buffer.from('x'), whole, whole.subarray(-FOOTER_BYTES)]) {
        await tests.replace(tableName(1), Buffer.concat([whole, more]));
        await rejects(tests.open(1), damaged);
        await tests.replace(tableName(1), Buffer.concat([more, whole]));
        await rejects(tests.open(1), damaged);
      }
    });
  });
}

test('a table that loses its end while it is open is damaged, not empty', async () => {
  const tests = new TestTables();
  await tests.run(async () => {
    await tests.write(1, entriesUpTo(1000, 100));
    const table = await tests.open(1);
    const file = await tests.disk.open(tableName(1));
    await file.truncate(10_000);
    await rejects(async () => lookUp(table, Buffer.from('k00999')), damaged);
    await rejects(drain(table.cursor(START, undefined)), damaged);
    await rejects(table.verify(), damaged);
    equal((await lookUp(table, Buffer.from('k00000')))?.sequence, 1);
  });
});

test('one bad block costs its own keys only, each time it is asked', async () => {
  const tests = new TestTables();
  await tests.run(async () => {
    await tests.write(1, entriesUpTo(1000, 100));
    const table = await tests.open(1);
    tests.machine.directory.rot(tableName(1), 9000);
    let errors = 0;
    for (let n = 0; n < 1000; n++) {
      const key = Buffer.from(`k${String(n).padStart(5, '0')}`);
      const asked = (async () => lookUp(table, key))();
      const found = await asked.catch((error) => error);
      if (found instanceof Error) ok(damaged(found));
      else equal(found?.sequence, n + 1);
      errors += found instanceof Error ? 1 : 0;
    }
    ok(errors > 30 && errors < 45, `${errors} keys of one block`);
    const wrong = await table.verify().catch((error) => error);
    match(wrong.message, /table-0000000001\.kvtable: at offset 8\d\d\d: the checksum is wrong/);
  });
});

test('a right block in a wrong place is wrong', async () => {
  const tests = new TestTables();
  await tests.run(async () => {
    // Random keys of one length share nothing, so that all blocks but the last are of one length.
    const keyOf = (n: number) => Buffer.from([n, n ^ 85]).toString('latin1');
    const entries = Array.from({ length: 256 }, (_, n) => entry(keyOf(n), 'v'.repeat(200)));
    await tests.write(1, entries);
    await tests.write(2, entries);
    const one = tests.bytesOf(1);
    const two = tests.bytesOf(2);
    const table = await tests.open(1);
    await lookUp(table, (entries[0] as TableEntry).key);
    const length = table.stats().bytesRead;
    const expectWrong = async (number: number, bytes: Buffer) => {
      await tests.replace(tableName(number), bytes);
      const spoiled = await tests.open(number);
      await rejects(async () => lookUp(spoiled, (entries[0] as TableEntry).key), damaged);
      await rejects(spoiled.verify(), damaged);
    };
    await expectWrong(2, Buffer.concat([one.subarray(0, length), two.subarray(length)]));
    const [first, second] = [one.subarray(0, length), one.subarray(length, 2 * length)];
    await expectWrong(1, Buffer.concat([second, first, one.subarray(2 * length)]));
    await expectWrong(1, Buffer.concat([second, second, one.subarray(2 * length)]));
    await tests.replace(tableName(2), one);
    await rejects(tests.open(2), /the footer is that of table 1/);
  });
});

test('a newer format is refused by its number', async () => {
  const tests = new TestTables();
  await tests.run(async () => {
    await tests.write(1, PLAIN);
    const bytes = Buffer.from(tests.bytesOf(1));
    const footer = bytes.subarray(-FOOTER_BYTES);
    footer.writeUInt32BE(TABLE_FORMAT + 1, 24);
    footer.writeUInt32BE(crc32(footer.subarray(0, 28)), 28);
    await tests.replace(tableName(1), bytes);
    await rejects(tests.open(1), (error) => hasCode(error, 'NEWER_FORMAT'));
  });
});

test('random bytes are no table', async () => {
  const tests = new TestTables();
  const bytes = fc.uint8Array({ maxLength: 200 });
  await fc.assert(
    fc.asyncProperty(bytes, fc.boolean(), async (random, hasFooter) => {
      const footer = Buffer.alloc(hasFooter ? FOOTER_BYTES : 0);
      if (hasFooter) {
        // A footer that is right about itself, so that what stands before it is looked at.
        footer.writeUIntBE(random.length & ~1, 2, 6);
        footer.writeUInt32BE(1, 20);
        footer.writeUInt32BE(TABLE_FORMAT, 24);
        footer.writeUInt32BE(crc32(footer.subarray(0, 28)), 28);
        footer.writeUInt32BE(0x4b565442, 32);
      }
      await tests.run(async () => {
        await tests.replace(tableName(1), Buffer.concat([random, footer]));
        await rejects(tests.open(1), damaged);
      });
    }),
    { numRuns: 300 },
  );
});

test('a record is a value, a removal without one, or a pointer, or it is bad', () => {
  const kinds = { value: 0, removal: 1, elsewhere: 2, none: 3 };
  for (const [name, kind] of Object.entries(kinds)) {
    for (const value of ['', 'x']) {
      const writer = new BlockWriter();
      writer.add({ ...entry('k', value, 7), kind: kind as EntryKind }, 0);
      const block = writer.finish();
      const isGood = name === 'removal' ? value === '' : name !== 'none';
      for (const parse of [entriesOf, (bytes: Buffer) => findInBlock(bytes, Buffer.from('k'))]) {
        if (isGood) deepEqual([parse(block)].flat(), [{ ...entry('k', value, 7), kind }]);
        else
          throws(
            () => parse(block),
            (error) => hasCode(error, 'BAD_BYTES'),
            `${name} ${value}`,
          );
      }
    }
  }
});

test('parsers of bytes whose checksum is right end, and throw BAD_BYTES only', () => {
  const parsers: Record<string, (bytes: Buffer) => unknown> = {
    index: (bytes) => new BlockIndex(bytes, 100),
    filter: (bytes) => new Filter(bytes).mayContain(2 ** 52 + 1),
    properties: decodeProperties,
    entries: entriesOf,
    find: (bytes) => findInBlock(bytes, Buffer.from('key')),
  };
  const small = fc.array(fc.constantFrom(0, 1, 2, 3, 4, 10, 127, 128, 255), { maxLength: 60 });
  const bytes = fc.oneof(small, fc.array(fc.nat(255), { maxLength: 60 }));
  for (const [name, parse] of Object.entries(parsers)) {
    fc.assert(
      fc.property(bytes, (random) => {
        try {
          parse(Buffer.from(random));
        } catch (error) {
          ok(hasCode(error, 'BAD_BYTES'), `${name}: ${error}`);
        }
      }),
      { numRuns: 2000 },
    );
  }
});
