import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { test } from 'node:test';
import type { Engine } from '../engine.ts';
import type { EngineOptions } from '../open-engine.ts';
import { put, scanAll, TestServer } from '../test-engine.ts';
import { segmentName } from './log-format.ts';
import { UNFINISHED_NAME } from './log-segment.ts';

/** A segment is made ready after a quarter of this. */
const OPTIONS: EngineOptions = { segmentBytesMax: 4_000 };

function segments(server: TestServer): string[] {
  return server.machine.directory.names().filter((name) => name.startsWith('log'));
}

function bytesOf(server: TestServer, number: number): Buffer {
  return server.bytesOf(segmentName(number));
}

async function write(server: TestServer, engine: Engine, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    await server.settle(engine.write([put(`k${n}`, 'v'.repeat(80))]).durable);
  }
}

test('a log that is hardly used makes nothing ready', async () => {
  const server = new TestServer();
  const engine = await server.restart(OPTIONS);
  await write(server, engine, 5);
  await server.world.runFor(1_000);
  deepEqual(segments(server), [segmentName(1)]);
});

test('a busy one goes on in a segment that was made ready, zeros where batches come', async () => {
  const server = new TestServer();
  const engine = await server.restart(OPTIONS);
  while (segments(server).length === 1) {
    await write(server, engine, 1);
    await server.world.runFor(1_000);
  }
  deepEqual(segments(server), [segmentName(1), segmentName(2)]);
  const ready = bytesOf(server, 2);
  equal(ready.length, 4_000);
  match(ready.subarray(0, 4).toString(), /KVLG/);
  ok(ready.subarray(16).every((byte) => byte === 0));
  // The one that grows with every batch is left at once; the next one is used to its end.
  await write(server, engine, 1);
  equal(bytesOf(server, 2).length, 4_000);
  equal(engine.stats().logSegments, 2);
  await write(server, engine, 30);
  await server.world.runFor(1_000);
  equal(bytesOf(server, 2).length, 4_000);
  equal(bytesOf(server, 3).length, 4_000, 'made ready when the second was half full');
  equal(engine.stats().logSegments, 2);
  const again = await server.restart(OPTIONS);
  equal((await scanAll(again)).length, 30);
  equal(again.stats().bytesCut, 0);
});

test('what was made ready is gone after a close; zeros in the last one are no loss', async () => {
  const server = new TestServer();
  const engine = await server.restart(OPTIONS);
  await write(server, engine, 40);
  await server.world.runFor(1_000);
  await server.settle(engine.close());
  const [last = ''] = segments(server).toReversed();
  equal(server.bytesOf(last).length, 4_000);
  ok(!segments(server).includes(UNFINISHED_NAME));
  const again = await server.restart(OPTIONS);
  equal((await scanAll(again)).length, 40);
  await write(server, again, 1);
  equal(server.bytesOf(last).length, 4_000, 'it goes on in it');
});

test('a flush in between takes the segment that is ready, and drops those before', async () => {
  const server = new TestServer();
  const engine = await server.restart({ ...OPTIONS, memtableBytesMax: 2_000 });
  await write(server, engine, 11);
  await server.world.runFor(1_000);
  await write(server, engine, 20);
  await server.world.runUntil(() => engine.stats().sealedMemtables === 0);
  await server.world.runFor(1_000);
  ok(engine.stats().flushes > 0);
  ok(!segments(server).includes(segmentName(1)));
  const again = await server.restart(OPTIONS);
  equal((await server.settle(scanAll(again))).length, 20);
});

test('where it cannot be made ready the log goes on without', async () => {
  const server = new TestServer();
  const engine = await server.restart(OPTIONS);
  server.machine.directory.failNextSync(UNFINISHED_NAME);
  await write(server, engine, 60);
  equal(engine.stats().state, 'open');
  const said = server.world.logLines().filter(({ event }) => event === 'segment-not-made-ready');
  equal(said.length, 1);
  ok(!segments(server).includes(UNFINISHED_NAME));
  equal((await scanAll(await server.restart(OPTIONS))).length, 60);
});

test('on a disk with little space nothing is made ready', async () => {
  const server = new TestServer();
  server.machine.directory.setCapacity(10_300);
  const engine = await server.restart({ ...OPTIONS, reserve: { kind: 'bytes', bytes: 5_000 } });
  await write(server, engine, 15);
  await server.world.runFor(1_000);
  deepEqual(segments(server), [segmentName(1)]);
});
