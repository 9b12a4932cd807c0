import { equal, match, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode, type KvorumError } from '../base/errors.ts';
import type { Slot } from '../base/ids.ts';
import type { Engine } from './engine.ts';
import { segmentName } from './log/log-format.ts';
import { type EngineOptions, openEngine } from './open-engine.ts';
import { EVERYTHING, OWNER, put, removal, scanAll, TestServer } from './test-engine.ts';

/** Everything that is written here stays in memory. */
const LARGE: EngineOptions = { segmentBytesMax: 1_000, batchBytesTarget: 200 };
/** Three memtables for about five writes each, and the one that is written. */
const SMALL: EngineOptions = { ...LARGE, memtableBytesMax: 600, sealedMax: 3, verifies: 'all' };
const WRITES = 120;
const KEYS = 50;
const SLOT = 7 as Slot;

/** Write n removes a key that was there, or puts one that was not or was written WRITES - n ago. */
async function writeAll(server: TestServer, engine: Engine): Promise<void> {
  for (let n = 0; n < WRITES; n++) {
    const key = `k${n % KEYS}`;
    const isNew = n < KEYS || isRemoved(n - KEYS);
    const change = isRemoved(n)
      ? removal(key, SLOT, isNew ? 0 : -1)
      : put(key, `${n}`.padEnd(80, '.'), SLOT, isNew ? 1 : 0);
    await server.settle(engine.write([change]).durable);
  }
}

function isRemoved(n: number): boolean {
  return n % 7 === 3;
}

/** A log of some 20 memtables, and a node that was killed. */
async function longLog(): Promise<TestServer> {
  const server = new TestServer();
  await writeAll(server, await server.restart(LARGE));
  server.machine.crash();
  return server;
}

async function checkAll(server: TestServer, engine: Engine, where = ''): Promise<void> {
  const entries = await server.settle(scanAll(engine));
  const found = new Map(
    entries.map(({ key, value }) => [String(key), Number.parseInt(String(value), 10)]),
  );
  let live = 0;
  for (let n = WRITES - KEYS; n < WRITES; n++) {
    equal(found.get(`k${n % KEYS}`), isRemoved(n) ? undefined : n, `k${n % KEYS} ${where}`);
    if (!isRemoved(n)) live += 1;
  }
  equal(entries.length, live, where);
  equal(engine.countOf(EVERYTHING.keyspace, SLOT), live, where);
}

test('a log longer than memory is replayed into tables', async () => {
  const server = await longLog();
  const engine = await server.restart(SMALL);
  const { sealedMemtables, tablesPerLevel, logSegments } = engine.stats();
  ok(sealedMemtables <= 3, `${sealedMemtables} memtables wait`);
  ok((tablesPerLevel[0] ?? 0) > 5, `${tablesPerLevel} tables`);
  ok(logSegments > 10, `${logSegments} segments: nothing goes before all was read`);
  await checkAll(server, engine);
  await server.world.runUntil(() => engine.stats().sealedMemtables === 0);
  await server.world.runFor(500);
  ok(engine.stats().logSegments < 6, 'now they go');
  await checkAll(server, await server.restart(SMALL));
});

test('a log that fits makes no table', async () => {
  const server = await longLog();
  equal((await server.restart(LARGE)).stats().tablesPerLevel.length, 0);
});

test('a power cut at any event of such a start loses nothing', async () => {
  let cuts = 0;
  let isDone = false;
  for (let events = 1; !isDone; events += 17) {
    const server = await longLog();
    const last = server.world.eventCount() + events;
    openEngine(server.machine.boot(), OWNER, SMALL).then(() => {
      isDone = true;
    });
    await server.world.runUntil(() => isDone || server.world.eventCount() >= last);
    await checkAll(server, await server.restart(SMALL), `after event ${events}`);
    cuts += 1;
  }
  ok(cuts > 20, `${cuts} cuts`);
});

test('rot behind what became tables is refused each time, and nothing else is lost', async () => {
  const server = await longLog();
  const name = segmentName(12);
  const sound = server.bytesOf(name);
  const spoiled = Buffer.from(sound);
  spoiled[200] = (spoiled[200] as number) ^ 1;
  await server.replace(name, spoiled);
  for (let start = 1; start <= 3; start++) {
    const refused: KvorumError = await server.restart(SMALL).catch((error) => error);
    ok(hasCode(refused, 'CORRUPTION'), String(refused));
    match(refused.message, /log-0000000012.kvlog/);
  }
  ok(server.machine.directory.names().some((each) => each.endsWith('.kvtable')));
  await server.replace(name, sound);
  await checkAll(server, await server.restart(SMALL));
});

test('a disk without space for the tables is refused, until it has some', async () => {
  const server = await longLog();
  const { directory } = server.machine;
  directory.setCapacity(directory.usedBytes() + 300);
  const refused = await server.restart(SMALL).catch((error) => error);
  ok(hasCode(refused, 'DISK_FULL'), String(refused));
  directory.setCapacity(undefined);
  await checkAll(server, await server.restart(SMALL));
});
