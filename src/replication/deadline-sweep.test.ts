import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { LATEST, SimCluster } from '../../sim/cluster.ts';
import { SimWorld } from '../../sim/sim-host.ts';
import { DeadlineSweep } from './deadline-sweep.ts';

test('each gives up at its deadline, none that was deleted', async () => {
  const world = new SimWorld(1);
  const { clock } = world.node('n1').boot();
  const sweep = new DeadlineSweep(clock);
  const given: string[] = [];
  const waiting = [300, 100, 200, 100].map((ms, place) => ({
    deadlineMs: clock.monotonicMs() + ms,
    giveUp: () => given.push(`${place}`),
  }));
  for (const each of waiting) sweep.add(each);
  sweep.delete(waiting[2] as (typeof waiting)[0]);
  await world.runFor(99);
  deepEqual(given, []);
  await world.runFor(50);
  deepEqual(given, ['1', '3']);
  await world.runFor(200);
  deepEqual(given, ['1', '3', '0']);
  const events = world.eventCount();
  await world.runFor(10_000);
  equal(world.eventCount(), events, 'nobody waits: no timer runs');
});

for (const nodes of [1, 3]) {
  test(`${nodes} of ${nodes} disks hang: a write is indeterminate at its deadline`, async () => {
    const world = new SimWorld(1);
    const cluster = new SimCluster(world, nodes);
    await world.settle(Promise.all(cluster.names.map((name) => cluster.start(name))));
    await world.runUntil(() => cluster.running().every((node) => node.isReady()));
    for (const machine of world.nodes()) machine.directory.setPace({ syncMs: 1e9 });
    const [node] = cluster.running();
    const put = { kind: 'put', value: Buffer.from('x'), expiresAt: 0 } as const;
    const request = { keyspace: LATEST, key: Buffer.from('k'), change: put };
    const startMs = world.nowMs;
    const outcome = await world.settle(node?.write(request) as Promise<{ kind: string }>, 5_000);
    equal(outcome.kind, 'indeterminate');
    const ms = world.nowMs - startMs;
    ok(ms >= 999 && ms < 1_100, `${ms} ms`);
  });
}
