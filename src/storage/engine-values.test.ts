// Large values as users of the engine meet them: see also the model and the faults.

import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import { SimRandom } from '../../sim/sim-random.ts';
import { hasCode } from '../base/errors.ts';
import { checkDirectory } from './directory-check.ts';
import type { Engine } from './engine.ts';
import type { EngineOptions } from './open-engine.ts';
import { EVERYTHING, put, removal, scanAll, TestServer, textAt } from './test-engine.ts';
import { valuesNumberOf } from './values/value-format.ts';

const LARGE = 1_000;
/** Ten large values a memtable. */
const TINY: EngineOptions = {
  memtableBytesMax: 11 * LARGE,
  segmentBytesMax: 20 * LARGE,
  largeValueBytes: 100,
  tableBytesTarget: 2_000,
  verifies: 'all',
};

const damaged = (error: unknown) => hasCode(error, 'CORRUPTION');

/** Never the value of another key or of another write, and nothing that could be compressed. */
function textOf(key: string, write = 0): string {
  return new SimRandom(`${key} ${write}`).bytes(LARGE).toString('latin1');
}

/** `key 0` … `key 9` */
const KEYS = Array.from({ length: 10 }, (_, n) => `key ${n}`);

class Values extends TestServer {
  engine!: Engine;

  async open(options: EngineOptions = TINY): Promise<Engine> {
    this.engine = await this.restart(options);
    return this.engine;
  }

  async write(keys: readonly string[], write = 0): Promise<void> {
    for (const key of keys) {
      await this.settle(this.engine.write([put(key, textOf(key, write))]).durable);
    }
  }

  /** Everything is in tables, and nothing is left to do. */
  async rest(): Promise<void> {
    this.engine.snapshot().release();
    await this.world.runUntil(() => this.engine.stats().sealedMemtables === 0);
    await this.world.runFor(3_000);
  }

  get valueFiles(): string[] {
    return this.machine.directory.names().filter((name) => valuesNumberOf(name) !== undefined);
  }

  text(key: string): Promise<string | undefined> {
    return this.settle(textAt(this.engine, key));
  }

  async expect(write: number, keys = KEYS): Promise<void> {
    for (const key of keys) equal(await this.text(key), textOf(key, write));
    const entries = await this.settle(scanAll(this.engine, 3));
    const texts = new Map(entries.map(({ key, value }) => [String(key), value.toString('latin1')]));
    for (const key of keys) equal(texts.get(key), textOf(key, write));
  }
}

async function filled(): Promise<Values> {
  const values = new Values();
  await values.open();
  await values.write(KEYS);
  await values.rest();
  return values;
}

test('large values are flushed once, beside their table, and read in every way', async () => {
  const values = await filled();
  await values.settle(values.engine.write([put('small', 'x')]).durable);
  await values.rest();
  const { flushBytesWritten, tableBytes, valueFiles, valueFileBytes, valueLiveBytes } =
    values.engine.stats();
  equal(valueFiles, 1);
  ok(valueLiveBytes > 10 * LARGE && valueFileBytes < 11 * LARGE, `${valueFileBytes} bytes`);
  ok(tableBytes < 2 * LARGE && flushBytesWritten < 12.5 * LARGE, `${tableBytes} bytes of tables`);
  await values.expect(0);
  equal(await values.text('small'), 'x');
  await values.open();
  await values.expect(0);
});

test('a value of exactly the threshold is large, one byte less is not', async () => {
  for (const [length, files] of [
    [100, 1],
    [99, 0],
  ] as const) {
    const values = new Values();
    await values.open();
    await values.settle(values.engine.write([put('key', 'v'.repeat(length))]).durable);
    await values.rest();
    equal(values.engine.stats().valueFiles, files);
    equal(await values.text('key'), 'v'.repeat(length));
  }
});

test('a scan reads no more large values than its limit allows', async () => {
  const values = await filled();
  const limits = { entriesMax: 1000, bytesMax: 2.5 * LARGE };
  const page = await values.settle(Promise.resolve(values.engine.scan(EVERYTHING, limits)));
  deepEqual(
    page.entries.map(({ key }) => String(key)),
    ['key 0', 'key 1'],
  );
  ok(page.next !== undefined);
});

test('what is overwritten or removed frees its file', async () => {
  const values = await filled();
  const before = values.valueFiles;
  await values.write(KEYS, 1);
  await values.rest();
  ok(
    before.every((name) => !values.valueFiles.includes(name)),
    values.valueFiles.join(' '),
  );
  await values.expect(1);
  const removals = KEYS.map((key) => removal(key));
  await values.settle(values.engine.write(removals).durable);
  await values.rest();
  deepEqual(values.valueFiles, []);
  equal(values.engine.stats().valueFileBytes, 0);
});

test('values move out of files of garbage, and a snapshot still sees the old', async () => {
  const values = await filled();
  const snapshot = values.engine.snapshot();
  const before = values.valueFiles;
  await values.write(KEYS.slice(0, 9), 1);
  await values.rest();
  ok(values.engine.stats().valueBytesMoved >= LARGE, 'the tenth value moved');
  await values.expect(1, KEYS.slice(0, 9));
  await values.expect(0, KEYS.slice(9));
  ok(
    before.every((name) => values.valueFiles.includes(name)),
    'files that it needs stay',
  );
  for (const key of KEYS) equal(await values.settle(textAt(snapshot, key)), textOf(key));
  equal((await values.settle(scanAll(snapshot))).length, 10);
  snapshot.release();
  await values.world.runFor(1_000);
  ok(!before.some((name) => values.valueFiles.includes(name)), 'then they go');
  const { valueFiles, valueFileBytes, valueLiveBytes } = values.engine.stats();
  equal(values.valueFiles.length, valueFiles);
  ok(valueFileBytes < 1.1 * valueLiveBytes, `${valueFileBytes} bytes for ${valueLiveBytes}`);
  await values.open();
  await values.expect(0, KEYS.slice(9));
});

test('the space stays bounded, and so does what is written', async () => {
  const values = new Values();
  await values.open();
  const keys = Array.from({ length: 100 }, (_, n) => `key ${n}`);
  await values.write(keys);
  for (let n = 1; n <= 1_000; n++) await values.write([`key ${(n * 37) % 100}`], n);
  await values.rest();
  const { valueBytesMoved, valueFileBytes, valueLiveBytes } = values.engine.stats();
  ok(valueLiveBytes < 1.4 * 100 * LARGE && valueFileBytes < 1.7 * valueLiveBytes);
  ok(valueBytesMoved < 0.7 * 1_000 * LARGE, `${valueBytesMoved} bytes moved`);
});

test('every flipped bit of a value file is the right value or CORRUPTION', async () => {
  const values = new Values();
  await values.open({ ...TINY, largeValueBytes: 10 });
  const texts = { a: 'a large value', b: 'another one', c: 'small' };
  for (const [key, text] of Object.entries(texts)) {
    await values.settle(values.engine.write([put(key, text)]).durable);
  }
  await values.rest();
  await values.settle(values.engine.close());
  const [file = ''] = values.valueFiles;
  const bytes = values.bytesOf(file).length;
  ok(bytes > 0 && bytes < 100, `${bytes} bytes`);
  for (let bit = 0; bit < 8 * bytes; bit++) {
    values.machine.directory.rot(file, bit >> 3, bit & 7);
    const outcome = await values.open().catch((error) => error);
    if (hasCode(outcome, 'NEWER_FORMAT') || hasCode(outcome, 'OLDER_FORMAT')) {
      ok(false, 'rot in the format number is not mistaken for news');
    }
    for (const [key, text] of Object.entries(texts)) {
      const found = await values.text(key).catch((error) => error);
      if (found !== text) ok(damaged(found), `${key} is ${found} with bit ${bit}`);
      if (key === 'c') equal(found, text);
    }
    values.machine.crash();
    values.machine.directory.rot(file, bit >> 3, bit & 7);
  }
});

test('one damaged value costs itself: the others move away from it', async () => {
  const values = await filled();
  const [file = ''] = values.valueFiles;
  // In the middle of the value of key 9, the last one.
  values.machine.directory.rot(file, Math.round(9.5 * LARGE));
  await values.write(KEYS.slice(0, 8), 1);
  await values.rest();
  const { valueBytesMoved, compactions, backgroundFailures } = values.engine.stats();
  ok(valueBytesMoved > LARGE && valueBytesMoved < 1.1 * LARGE, 'key 8');
  equal(backgroundFailures, 0);
  for (const key of KEYS.slice(0, 8)) equal(await values.text(key), textOf(key, 1));
  equal(await values.text('key 8'), textOf('key 8'));
  await rejects(values.text('key 9'), damaged);
  ok(values.valueFiles.includes(file), 'it stays for whoever can still read it');
  await values.world.runFor(10_000);
  equal(values.engine.stats().compactions, compactions, 'it is not tried again and again');
});

test('a scan ends before a damaged value, and the next page says why', async () => {
  const values = await filled();
  const [file = ''] = values.valueFiles;
  values.machine.directory.rot(file, Math.round(4.5 * LARGE));
  const limits = { entriesMax: 100, bytesMax: 1e9 };
  const page = await values.settle(Promise.resolve(values.engine.scan(EVERYTHING, limits)));
  equal(page.entries.at(-1)?.key.toString(), 'key 3');
  equal(page.entries.at(-1)?.value.toString('latin1'), textOf('key 3'));
  const { next } = page;
  ok(next !== undefined);
  await rejects(values.settle((async () => values.engine.scan(next, limits))()), damaged);
});

test('a scan of what is sound passes over a damaged value', async () => {
  const values = await filled();
  const [file = ''] = values.valueFiles;
  values.machine.directory.rot(file, Math.round(4.5 * LARGE));
  const limits = { entriesMax: 100, bytesMax: 1e9, isSoundOnly: true };
  const page = await values.settle(Promise.resolve(values.engine.scan(EVERYTHING, limits)));
  const others = KEYS.filter((key) => key !== 'key 4');
  deepEqual(
    page.entries.map(({ key, value }) => [key.toString(), value.toString('latin1')]),
    others.map((key) => [key, textOf(key)]),
  );
});

test('a lost value file is reported, and a new value takes the place of a lost one', async () => {
  const values = await filled();
  const [file = ''] = values.valueFiles;
  await values.remove(file);
  await values.open();
  deepEqual(values.engine.stats().damaged, [
    { file, extent: 'whole', fromKeyspace: 0, fromSlot: 7, toKeyspace: 0, toSlot: 7 },
  ]);
  await rejects(values.text('key 0'), damaged);
  ok(values.engine.stats().corruptReads > 0);
  await values.write(KEYS, 1);
  await values.rest();
  await values.expect(1);
  equal(values.engine.stats().damaged.length, 0);
});

test('the doctor reads every large value', async () => {
  const values = await filled();
  const [file = ''] = values.valueFiles;
  const findings = async () => {
    values.machine.crash();
    const report = await values.settle(checkDirectory(values.machine.boot()));
    const found = report.findings.filter((each) => valuesNumberOf(each.file) !== undefined);
    return [report.isSound, ...found.map((each) => `${each.file} ${each.verdict}: ${each.what}`)];
  };
  deepEqual(await findings(), [
    true,
    `${file} sound: 10090 bytes of large values, 10090 of them live, every one read`,
  ]);
  values.machine.directory.rot(file, 5 * LARGE);
  const [isSound, finding] = await findings();
  equal(isSound, false);
  ok(String(finding).startsWith(`${file} damaged: CORRUPTION`), String(finding));
});
