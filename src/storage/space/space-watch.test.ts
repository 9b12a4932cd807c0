import { equal, match, ok, throws } from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from '../../base/checksum.ts';
import { hasCode, type KvorumError } from '../../base/errors.ts';
import type { Engine } from '../engine.ts';
import { type EngineOptions, openEngine } from '../open-engine.ts';
import { EVERYTHING, OWNER, put, scanAll, TestServer, textAt } from '../test-engine.ts';

/** More than a compaction of this file takes. */
const RESERVED = 80_000;

const OPTIONS: EngineOptions = {
  memtableBytesMax: 600,
  segmentBytesMax: 600,
  tableBytesTarget: 2_000,
  verifies: 'all',
  reserve: { kind: 'bytes', bytes: RESERVED },
};

function isLow(error: unknown): error is KvorumError {
  return hasCode(error, 'DISK_FULL') && error.message.includes('are free on this node');
}

/** That does not compress. */
function textOf(n: number): string {
  const words = Array.from({ length: 30 }, (_, place) => crc32(Buffer.from(`${n} ${place}`)));
  return words.map((word) => word.toString(36)).join('');
}

function slotOf(n: number): number {
  return (n * 997) % 16_384;
}

/** Writes until a write is refused; answers how many were taken, all of them durable. */
async function fill(server: TestServer, engine: Engine, from: number): Promise<number> {
  for (let taken = from; ; taken++) {
    try {
      await server.settle(engine.write([put(`k${taken}`, textOf(taken), slotOf(taken))]).durable);
      await server.world.runFor(20);
    } catch (error) {
      ok(isLow(error), String(error));
      return taken;
    }
  }
}

test('below the reserve writes are refused, all else goes on, and they come back', async () => {
  const server = new TestServer();
  const engine = await server.restart(OPTIONS);
  const { directory } = server.machine;
  directory.setCapacity(3 * RESERVED);
  const taken = await fill(server, engine, 0);
  equal(engine.stats().state, 'disk-full');
  // It stopped itself: the disk never refused anything.
  equal(engine.stats().backgroundFailures, 0);
  ok(directory.freeBytes() > RESERVED / 2, `${directory.freeBytes()} bytes are left`);

  await server.world.runUntil(() => engine.stats().sealedMemtables === 0);
  for (let n = 0; n < taken; n++) {
    equal(await server.settle(textAt(engine, `k${n}`, slotOf(n))), textOf(n));
  }
  // What compaction gave back counts: from here on the test says what is free.
  await server.world.runFor(5_000);
  const leave = (bytes: number) => directory.setCapacity(directory.usedBytes() + bytes);
  leave(0.95 * RESERVED);
  await server.world.runFor(10_000);
  throws(() => engine.write([put('no', 'x')]), isLow);
  leave(1.2 * RESERVED);
  await server.world.runFor(2_000);
  throws(() => engine.write([put('no', 'x')]), isLow, 'more, but not enough to go on for long');
  leave(2 * RESERVED);
  await server.world.runUntil(() => engine.stats().state === 'open', 2_000);
  const more = await fill(server, engine, taken);
  ok(more > taken + 10);
  const again = await server.restart(OPTIONS);
  equal((await server.settle(scanAll(again))).length, more);
});

test('a drop is taken below the reserve, and frees what it hides', async () => {
  const server = new TestServer();
  const engine = await server.restart(OPTIONS);
  server.machine.directory.setCapacity(3 * RESERVED);
  await fill(server, engine, 0);
  await server.settle(engine.drop(EVERYTHING).durable);
  await server.world.runUntil(() => engine.stats().state === 'open', 5_000);
  const taken = await fill(server, engine, 0);
  ok(taken > 50, `${taken} writes`);
  equal((await server.settle(scanAll(engine))).length, taken);
});

test('the refusal says how much is free, what is kept and what to do', async () => {
  const server = new TestServer();
  server.machine.directory.setCapacity(10_000);
  const engine = await server.restart(OPTIONS);
  const refusal = await Promise.try(() => engine.write([put('a', 'x')])).catch((error) => error);
  ok(isLow(refusal), String(refusal));
  match(
    refusal.message,
    /9\.\d KB of 9\.8 KB are free .*, and the last 78 KB are kept for flushes/,
  );
  match(refusal.fix, /when 98 KB are free/);
  const [line] = server.world.logLines().filter(({ event }) => event === 'disk-space-low');
  equal(line?.level, 'error');
  const { disk, diskReservedBytes } = engine.stats();
  equal(disk?.totalBytes, 10_000);
  equal(diskReservedBytes, RESERVED);
});

test('a disk that cannot say how full it is takes writes', async () => {
  const server = new TestServer();
  const host = server.machine.boot();
  let failures = 0;
  const space = async () => {
    failures += 1;
    throw new Error('statfs is not allowed here');
  };
  const disk = new Proxy(host.disk, {
    get: (target, name) => (name === 'space' ? space : Reflect.get(target, name).bind(target)),
  });
  const engine = await server.settle(openEngine({ ...host, disk }, OWNER, OPTIONS));
  await server.fill(engine, ['a', 'b']);
  await server.world.runFor(5_000);
  equal(engine.stats().state, 'open');
  equal(engine.stats().disk, undefined);
  ok(failures > 3);
  const said = server.world.logLines().filter(({ event }) => event === 'disk-space-unknown');
  equal(said.length, 1, 'once is enough');
});
