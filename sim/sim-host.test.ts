import { equal, notEqual, ok, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import type { Address } from '../src/base/ids.ts';
import { clockContract } from '../src/host/clock.contract.ts';
import type { DiskFile, Host } from '../src/host/host.ts';
import { Listener } from '../src/host/network.contract.ts';
import { WALL_MS_AT_START } from './sim-clock.ts';
import { SimWorld } from './sim-host.ts';
import { SimRandom } from './sim-random.ts';

clockContract('sim clock', (body) => {
  const world = new SimWorld(1);
  return world.settle(body(world.node('n1').boot().clock));
});

clockContract('sim clock with drift', (body) => {
  const world = new SimWorld(2);
  world.node('n1').quartz.setDrift(-200);
  return world.settle(body(world.node('n1').boot().clock));
});

/** Writes, syncs and gossips without end, with dice of its own; survives every fault. */
async function busyNode(host: Host, self: Address, peers: readonly Address[]): Promise<void> {
  const heard = new Listener();
  const endpoint = await host.network.open(self, heard);
  const survived = (await host.disk.list()).includes('log');
  let file: DiskFile = await (survived ? host.disk.open('log') : host.disk.create('log'));
  await host.disk.syncDirectory();
  for (let turn = 0; ; turn++) {
    const frame = host.random.bytes(1 + (host.random.u32() % 100));
    for (const peer of peers) endpoint.send(peer, frame);
    await file.append(Buffer.concat([frame, ...heard.frames.splice(0)]));
    const failed = await file.sync().then(
      () => false,
      () => true,
    );
    if (failed) {
      host.log.warn('sync-failed', { turn, wallMs: host.clock.wallMs() });
      await file.close();
      file = await host.disk.create(`log-${turn}`);
    }
    await new Promise<void>((resolve) => host.clock.after(host.random.u32() % 20, resolve));
  }
}

async function busyRun(seed: number): Promise<SimWorld> {
  const world = new SimWorld(seed);
  const names = ['n1', 'n2', 'n3', 'n4'];
  const addresses = names.map((name) => `${name}:7000` as Address);
  const start = (name: string) => {
    void busyNode(world.node(name).boot(), `${name}:7000` as Address, addresses);
  };
  world.network.setQuality({ lossChance: 0.05, duplicateChance: 0.05, reorderChance: 0.2 });
  names.forEach(start);
  for (let round = 0; round < 30; round++) {
    await world.runFor(world.random.between(1, 100));
    const name = world.random.pick(names);
    const machine = world.node(name);
    const faults = [
      () => machine.crash(),
      () => machine.pause(),
      () => machine.resume(),
      () => machine.directory.failNextSync(),
      () => machine.quartz.jump(world.random.between(-5000, 5000)),
      () => world.network.cut(name, world.random.pick(names)),
      () => world.network.healAll(),
    ];
    world.random.pick(faults)();
    if (!machine.isUp) start(name);
  }
  return world;
}

test('the same seed is the same run, event by event; another seed is another', async () => {
  for (const seed of [1, 2, 3]) {
    const [one, two] = [await busyRun(seed), await busyRun(seed)];
    ok(one.eventCount() > 1000, `${one.eventCount()} events`);
    equal(one.traceLines().join('\n'), two.traceLines().join('\n'));
    equal(one.traceHash(), two.traceHash());
    notEqual(one.traceHash(), (await busyRun(seed + 100)).traceHash());
  }
});

test('two worlds that run at the same time do not disturb each other', async () => {
  const [alone] = await Promise.all([busyRun(7)]);
  const [one, other] = await Promise.all([busyRun(7), busyRun(8)]);
  equal(one.traceHash(), alone.traceHash());
  notEqual(other.traceHash(), alone.traceHash());
});

test('a draw more in one stream does not shift another', () => {
  const [one, two] = [new SimRandom(5), new SimRandom(5)];
  one.u32();
  equal(one.fork('disk').u32(), two.fork('disk').u32());
  notEqual(one.fork('disk').u32(), one.fork('network').u32());
});

test('dice are fair enough', () => {
  const dice = new SimRandom('fair');
  const draws = Array.from({ length: 20_000 }, () => dice.between(1, 6));
  for (let face = 1; face <= 6; face++) {
    const share = draws.filter((draw) => draw === face).length / draws.length;
    ok(Math.abs(share - 1 / 6) < 0.01, `${face}: ${share}`);
  }
  const mean = draws.reduce((sum) => sum + dice.exponential(10), 0) / draws.length;
  ok(Math.abs(mean - 10) < 0.3, `mean ${mean}`);
});

test('skew, drift and jumps move wall time; monotonic time never goes back', async () => {
  const world = new SimWorld(1);
  const { quartz } = world.node('n1');
  const { clock } = world.node('n1').boot();
  equal(clock.wallMs(), WALL_MS_AT_START);
  quartz.setSkew(-60_000);
  equal(clock.wallMs(), WALL_MS_AT_START - 60_000);
  const from = clock.monotonicMs();
  quartz.setDrift(100_000);
  await world.runFor(1000);
  equal(Math.round(clock.monotonicMs() - from), 1100);
  quartz.jump(-5000);
  equal(clock.wallMs(), WALL_MS_AT_START - 65_000 + 1100);
  quartz.setDrift(0);
  await world.runFor(1000);
  equal(Math.round(clock.monotonicMs() - from), 2100);
});

test('a timer counts by the quartz of its machine, even when that is slowed', async () => {
  const world = new SimWorld(1);
  const { clock } = world.node('n1').boot();
  const dueMs = clock.monotonicMs() + 1000;
  let firedMs = 0;
  clock.after(1000, () => {
    firedMs = clock.monotonicMs();
  });
  await world.runFor(500);
  world.node('n1').quartz.setDrift(-500_000);
  await world.runFor(900);
  equal(firedMs, 0, 'half speed: 950 ms have passed for it');
  await world.runFor(200);
  ok(firedMs >= dueMs && firedMs < dueMs + 1, `${firedMs} for ${dueMs}`);
});

test('after a crash no timer fires and no promise settles; the machine boots again', async () => {
  const world = new SimWorld(1);
  const machine = world.node('n1');
  const host = machine.boot();
  const signs: string[] = [];
  host.clock.after(10, () => signs.push('timer'));
  void host.disk.create('a').then(() => signs.push('create'));
  void host.network.open('n1:7000' as Address, new Listener()).then(() => signs.push('open'));
  machine.crash();
  void host.disk.list().then(() => signs.push('list after the crash'));
  host.clock.after(1, () => signs.push('timer after the crash'));
  host.log.error('from-the-grave');
  await world.runFor(1000);
  equal(signs.join(), '');
  equal(world.logLines().length, 0);
  equal(world.network.listening().length, 0);
  await world.settle(machine.boot().disk.list());
});

test('a paused node gets nothing until it goes on, and then everything in order', async () => {
  const world = new SimWorld(1);
  const host = world.node('n1').boot();
  const fired: number[] = [];
  for (const ms of [10, 20, 30]) host.clock.after(ms, () => fired.push(ms));
  const cancelled = host.clock.after(25, () => fired.push(25));
  host.clock.after(15, () => cancelled.cancel());
  world.node('n1').pause();
  const from = host.clock.monotonicMs();
  await world.runFor(1000);
  equal(fired.length, 0);
  world.node('n1').resume();
  await world.runFor(1);
  equal(fired.join(), '10,20,30');
  ok(host.clock.monotonicMs() - from >= 1000, 'time went by');
});

test('a world that has nothing left to do says so, with its seed', async () => {
  const world = new SimWorld(77);
  await rejects(world.settle(new Promise(() => undefined)), /seed 77/);
});

test('what an event throws carries its time and label', async () => {
  const world = new SimWorld(1);
  world.after(5, 'the event that breaks', () => {
    throw new Error('broken');
  });
  await rejects(world.runFor(10), /at 5 ms, in "the event that breaks": broken/);
});
