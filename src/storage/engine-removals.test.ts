import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode, type KvorumError } from '../base/errors.ts';
import type { Engine } from './engine.ts';
import type { EngineOptions } from './open-engine.ts';
import { EVERYTHING, put, removal, scanAll, TestServer, textAt } from './test-engine.ts';

/** Five writes of this file a memtable. */
const TINY: EngineOptions = { memtableBytesMax: 600, tableBytesTarget: 2_000, verifies: 'all' };
const VALUE = 'v'.repeat(80);

/** Writes under other keys until what was written before is flushed and at rest. */
async function settleDown(server: TestServer, engine: Engine, name: string): Promise<void> {
  for (let n = 0; n < 12; n++) await server.settle(engine.write([put(name + n, VALUE)]).durable);
  await server.world.runUntil(() => engine.stats().sealedMemtables === 0);
  await server.world.runFor(1_000);
}

async function keysOf(server: TestServer, engine: Engine): Promise<string> {
  return (await server.settle(scanAll(engine))).map(({ key }) => key.toString()).join(' ');
}

test('what was removed is gone wherever its value stands, and may come again', async () => {
  for (const depth of ['memtable', 'tables'] as const) {
    const server = new TestServer();
    const engine = await server.restart(TINY);
    await server.fill(engine, ['a', 'b']);
    if (depth === 'tables') await settleDown(server, engine, 'x');
    const snapshot = engine.snapshot();
    engine.write([removal('a'), removal('never there')]);
    equal(await server.settle(textAt(engine, 'a')), undefined);
    equal(await server.settle(textAt(engine, 'never there')), undefined);
    ok(!(await keysOf(server, engine)).startsWith('a'));
    equal(await server.settle(textAt(snapshot, 'a')), 'value of a', 'a snapshot stays as it was');
    ok((await server.settle(scanAll(snapshot))).some(({ key }) => String(key) === 'a'));
    snapshot.release();
    await settleDown(server, engine, 'y');
    equal(await server.settle(textAt(engine, 'a')), undefined);
    equal(await server.settle(textAt(engine, 'b')), 'value of b');
    await server.fill(engine, ['a']);
    equal(await server.settle(textAt(engine, 'a')), 'value of a');
  }
});

test('of one write the last change of a key counts', async () => {
  const server = new TestServer();
  const engine = await server.restart();
  await server.fill(engine, ['a', 'b']);
  const changes = [removal('a'), put('a', 'again'), put('b', 'again'), removal('b')];
  await server.settle(engine.write(changes).durable);
  for (const open of [async () => engine, () => server.restart()]) {
    const reader = await open();
    equal(await textAt(reader, 'a'), 'again');
    equal(await keysOf(server, reader), 'a');
  }
});

test('a restart at any moment brings nothing back that was durably removed', async () => {
  for (let events = 0; events < 150; events += 3) {
    const server = new TestServer();
    const engine = await server.restart(TINY);
    await server.fill(engine, ['a']);
    await settleDown(server, engine, 'x');
    await server.settle(engine.write([removal('a')]).durable);
    const before = server.world.eventCount();
    for (let n = 0; n < 12; n++) engine.write([put(`y${n}`, VALUE)]);
    await server.world.runUntil(() => server.world.eventCount() >= before + events);
    const again = await server.restart(TINY);
    equal(await server.settle(textAt(again, 'a')), undefined, `after event ${events}`);
    ok(!(await keysOf(server, again)).startsWith('a '));
  }
});

test('when everything is removed no table is left, and the log is still missed', async () => {
  const server = new TestServer();
  const engine = await server.restart(TINY);
  const keys = Array.from({ length: 60 }, (_, n) => `k${n}`);
  for (const key of keys) await server.settle(engine.write([put(key, VALUE)]).durable);
  for (const key of [...keys, ...keys]) await server.settle(engine.write([removal(key)]).durable);
  await server.world.runFor(2_000);
  equal(engine.stats().tableBytes, 0);
  deepEqual(await keysOf(server, engine), '');
  const segments = server.machine.directory.names().filter((name) => name.endsWith('.kvlog'));
  for (const name of segments) await server.remove(name);
  const refused: KvorumError = await server.restart(TINY).catch((error) => error);
  match(refused.message, /missing, though the manifest names it/);
});

test('a removal outlives the suspect that may know its key', async () => {
  const server = new TestServer();
  const engine = await server.restart({ ...TINY, memtableBytesMax: 9_000 });
  // Two blocks: the second one goes bad, the first one can be read.
  await server.settle(engine.write([put('a', VALUE, 7), put('b', 'b'.repeat(8_500), 9)]).durable);
  await settleDown(server, engine, 'x');
  await server.settle(engine.close());
  const file = server.machine.directory.names().find((name) => name.endsWith('.kvtable'));
  server.machine.directory.rot(file as string, 4_000);
  const spoiled = await server.restart(TINY);
  await server.settle(spoiled.write([removal('a', 7)]).durable);
  for (const name of ['y', 'z', 'w']) await settleDown(server, spoiled, name);
  ok(spoiled.stats().compactions > 0);
  for (const open of [async () => spoiled, () => server.restart(TINY)]) {
    const engine = await open();
    equal(await server.settle(textAt(engine, 'a', 7)), undefined);
    const error = await server.settle(textAt(engine, 'b', 9)).catch((error) => error);
    ok(hasCode(error, 'CORRUPTION'), String(error));
    const limits = { entriesMax: 100, bytesMax: 1e9, isSoundOnly: true };
    const { entries } = await server.settle(Promise.resolve(engine.scan(EVERYTHING, limits)));
    const names = entries.map(({ key }) => key.toString());
    ok(names.includes('w0') && !names.includes('b'), 'what is sound shows, and nothing else');
  }
});
