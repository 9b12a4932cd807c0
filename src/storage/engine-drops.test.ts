import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../base/errors.ts';
import type { KeyspaceNumber, Slot } from '../base/ids.ts';
import { checkDirectory } from './directory-check.ts';
import type { Change, Engine, Reader, ScanPage, ScanRange, SlotRange } from './engine.ts';
import type { EngineOptions } from './open-engine.ts';
import { EVERYTHING, put, removal, scanAll, TestServer, textAt } from './test-engine.ts';

/** Five writes of this file a memtable. */
const TINY: EngineOptions = { memtableBytesMax: 600, tableBytesTarget: 2_000, verifies: 'all' };
const VALUE = 'v'.repeat(80);

function slots(fromSlot: number, toSlot: number, keyspace = 0): SlotRange {
  const [from, to] = [fromSlot as Slot, toSlot as Slot];
  return { keyspace: keyspace as KeyspaceNumber, fromSlot: from, toSlot: to };
}

function tables(server: TestServer): string[] {
  return server.machine.directory.names().filter((name) => name.endsWith('.kvtable'));
}

/** Key n in slot 100 · n, flushed and at rest. */
async function fill(server: TestServer, engine: Engine, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    await server.settle(engine.write([put(`k${n}`, `${n} ${VALUE}`, 100 * n)]).durable);
  }
  await rest(server, engine);
}

async function rest(server: TestServer, engine: Engine): Promise<void> {
  await server.world.runUntil(() => engine.stats().sealedMemtables === 0);
  await server.world.runFor(1_000);
}

async function keysOf(server: TestServer, reader: Reader): Promise<string> {
  return (await server.settle(scanAll(reader))).map(({ key }) => String(key)).join(' ');
}

test('what was dropped is gone, what is beside it or comes later is not', async () => {
  const server = new TestServer();
  const engine = await server.restart(TINY);
  await fill(server, engine, 20);
  await server.settle(engine.write([put('fresh', 'in memory', 500)]).durable);
  const snapshot = engine.snapshot();
  const before = await keysOf(server, snapshot);
  const { durable } = engine.drop(slots(300, 1_200));
  equal(await keysOf(server, engine), 'k0 k1 k2 k13 k14 k15 k16 k17 k18 k19');
  equal(await server.settle(textAt(engine, 'k5', 500)), undefined);
  equal(await server.settle(textAt(engine, 'fresh', 500)), undefined);
  await server.settle(durable);
  await server.settle(engine.write([put('k5', 'again', 500), removal('k6', 600)]).durable);
  const after = 'k0 k1 k2 k5 k13 k14 k15 k16 k17 k18 k19';
  equal(await keysOf(server, engine), after);
  equal(await keysOf(server, snapshot), before, 'a snapshot stays as it was');
  snapshot.release();
  for (const open of [() => server.restart(TINY), () => server.restart(TINY)]) {
    const again = await open();
    equal(await keysOf(server, again), after);
    equal(await server.settle(textAt(again, 'k5', 500)), 'again');
    await rest(server, again);
  }
});

test('a dropped keyspace takes its tables with it, unread, and is forgotten', async () => {
  const server = new TestServer();
  const engine = await server.restart(TINY);
  await fill(server, engine, 100);
  ok(tables(server).length > 2);
  const before = server.world.eventCount();
  await server.settle(engine.drop(EVERYTHING).durable);
  await server.world.runFor(100);
  deepEqual(tables(server), []);
  const events = server.world.traceLines().slice(before - server.world.eventCount());
  ok(events.some((event) => /removes table-/.test(event)));
  deepEqual(
    events.filter((event) => /(opens|read .*) table-/.test(event)),
    [],
  );
  equal(await keysOf(server, engine), '');
  // What was in memory goes with the next flush.
  await fill(server, engine, 6);
  equal(engine.stats().liveDrops, 0);
  equal((await server.settle(scanAll(engine))).length, 6);
});

test('other keyspaces stay, and what is between two of them is compacted away', async () => {
  const server = new TestServer();
  const engine = await server.restart(TINY);
  const inKeyspace = (keyspace: number, n: number): Change => ({
    ...put(`k${n}`, VALUE, 100 * n),
    keyspace: keyspace as KeyspaceNumber,
  });
  for (let n = 0; n < 40; n++) {
    const changes = [inKeyspace(0, n), inKeyspace(1, n), inKeyspace(2, n)];
    await server.settle(engine.write(changes).durable);
  }
  await rest(server, engine);
  await server.settle(engine.drop(slots(0, 16_383, 1)).durable);
  await rest(server, engine);
  const { entries } = engine.stats();
  ok(entries < 80 + 20, `${entries} of 120 entries: most of a third is gone`);
  const countOf = async (keyspace: number) => {
    const range = { ...EVERYTHING, keyspace: keyspace as KeyspaceNumber };
    const limits = { entriesMax: 100, bytesMax: 1e6 };
    return (await server.settle(Promise.resolve(engine.scan(range, limits)))).entries.length;
  };
  deepEqual([await countOf(0), await countOf(1), await countOf(2)], [40, 0, 40]);
});

test('a drop heals what is damaged in its slots, and only there', async () => {
  const server = new TestServer();
  const engine = await server.restart(TINY);
  await fill(server, engine, 60);
  await server.settle(engine.close());
  const [missing = '', rotten = ''] = tables(server);
  await server.remove(missing);
  server.machine.directory.rot(rotten, 10);
  const spoiled = await server.restart(TINY);
  const [range] = spoiled.stats().damaged;
  ok(range !== undefined && range.fromSlot < range.toSlot);
  const answer = async (key: number) => {
    const text: Promise<string | undefined | Error> = textAt(spoiled, `k${key}`, 100 * key);
    const found = await server.settle(text.catch((error) => error));
    if (found instanceof Error) ok(hasCode(found, 'CORRUPTION'), String(found));
    return found instanceof Error ? 'damaged' : found;
  };
  const [first, last] = [range.fromSlot / 100, range.toSlot / 100];
  equal(await answer(first), 'damaged');
  await server.settle(spoiled.drop(slots(0, 100 * first)).durable);
  equal(await answer(first), undefined, 'dropped slots have nothing to lose');
  equal(await answer(last), 'damaged');
  const limits = { entriesMax: 100, bytesMax: 1e6 };
  const upTo = (slot: number): ScanRange => ({ ...EVERYTHING, toSlot: slot as Slot });
  const page = await server.settle(Promise.resolve(spoiled.scan(upTo(100 * first), limits)));
  deepEqual(page, { entries: [], next: undefined });
  await server.settle(spoiled.drop(EVERYTHING).durable);
  await server.world.runFor(100);
  equal(await answer(last), undefined);
  equal(await keysOf(server, spoiled), '');
  deepEqual(spoiled.stats().damaged, []);
  deepEqual(tables(server), []);
  await fill(server, spoiled, 60);
  const again = await server.restart(TINY);
  equal((await server.settle(scanAll(again))).length, 60);
});

test('a drop that never became durable leaves everything as it was', async () => {
  const server = new TestServer();
  const engine = await server.restart(TINY);
  await fill(server, engine, 40);
  const before = await keysOf(server, engine);
  server.machine.directory.setPace({ syncMs: 1_000 });
  // Two memtables on their way to tables, and the drop behind them.
  for (let n = 0; n < 10; n++) engine.write([put('later', VALUE, 7)]);
  const { durable } = engine.drop(EVERYTHING);
  durable.catch(() => 'the power was cut');
  equal(await keysOf(server, engine), '');
  await server.world.runFor(900);
  const again = await server.restart(TINY);
  equal(await keysOf(server, again), before);
});

test('each slot dropped on its own is as good as all at once', async () => {
  const server = new TestServer();
  const engine = await server.restart(TINY);
  await fill(server, engine, 60);
  const dropped: Promise<void>[] = [];
  for (let slot = 0; slot < 16_384; slot += 50) {
    dropped.push(engine.drop(slots(slot, Math.min(slot + 49, 16_383))).durable);
  }
  equal(await keysOf(server, engine), '');
  ok(engine.stats().liveDrops > 300);
  await server.settle(Promise.all(dropped));
  await server.world.runFor(1_000);
  deepEqual(tables(server), []);
  await fill(server, engine, 6);
  equal(engine.stats().liveDrops, 0);
  equal((await server.settle(scanAll(engine))).length, 6);
});

test('a part of a table that was dropped gives its space back', async () => {
  const server = new TestServer();
  const engine = await server.restart(TINY);
  await fill(server, engine, 80);
  await server.settle(engine.drop(slots(0, 3_999)).durable);
  await rest(server, engine);
  const { entries } = engine.stats();
  ok(entries < 40 + 10, `${entries} of 80 entries`);
  equal((await server.settle(scanAll(engine))).length, 40);
});

test('a page passes over many dropped keys, but not over all of them at once', async () => {
  const server = new TestServer();
  const engine = await server.restart();
  const changes = Array.from({ length: 10_000 }, (_, n) => put(`k${n}`, 'x', n));
  await server.settle(engine.write([...changes, put('last', 'x', 16_000)]).durable);
  await server.settle(engine.drop(slots(0, 10_000)).durable);
  const counts: number[] = [];
  for (let range: ScanRange | undefined = EVERYTHING; range !== undefined; ) {
    const page: ScanPage = await server.settle(
      Promise.resolve(engine.scan(range, { entriesMax: 100_000, bytesMax: 1e9 })),
    );
    counts.push(page.entries.length);
    range = page.next;
  }
  deepEqual(counts, [0, 0, 1]);
});

test('a poisoned or closed engine refuses to drop', async () => {
  const server = new TestServer();
  const engine = await server.restart();
  await server.fill(engine, ['a']);
  await server.settle(engine.close());
  let error: unknown;
  try {
    engine.drop(EVERYTHING);
  } catch (thrown) {
    error = thrown;
  }
  ok(hasCode(error, 'CLOSED'));
  const again = await server.restart();
  equal(await textAt(again, 'a'), 'value of a');
});

test('doctor tells of drops, and does not read what they hide', async () => {
  const server = new TestServer();
  const engine = await server.restart(TINY);
  await fill(server, engine, 40);
  await server.settle(engine.drop(EVERYTHING).durable);
  // Before the tables go.
  ok(tables(server).length > 0);
  const look = async () => {
    server.machine.crash();
    const host = server.machine.boot();
    return server.settle(checkDirectory({ disk: host.disk, log: host.log }));
  };
  const { findings, isSound } = await look();
  ok(isSound);
  for (const name of tables(server)) {
    const finding = findings.find(({ file }) => file === name);
    deepEqual([finding?.verdict, finding?.onStart], ['leftover', 'removes it']);
  }
  const again = await server.restart(TINY);
  await rest(server, again);
  deepEqual(tables(server), []);
  await fill(server, again, 40);
  await server.settle(again.drop(slots(100, 100)).durable);
  const { flushes } = again.stats();
  for (let n = 0; n < 6; n++) await server.settle(again.write([put('x', VALUE, 9)]).durable);
  await server.world.runUntil(() => again.stats().flushes > flushes);
  const manifest = (await look()).findings.find(({ file }) => file === 'manifest');
  match(manifest?.what ?? '', /without what 1 drops hide/);
});
