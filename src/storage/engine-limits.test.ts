import { equal, ok, throws } from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../base/errors.ts';
import type { Engine } from './engine.ts';
import type { EngineOptions } from './open-engine.ts';
import { put, scanAll, TestServer, textAt } from './test-engine.ts';
import { DELAY_MS_MAX, pressureOf } from './write-pressure.ts';

/** Five writes of this file a memtable. */
const TINY: EngineOptions = { memtableBytesMax: 600, tableBytesTarget: 2_000, verifies: 'all' };
const VALUE = 'v'.repeat(80);

async function write(server: TestServer, engine: Engine, from: number, to: number) {
  for (let n = from; n <= to; n++) {
    await server.settle(engine.write([put(`k${n}`, `${n} ${VALUE}`)]).durable);
  }
}

async function checkAll(server: TestServer, engine: Engine, to: number) {
  for (let n = 1; n <= to; n++) {
    equal(await server.settle(textAt(engine, `k${n}`)), `${n} ${VALUE}`, `k${n}`);
  }
}

test('no room for a table: writes are refused, reads go on, it heals by itself', async () => {
  const server = new TestServer();
  const engine = await server.restart(TINY);
  await write(server, engine, 1, 20);
  const { directory } = server.machine;
  // Until nothing is left to compact, which would make room.
  await server.world.runFor(5_000);
  const free = directory.usedBytes() + 450;
  directory.setCapacity(free);
  let taken = 20;
  let refusal: unknown;
  while (refusal === undefined) {
    try {
      await server.settle(engine.write([put(`k${taken + 1}`, `${taken + 1} ${VALUE}`)]).durable);
      taken += 1;
      await server.world.runFor(50);
    } catch (error) {
      refusal = error;
    }
  }
  ok(hasCode(refusal, 'DISK_FULL'), String(refusal));
  equal(engine.stats().state, 'disk-full');
  await checkAll(server, engine, taken);
  await server.world.runFor(10_000);
  equal(engine.stats().state, 'disk-full');
  throws(
    () => engine.write([put('no', 'x')]),
    (error) => hasCode(error, 'DISK_FULL'),
  );
  directory.setCapacity(undefined);
  await server.world.runUntil(() => engine.stats().state === 'open', 5_000);
  await write(server, engine, taken + 1, taken + 30);
  await checkAll(server, engine, taken + 30);
  await checkAll(server, await server.restart(TINY), taken + 30);
});

test('writes that flushing cannot keep up with are slowed, then refused', async () => {
  const server = new TestServer();
  const engine = await server.restart({ ...TINY, sealedMax: 2 });
  server.machine.directory.setPace({ syncMs: 100 });
  let taken = 0;
  for (;;) {
    try {
      engine.write([put(`k${taken + 1}`, `${taken + 1} ${VALUE}`)]);
      taken += 1;
    } catch (error) {
      ok(hasCode(error, 'OVERLOADED'), String(error));
      // One error for all who are refused: a refusal costs less than the write.
      throws(
        () => engine.write([put('no', VALUE)]),
        (again) => again === error,
      );
      break;
    }
  }
  const { writesDelayed, writesRefused } = engine.stats();
  ok(writesDelayed > 3 && writesRefused === 2, `${writesDelayed} delayed`);
  ok(taken >= 15 && taken <= 20, `${taken} taken: three memtables`);
  await server.world.runUntil(() => engine.stats().sealedMemtables === 0);
  await write(server, engine, taken + 1, taken + 3);
  await checkAll(server, engine, taken + 3);
});

test('pressure grows steadily from nothing to the longest delay, and ends in a refusal', () => {
  let before = 0;
  for (let fill = 0; fill <= 4; fill += 0.01) {
    const sealed = Math.min(3, Math.floor(fill));
    const pressure = pressureOf({ sealed, sealedMax: 3, activeFill: fill - sealed });
    const delayMs = pressure.kind === 'slow' ? pressure.delayMs : 0;
    ok(delayMs >= before && delayMs <= DELAY_MS_MAX, `${fill}: ${delayMs}`);
    if (fill < 2) equal(pressure.kind, 'none');
    before = delayMs;
  }
  equal(pressureOf({ sealed: 3, sealedMax: 3, activeFill: 1 }).kind, 'refuse');
});

test('a snapshot keeps its tables through compactions; without it their files go', async () => {
  const server = new TestServer();
  const engine = await server.restart(TINY);
  await write(server, engine, 1, 30);
  const snapshot = engine.snapshot();
  const before = (await server.settle(scanAll(snapshot))).length;
  for (let round = 0; round < 5; round++) await write(server, engine, 1, 40);
  await server.world.runFor(1_000);
  ok(engine.stats().compactions > 3);
  const entries = await server.settle(scanAll(snapshot, 7));
  equal(entries.length, before);
  ok(entries.every(({ sequence }) => sequence <= 30));
  const tableFiles = () => server.machine.directory.names().filter((n) => n.startsWith('table-'));
  const live = () => engine.stats().tablesPerLevel.reduce((sum, count) => sum + count, 0);
  ok(tableFiles().length > live(), 'what it pins stays');
  snapshot.release();
  await server.world.runFor(100);
  equal(tableFiles().length, live());
});

test('one budget is enough: memtables and cache keep to their shares of it', async () => {
  const server = new TestServer();
  const memoryBytes = 12 * 600;
  const engine = await server.restart({ memoryBytes, tableBytesTarget: 2_000, verifies: 'all' });
  let wasCompacting = false;
  for (let n = 1; n <= 300; n++) {
    await write(server, engine, n, n);
    wasCompacting ||= engine.stats().compactionsRunning === 1;
  }
  ok(wasCompacting);
  await server.world.runFor(1_000);
  await checkAll(server, engine, 300);
  const stats = engine.stats();
  ok(stats.flushes >= 300 / 12, `${stats.flushes} flushes of memtables of a sixth of the budget`);
  ok(stats.blockCacheMisses > 0 && stats.blockCacheBytes <= memoryBytes / 3 + 1);
  ok(stats.tableMemoryBytes > 300, 'a filter takes more than a byte a key');
  equal(stats.compactionsRunning, 0);
});
