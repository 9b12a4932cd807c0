import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { elsewhere, entry } from '../sstable/test-table.ts';
import type { TableEntry } from '../table-entry.ts';
import { TestValues } from './test-values.ts';
import { openValueFile } from './value-file.ts';
import { valuesName } from './value-format.ts';
import { ValueMover } from './value-mover.ts';
import { decodePointer, type ValuePointer } from './value-pointer.ts';

const VALUES = ['one', 'two', 'three', 'four'].map((text) => Buffer.from(text.repeat(100)));

/** Files 1 and 2 with all values, and a mover out of file 1 into files from 10 on. */
async function scene(tests: TestValues, fileBytesMax = 1e9) {
  const pointers = await tests.writeValues(1, VALUES);
  const others = await tests.writeValues(2, VALUES);
  const moves = { from: [1], numbersFrom: 10, numbersCount: 4, fileBytesMax };
  const entriesOf = (all: readonly ValuePointer[]) => all.map((each) => elsewhere('key', each, 5));
  return {
    mover: new ValueMover(tests.disk, moves),
    entries: entriesOf(pointers),
    others: entriesOf(others),
  };
}

async function readBack(tests: TestValues, { value }: TableEntry): Promise<string> {
  const pointer = decodePointer(value);
  const file = await openValueFile(tests.disk, pointer.file);
  try {
    return (await file.read(pointer)).toString();
  } finally {
    await file.close();
  }
}

test('values of files that are given up move, others do not', async () => {
  const tests = new TestValues();
  await tests.run(async () => {
    const { mover, entries, others } = await scene(tests);
    ok(entries.every((each) => mover.concerns(each)));
    ok(![...others, entry('key', 'small')].some((each) => mover.concerns(each)));
    const kept: TableEntry[] = [];
    for (const each of [entries[3], entries[1]]) kept.push(await mover.move(each as TableEntry));
    const { files, bytesMoved, bytesWritten, unreadable } = await mover.finish();
    deepEqual(await Promise.all(kept.map((each) => readBack(tests, each))), [
      String(VALUES[3]),
      String(VALUES[1]),
    ]);
    deepEqual(
      kept.map(({ key, sequence }) => [String(key), sequence]),
      [
        ['key', 5],
        ['key', 5],
      ],
    );
    deepEqual([files, unreadable], [[10], []]);
    ok(bytesMoved < 150, 'what repeats itself is compressed, and stays so');
    equal(bytesWritten, tests.valueBytesOf(10).length);
  });
});

test('a file that is full is followed by another', async () => {
  const tests = new TestValues();
  await tests.run(async () => {
    const { mover, entries } = await scene(tests, 20);
    for (const each of entries) ok(mover.concerns(await mover.move(each)) === false);
    deepEqual((await mover.finish()).files, [10, 11, 12, 13]);
  });
});

test('what cannot be read stays where it is, the rest moves', async () => {
  const tests = new TestValues();
  await tests.run(async () => {
    const { mover, entries } = await scene(tests);
    const bad = decodePointer((entries[1] as TableEntry).value);
    tests.machine.directory.rot(valuesName(1), bad.offset + 9);
    for (const [n, each] of entries.entries()) {
      const moved = await mover.move(each);
      equal(moved === each, n === 1);
    }
    deepEqual((await mover.finish()).unreadable, [1]);
  });
});

test('of a file that cannot be opened nothing moves', async () => {
  const tests = new TestValues();
  await tests.run(async () => {
    const { mover, entries } = await scene(tests);
    tests.machine.directory.rot(valuesName(1), tests.valueBytesOf(1).length - 1);
    for (const each of entries) equal(await mover.move(each), each);
    const { files, unreadable } = await mover.finish();
    deepEqual([files, unreadable], [[], [1]]);
  });
});

test('what was moved can be taken back, whether it was finished or not', async () => {
  for (const isFinished of [true, false]) {
    const tests = new TestValues();
    await tests.run(async () => {
      const { mover, entries } = await scene(tests, 20);
      const before = await tests.disk.list();
      for (const each of entries) await mover.move(each);
      if (isFinished) await mover.finish();
      ok((await tests.disk.list()).length > before.length);
      await mover.remove();
      deepEqual(await tests.disk.list(), before);
    });
  }
});
