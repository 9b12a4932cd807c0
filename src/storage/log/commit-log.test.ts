import { equal, match, ok, rejects, throws } from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../../base/errors.ts';
import { put, scanAll, TestServer, textAt } from '../test-engine.ts';
import { segmentName } from './log-format.ts';

const poisoned = (error: unknown) => hasCode(error, 'LOG_POISONED');
const full = (error: unknown) => hasCode(error, 'DISK_FULL');
const closed = (error: unknown) => hasCode(error, 'CLOSED');

test('writes of one turn share a sync, and those during a sync share the next', async () => {
  const server = new TestServer();
  const engine = await server.restart();
  const first = Array.from({ length: 500 }, (_, n) => engine.write([put(`a${n}`, 'x')]).durable);
  await server.world.runUntil(() => engine.stats().syncs === 1 || server.world.eventCount() > 12);
  const second = Array.from({ length: 500 }, (_, n) => engine.write([put(`b${n}`, 'x')]).durable);
  await server.settle(Promise.all([...first, ...second]));
  equal(engine.stats().syncs, 2);
  equal(engine.durableSequence(), 1000);
});

test('writers that wait for each of their writes travel together', async () => {
  const server = new TestServer();
  const engine = await server.restart();
  const writer = async (name: string) => {
    for (let n = 0; n < 20; n++) await engine.write([put(`${name}/${n}`, 'x')]).durable;
  };
  await server.settle(Promise.all(Array.from({ length: 50 }, (_, n) => writer(`w${n}`))));
  equal(engine.stats().entries, 1000);
  ok(engine.stats().syncs <= 21, `${engine.stats().syncs} syncs for 20 rounds`);
});

test('a batch ends at its target size, and segments follow each other', async () => {
  const server = new TestServer();
  const limits = { batchBytesTarget: 1000, segmentBytesMax: 3000 };
  const engine = await server.restart(limits);
  const value = 'v'.repeat(100);
  const durable = Array.from(
    { length: 100 },
    (_, n) => engine.write([put(`k${n}`, value)]).durable,
  );
  await server.settle(Promise.all(durable));
  const { syncs, logSegments, logBytes } = engine.stats();
  ok(syncs >= logBytes / 1200 && syncs <= logBytes / 1000 + 1, `${syncs} syncs`);
  ok(
    logSegments >= logBytes / 4200 && logSegments <= logBytes / 3000 + 1,
    `${logSegments} segments`,
  );
  const again = await server.restart(limits);
  equal(again.stats().batchesRecovered, syncs);
  equal(again.stats().logSegments, logSegments);
  equal(again.stats().logBytes, logBytes);
  equal((await scanAll(again)).length, 100);
});

test('a write is visible at once and durable later; whenDurable waits for it', async () => {
  const server = new TestServer();
  const engine = await server.restart();
  const { sequence } = engine.write([put('k', 'v')]);
  equal(await textAt(engine, 'k'), 'v');
  equal(engine.durableSequence(), 0);
  await server.settle(engine.whenDurable(sequence));
  equal(engine.durableSequence(), sequence);
  await engine.whenDurable(sequence);
});

test('a failed sync poisons: waiting and later writes are refused, reads go on', async () => {
  const server = new TestServer();
  const engine = await server.restart();
  await server.fill(engine, ['a']);
  server.machine.directory.failNextSync(segmentName(1));
  const first = engine.write([put('b', 'lost?')]);
  await server.world.runUntil(() => engine.stats().state === 'poisoned');
  await rejects(first.durable, poisoned);
  await rejects(engine.whenDurable(first.sequence), poisoned);
  throws(() => engine.write([put('c', 'x')]), poisoned);
  equal(await textAt(engine, 'c'), undefined);
  equal(await textAt(engine, 'a'), 'value of a');
  equal(engine.durableSequence(), 1);
  await rejects(server.settle(engine.close()), poisoned);
});

test('a rejected write that nobody waits for ends no process', async () => {
  const server = new TestServer();
  const engine = await server.restart();
  server.machine.directory.failNextSync(segmentName(1));
  engine.write([put('a', 'x')]);
  let unhandled = 0;
  const count = () => (unhandled += 1);
  process.on('unhandledRejection', count);
  await server.world.runFor(100);
  process.off('unhandledRejection', count);
  equal(engine.stats().state, 'poisoned');
  equal(unhandled, 0);
});

test('a full disk refuses writes, keeps what it took, and heals by itself', async () => {
  const server = new TestServer();
  const engine = await server.restart();
  await server.fill(engine, ['a']);
  const { directory } = server.machine;
  directory.setCapacity(directory.usedBytes() + 50);
  const waiting = engine.write([put('b', 'x'.repeat(100))]);
  await rejects(server.settle(waiting.durable), full);
  equal(engine.stats().state, 'disk-full');
  throws(() => engine.write([put('c', 'x')]), full);
  await rejects(engine.whenDurable(waiting.sequence), full);
  await server.world.runFor(5000);
  equal(engine.stats().state, 'disk-full');
  directory.setCapacity(undefined);
  await server.world.runFor(1500);
  equal(engine.stats().state, 'open');
  equal(engine.durableSequence(), waiting.sequence);
  await server.fill(engine, ['d']);
  const again = await server.restart();
  equal((await scanAll(again)).map(({ key }) => String(key)).join(''), 'abd');
  equal(again.stats().bytesCut, 0);
});

test('a disk that is full when a segment is due heals too', async () => {
  const server = new TestServer();
  const engine = await server.restart({ segmentBytesMax: 40 });
  await server.fill(engine, ['a']);
  const { directory } = server.machine;
  directory.setCapacity(directory.usedBytes() + 7);
  await rejects(server.settle(engine.write([put('b', 'x')]).durable), full);
  await server.world.runFor(3000);
  directory.setCapacity(undefined);
  await server.world.runUntil(() => engine.stats().state === 'open');
  equal(engine.stats().logSegments, 2);
  const again = await server.restart();
  equal((await scanAll(again)).map(({ key }) => String(key)).join(''), 'ab');
});

test('close waits for what was written, refuses the rest, says what it lost', async () => {
  const server = new TestServer();
  const engine = await server.restart();
  const written = engine.write([put('a', 'x')]);
  const closing = engine.close();
  throws(() => engine.write([put('b', 'x')]), closed);
  await server.settle(closing);
  await written.durable;
  equal(engine.stats().state, 'closed');
  const again = await server.restart();
  equal(again.stats().entries, 1);
  const { directory } = server.machine;
  directory.setCapacity(directory.usedBytes());
  again.write([put('b', 'x')]);
  await rejects(server.settle(again.close()), full);
});

test('the messages say what, why and what to do', async () => {
  const server = new TestServer();
  const engine = await server.restart();
  server.machine.directory.failNextSync(segmentName(1));
  const error = await server.settle(engine.write([put('a', 'x')]).durable.catch((e) => e));
  match(error.message, /could not be written or synced.*takes no more writes/);
  match(error.fix, /restart the node/);
});
