import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../../base/errors.ts';
import type { Engine } from '../engine.ts';
import type { EngineOptions } from '../open-engine.ts';
import { MANIFEST_NAME } from '../tables/manifest.ts';
import { put, TestServer, textAt } from '../test-engine.ts';
import { newNameOf } from '../whole-file.ts';

const PERIOD_MS = 1_200_000;

/** A table for some five keys; values of 500 bytes stand apart. */
const OPTIONS: EngineOptions = {
  memtableBytesMax: 1_500,
  tableBytesTarget: 2_000,
  largeValueBytes: 400,
  verifies: 'all',
  scrubPeriodMs: PERIOD_MS,
};

/** An engine at rest, all of whose data is in tables; nobody reads or writes any more. */
class Scrubbed {
  readonly server = new TestServer();
  engine!: Engine;
  readonly keys = Array.from({ length: 60 }, (_, n) => `key ${n}`);

  static async filled(options: EngineOptions = OPTIONS): Promise<Scrubbed> {
    const scrubbed = new Scrubbed();
    scrubbed.engine = await scrubbed.server.restart(options);
    for (const key of scrubbed.keys) await scrubbed.write(key);
    scrubbed.engine.snapshot().release();
    await scrubbed.server.world.runUntil(() => scrubbed.engine.stats().sealedMemtables === 0);
    await scrubbed.periods(0.01);
    return scrubbed;
  }

  async write(key: string): Promise<void> {
    const { engine, server } = this;
    await server.settle(engine.write([put(key, textOf(key), slotOf(key))]).durable);
  }

  periods(count: number): Promise<void> {
    return this.server.world.runFor(count * PERIOD_MS);
  }

  files(ending: string): string[] {
    return this.server.machine.directory.names().filter((name) => name.endsWith(ending));
  }

  /** Flips a bit in the middle of a file. */
  rot(name: string): void {
    this.server.machine.directory.rot(name, this.server.bytesOf(name).length >> 1);
  }

  events(event: string) {
    return this.server.world.logLines().filter((line) => line.event === event);
  }

  /** Every key, read: how many are as they were, and how many are refused as damaged. */
  async read(): Promise<{ right: number; damaged: number }> {
    const counts = { right: 0, damaged: 0 };
    for (const key of this.keys) {
      const reading = textAt(this.engine, key, slotOf(key)).catch((error) => error);
      const found: unknown = await this.server.settle(reading);
      if (hasCode(found, 'CORRUPTION')) counts.damaged += 1;
      else {
        equal(found, textOf(key));
        counts.right += 1;
      }
    }
    return counts;
  }
}

/** Each fourth value is a large one. */
function textOf(key: string): string {
  const n = Number(key.split(' ')[1]);
  return `${key} `.repeat(n % 4 === 0 ? 80 : 5);
}

function slotOf(key: string): number {
  return Number(key.split(' ')[1]) * 100;
}

test('a pass reads everything in its period, a little at a time', async () => {
  const scrubbed = await Scrubbed.filled();
  const { engine } = scrubbed;
  // The first one began before there was anything.
  await scrubbed.periods(1);
  equal(engine.stats().scrub.passes, 1);
  const files = [...scrubbed.files('.kvtable'), ...scrubbed.files('.kvvalues')];
  ok(files.length > 8, `${files.length} files`);
  const sizes = files.map((name) => scrubbed.server.bytesOf(name).length);
  const total = sizes.reduce((sum, bytes) => sum + bytes, 0);
  const before = engine.stats().scrub;
  let bytesRead = before.bytesRead;
  for (let part = 0; part < 6; part++) {
    await scrubbed.periods(1 / 6);
    const read = engine.stats().scrub.bytesRead - bytesRead;
    ok(read <= total / 6 + 2 * Math.max(...sizes), `${read} of ${total} bytes in a sixth`);
    bytesRead += read;
  }
  await scrubbed.periods(0.01);
  const { scrub, damaged } = engine.stats();
  equal(scrub.passes, 2);
  ok(scrub.filesChecked - before.filesChecked >= files.length);
  ok(bytesRead - before.bytesRead >= 0.9 * total);
  equal(scrub.damageFound, 0);
  deepEqual(damaged, []);
  const beganMs = Date.UTC(2026, 0, 1) + PERIOD_MS;
  ok(scrub.checkedAsOfMs >= beganMs && scrub.checkedAsOfMs < beganMs + 0.1 * PERIOD_MS);
});

test('rot in a table that nobody reads is found, and the table is a suspect', async () => {
  const scrubbed = await Scrubbed.filled();
  const [table = ''] = scrubbed.files('.kvtable');
  scrubbed.rot(table);
  await scrubbed.periods(2.01);
  const { damaged, scrub, corruptReads } = scrubbed.engine.stats();
  equal(corruptReads, 0);
  equal(scrub.damageFound, 1);
  deepEqual(
    damaged.map(({ file, extent }) => [file, extent]),
    [[table, 'part']],
  );
  const [said] = scrubbed.events('damage-found');
  equal(said?.fields.file, table);
  match(String(said?.fields.why), /checksum|wrong|damaged/);
  const { right, damaged: refused } = await scrubbed.read();
  ok(refused > 0 && right > 40, `${right} right, ${refused} refused`);
  await scrubbed.periods(1);
  equal(scrubbed.engine.stats().scrub.damageFound, 1, 'it is known, and not found again');
  // A restart knows it too.
  scrubbed.engine = await scrubbed.server.restart(OPTIONS);
  deepEqual(
    scrubbed.engine.stats().damaged.map(({ file, extent }) => [file, extent]),
    [[table, 'part']],
  );
});

test('a suspect is counted once, and not before all know it, though the disk fails', async () => {
  const scrubbed = await Scrubbed.filled();
  const { engine, server } = scrubbed;
  await scrubbed.periods(1);
  const [table = ''] = scrubbed.files('.kvtable');
  scrubbed.rot(table);
  server.machine.directory.failNextSync(newNameOf(MANIFEST_NAME));
  await server.world.runUntil(() => engine.stats().scrub.damageFound > 0);
  deepEqual(
    engine.stats().damaged.map(({ file }) => file),
    [table],
  );
  equal(engine.stats().backgroundFailures, 1);
  await scrubbed.periods(1);
  equal(engine.stats().scrub.damageFound, 1);
});

test('rot in a file of large values costs the values that it hit', async () => {
  const scrubbed = await Scrubbed.filled();
  const [values = ''] = scrubbed.files('.kvvalues');
  scrubbed.rot(values);
  await scrubbed.periods(2.01);
  equal(scrubbed.engine.stats().scrub.damageFound, 1);
  ok(
    scrubbed.engine
      .stats()
      .damaged.every(({ file, extent }) => file === values && extent === 'part'),
  );
  const { right, damaged } = await scrubbed.read();
  ok(damaged === 1 && right === 59, `${right} right, ${damaged} refused`);
});

test('a file that is gone is damage', async () => {
  const scrubbed = await Scrubbed.filled();
  const [table = ''] = scrubbed.files('.kvtable');
  const { directory } = scrubbed.server.machine;
  directory.change({ kind: 'remove', name: table });
  await scrubbed.periods(2.01);
  equal(scrubbed.engine.stats().scrub.damageFound, 1);
  equal(scrubbed.events('damage-found')[0]?.fields.why, 'the file is missing');
});

test('rot in the log is healed: what stands in it goes into a table', async () => {
  const scrubbed = await Scrubbed.filled();
  await scrubbed.write('key 1');
  await scrubbed.write('key 2');
  const [segment = ''] = scrubbed.files('.kvlog');
  scrubbed.server.machine.directory.rot(segment, 40);
  await scrubbed.periods(1.01);
  equal(scrubbed.engine.stats().scrub.damageFound, 1);
  deepEqual(scrubbed.engine.stats().damaged, []);
  await scrubbed.write('key 3');
  await scrubbed.periods(0.01);
  ok(!scrubbed.files('.kvlog').includes(segment));
  scrubbed.engine = await scrubbed.server.restart(OPTIONS);
  deepEqual(await scrubbed.read(), { right: 60, damaged: 0 });
});

test('rot in the manifest is healed', async () => {
  const scrubbed = await Scrubbed.filled();
  scrubbed.rot(MANIFEST_NAME);
  await scrubbed.periods(1.01);
  equal(scrubbed.engine.stats().scrub.damageFound, 1);
  scrubbed.engine = await scrubbed.server.restart(OPTIONS);
  deepEqual(await scrubbed.read(), { right: 60, damaged: 0 });
});

test('a read that fails once is no damage', async () => {
  const scrubbed = await Scrubbed.filled();
  const [table = ''] = scrubbed.files('.kvtable');
  scrubbed.server.machine.directory.failNextRead(table);
  await scrubbed.periods(2.01);
  const { damaged, scrub } = scrubbed.engine.stats();
  equal(scrub.passes, 2);
  equal(scrub.damageFound, 0);
  deepEqual(damaged, []);
});

test('a node that restarts goes on where it was', async () => {
  const scrubbed = await Scrubbed.filled();
  await scrubbed.periods(1);
  const files = scrubbed.files('.kvtable').length + scrubbed.files('.kvvalues').length;
  let checked = 0;
  for (let hour = 0; hour < 24; hour += 3) {
    await scrubbed.periods(1 / 8);
    checked += scrubbed.engine.stats().scrub.filesChecked;
    scrubbed.engine = await scrubbed.server.restart(OPTIONS);
  }
  await scrubbed.periods(0.1);
  const { scrub } = scrubbed.engine.stats();
  const [, last] = scrubbed.events('scrubbed');
  ok(last !== undefined, 'the second pass came to its end');
  ok(scrub.checkedAsOfMs > 0, 'kept over restarts');
  ok(checked + scrub.filesChecked <= files + 12, `${checked} checks of ${files} files`);
});

test('what compaction takes away while it is read is no damage', async () => {
  const scrubbed = await Scrubbed.filled({ ...OPTIONS, scrubPeriodMs: 2_000 });
  for (let round = 0; round < 40; round++) {
    for (const key of scrubbed.keys) await scrubbed.write(key);
  }
  const { compactions, scrub } = scrubbed.engine.stats();
  ok(compactions > 40 && scrub.filesChecked > 40, `${compactions}, ${scrub.filesChecked}`);
  equal(scrub.damageFound, 0);
});

test('never is never, and a close waits for nothing', async () => {
  const idle = await Scrubbed.filled({ ...OPTIONS, scrubPeriodMs: Number.POSITIVE_INFINITY });
  await idle.periods(3);
  equal(idle.engine.stats().scrub.filesChecked, 0);
  const scrubbed = await Scrubbed.filled();
  await scrubbed.periods(1);
  const beforeMs = scrubbed.server.world.nowMs;
  await scrubbed.server.settle(scrubbed.engine.close());
  ok(scrubbed.server.world.nowMs - beforeMs < 1_000);
});
