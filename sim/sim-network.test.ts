import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import type { Address } from '../src/base/ids.ts';
import type { Endpoint, Host } from '../src/host/host.ts';
import { Listener, networkContract } from '../src/host/network.contract.ts';
import { SimWorld } from './sim-host.ts';

networkContract('sim network', (body) => {
  const world = new SimWorld(1);
  const [here, there] = [world.node('n1').boot(), world.node('n2').boot()];
  return world.settle(
    body({
      here: here.network,
      there: there.network,
      hereAddress: 'n1:0' as Address,
      thereAddress: 'n2:0' as Address,
      clock: here.clock,
    }),
  );
});

interface Peer {
  readonly host: Host;
  readonly heard: Listener;
  readonly endpoint: Endpoint;
}

async function peerIn(world: SimWorld, name: string): Promise<Peer> {
  const host = world.node(name).boot();
  const heard = new Listener();
  const opened = host.network.open(`${name}:7000` as Address, heard);
  return { host, heard, endpoint: await world.settle(opened) };
}

async function twoPeers(seed: number): Promise<{ world: SimWorld; one: Peer; two: Peer }> {
  const world = new SimWorld(seed);
  return { world, one: await peerIn(world, 'n1'), two: await peerIn(world, 'n2') };
}

test('a one-way cut is silent and leaves the way back open', async () => {
  const { world, one, two } = await twoPeers(1);
  world.network.cut('n1', 'n2');
  one.endpoint.send(two.endpoint.address, Buffer.from('lost'));
  two.endpoint.send(one.endpoint.address, Buffer.from('heard'));
  await world.runFor(1000);
  deepEqual([one.heard.frames.map(String), two.heard.frames], [['heard'], []]);
  deepEqual([one.heard.lost, two.heard.lost], [[], []]);
  world.network.heal('n1', 'n2');
  one.endpoint.send(two.endpoint.address, Buffer.from('healed'));
  await world.runFor(1000);
  deepEqual(two.heard.frames.map(String), ['healed']);
});

test('a partition catches the frames that are on their way', async () => {
  const { world, one, two } = await twoPeers(1);
  one.endpoint.send(two.endpoint.address, Buffer.from('too late'));
  world.network.partition(['n1'], ['n2', 'n3']);
  await world.runFor(1000);
  equal(two.heard.frames.length, 0);
});

test('an isolated node hears nobody until it rejoins', async () => {
  const { world, one, two } = await twoPeers(1);
  world.network.isolate('n2');
  one.endpoint.send(two.endpoint.address, Buffer.from('lost'));
  await world.runFor(100);
  world.network.rejoin('n2');
  one.endpoint.send(two.endpoint.address, Buffer.from('heard'));
  await world.runFor(100);
  deepEqual(two.heard.frames.map(String), ['heard']);
});

test('a crash is noticed by who spoke to it; behind a cut it is not', async () => {
  for (const isCut of [false, true]) {
    const { world, one, two } = await twoPeers(1);
    one.endpoint.send(two.endpoint.address, Buffer.from('hello'));
    await world.runFor(10);
    if (isCut) world.network.cut('n2', 'n1');
    world.node('n2').crash();
    await world.runFor(10);
    deepEqual(one.heard.lost, isCut ? [] : [two.endpoint.address]);
  }
});

test('frames to a paused node arrive when it goes on', async () => {
  const { world, one, two } = await twoPeers(1);
  world.node('n2').pause();
  for (const text of ['a', 'b', 'c']) one.endpoint.send(two.endpoint.address, Buffer.from(text));
  await world.runFor(1000);
  equal(two.heard.frames.length, 0);
  world.node('n2').resume();
  await world.runFor(1);
  deepEqual(two.heard.frames.map(String), ['a', 'b', 'c']);
});

test('a bad link loses, doubles, delays and reorders as told', async () => {
  const { world, one, two } = await twoPeers(1);
  const sent = 2000;
  world.network.setLink('n1', 'n2', {
    lossChance: 0.1,
    duplicateChance: 0.2,
    reorderChance: 0.5,
    tailChance: 0.1,
    tailMs: 100,
  });
  for (let n = 0; n < sent; n++) one.endpoint.send(two.endpoint.address, Buffer.from(String(n)));
  await world.runFor(1000);
  const order = two.heard.frames.map(Number);
  const distinct = new Set(order).size;
  ok(Math.abs(distinct / sent - 0.9) < 0.03, `${distinct} of ${sent} arrived`);
  ok(Math.abs(order.length / distinct - 1.2) < 0.05, `${order.length - distinct} doubles`);
  const overtaken = order.filter((n, place) => n < (order[place - 1] ?? 0)).length;
  ok(overtaken > 100, `${overtaken} out of order`);
});

test('a good link keeps the order', async () => {
  const { world, one, two } = await twoPeers(1);
  for (let n = 0; n < 500; n++) one.endpoint.send(two.endpoint.address, Buffer.from(String(n)));
  await world.runFor(1000);
  deepEqual(
    two.heard.frames.map(Number),
    Array.from({ length: 500 }, (_, n) => n),
  );
});

test('a receiver that keeps the view of a frame finds it wiped', async () => {
  const world = new SimWorld(1);
  const kept: Buffer[] = [];
  const host = world.node('n1').boot();
  const receiver = { onFrame: (frame: Buffer) => void kept.push(frame), onLost: () => undefined };
  await world.settle(host.network.open('n1:7000' as Address, receiver));
  const two = await peerIn(world, 'n2');
  two.endpoint.send('n1:7000' as Address, Buffer.from('view'));
  await world.runFor(10);
  equal(kept.length, 1);
  ok(!kept[0]?.equals(Buffer.from('view')));
});
