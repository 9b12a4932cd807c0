import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../base/errors.ts';
import type { ClusterId, NodeId } from '../base/ids.ts';
import type { Engine } from './engine.ts';
import { openEngine } from './open-engine.ts';
import { OWNER, put, scanAll, TestServer, textAt } from './test-engine.ts';

/** The world begins at 2026-01-01, where incarnations count from. */
const HOUR_MS = 3_600_000;

function whoOf({ identity }: Engine) {
  const { clusterId, nodeId, incarnation } = identity;
  return { clusterId, nodeId, incarnation };
}

test('a fresh directory takes the seconds since 2026 as its incarnation', async () => {
  const server = new TestServer();
  await server.world.runFor(HOUR_MS);
  const engine = await server.restart();
  deepEqual(whoOf(engine), { ...OWNER, incarnation: 3600 });
});

test('every start makes a new actor, after an orderly stop too', async () => {
  const server = new TestServer();
  await server.world.runFor(HOUR_MS);
  const first = await server.restart();
  server.machine.quartz.jump(-2 * HOUR_MS);
  const second = await server.restart();
  equal(second.identity.incarnation, first.identity.incarnation + 1, 'although time went back');
  await server.settle(second.close());
  const third = await server.restart();
  deepEqual(whoOf(third), { ...OWNER, incarnation: second.identity.incarnation + 1 });
});

test('a wiped directory does not repeat an incarnation', async () => {
  const server = new TestServer();
  const first = await server.restart();
  await server.world.runFor(10_000);
  server.machine.crash();
  server.machine.wipeDisk();
  const second = await server.restart();
  ok(second.identity.incarnation > first.identity.incarnation);
});

test('renewing is durable, and shared by those who ask at once', async () => {
  const server = new TestServer();
  const engine = await server.restart();
  const before = engine.identity.incarnation;
  const renewals = [engine.renewIncarnation(0), engine.renewIncarnation(0)];
  const [one, other] = await server.settle(Promise.all(renewals));
  equal(one, other);
  equal(engine.identity, one);
  equal(engine.identity.incarnation, before + 1);
  await server.settle(engine.close());
  const again = await server.restart();
  equal(again.identity.incarnation, before + 2);
});

test('a directory of another cluster or node is refused, and both are named', async () => {
  const server = new TestServer();
  const engine = await server.restart();
  const { incarnation } = engine.identity;
  await server.settle(engine.close());
  const otherCluster = { ...OWNER, clusterId: 'dd'.repeat(16) as ClusterId };
  const otherNode = { ...OWNER, nodeId: 'ee'.repeat(20) as NodeId };
  for (const owner of [otherCluster, otherNode]) {
    const error = await server.restart({}, owner).catch((error) => error);
    ok(hasCode(error, 'FOREIGN_DIRECTORY'));
    match(error.message, owner === otherCluster ? /c1c1.*dddd/ : /a0a0.*eeee/);
  }
  deepEqual(whoOf(await server.restart()), { ...OWNER, incarnation: incarnation + 1 });
});

test('a directory in use is refused, and free again after a close or a refusal', async () => {
  const server = new TestServer();
  const host = server.machine.boot();
  const engine = await server.settle(openEngine(host, OWNER));
  const locked = (error: unknown) => hasCode(error, 'DIRECTORY_LOCKED');
  await rejects(server.settle(openEngine(host, OWNER)), locked);
  await server.settle(engine.close());
  const stranger = { ...OWNER, nodeId: 'ee'.repeat(20) as NodeId };
  await rejects(server.settle(openEngine(host, stranger)), /belongs to/);
  await server.settle(openEngine(host, OWNER));
});

/** What a client of the engine knows when the power is cut. */
class Trace {
  readonly acknowledged: number[] = [];
  readonly incarnations: number[] = [];
  /** Values of write n, all of them under keys of their own. */
  readonly written: number[] = [];

  /** A short life with everything in it: writes alone and together, a new segment, a renewal. */
  async live(server: TestServer): Promise<void> {
    const host = server.machine.boot();
    const engine = await openEngine(host, OWNER, { segmentBytesMax: 300, batchBytesTarget: 200 });
    this.incarnations.push(engine.identity.incarnation);
    await this.#write(engine, 1);
    await Promise.all([2, 3, 4, 5].map((n) => this.#write(engine, n)));
    this.incarnations.push((await engine.renewIncarnation(0)).incarnation);
    await Promise.all([6, 7, 8].map((n) => this.#write(engine, n)));
    await engine.close();
  }

  async #write(engine: Engine, n: number): Promise<void> {
    const puts = [put(`${n}/x`, `x${n}`, n), put(`${n}/y`, `y${n}`.repeat(10), n + 100)];
    this.written.push(n);
    await engine.write(puts).durable;
    this.acknowledged.push(n);
  }
}

async function checkAfterCrash(server: TestServer, trace: Trace, where: string): Promise<void> {
  const engine = await server.restart();
  const whole: number[] = [];
  for (const n of trace.written) {
    const x = await textAt(engine, `${n}/x`, n);
    const y = await textAt(engine, `${n}/y`, n + 100);
    equal(x === undefined, y === undefined, `write ${n} is there whole or not at all, ${where}`);
    if (x === undefined) continue;
    equal(x, `x${n}`);
    whole.push(n);
  }
  for (const n of trace.acknowledged) ok(whole.includes(n), `acknowledged write ${n}, ${where}`);
  equal((await scanAll(engine)).length, whole.length * 2);
  equal(engine.durableSequence(), whole.length, where);
  const { incarnation } = engine.identity;
  ok(
    trace.incarnations.every((before) => before < incarnation),
    where,
  );
  // It takes writes again, and survives another power cut.
  await server.fill(engine, ['later']);
  const again = await server.restart();
  equal(await textAt(again, 'later'), 'value of later', where);
  equal(again.stats().entries, whole.length * 2 + 1, where);
}

test('a power cut at any event of a life loses nothing that was acknowledged', async () => {
  let cuts = 0;
  for (let seed = 1; seed <= 15; seed++) {
    let isDone = false;
    for (let events = 1; !isDone; events++) {
      const server = new TestServer(seed);
      const trace = new Trace();
      trace.live(server).then(() => {
        isDone = true;
      });
      await server.world.runUntil(() => isDone || server.world.eventCount() >= events);
      await checkAfterCrash(server, trace, `seed ${seed}, cut after event ${events}`);
      cuts += 1;
    }
  }
  ok(cuts > 500, `${cuts} cuts`);
});
