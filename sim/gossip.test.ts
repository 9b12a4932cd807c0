// What simulated clusters think of their members: frozen nodes, cut ways, orderly stops.

import { deepEqual, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { SimCluster } from './cluster.ts';
import { SimWorld } from './sim-host.ts';

/** Five missed pings of 500 ms: what silence took before there was gossip. */
const DETECTION_MS_MAX = 2_500;

async function started(seed: number) {
  const world = new SimWorld(seed);
  const cluster = new SimCluster(world, 3);
  await world.settle(Promise.all(cluster.names.map((name) => cluster.start(name))));
  const sees = (observer: string, states: readonly string[]) => {
    const members = cluster.node(observer)?.status().members ?? [];
    const byName = members.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    return byName.map(({ health }) => health.state).join() === states.join();
  };
  await world.runUntil(() =>
    cluster.names.every((name) => sees(name, ['alive', 'alive', 'alive'])),
  );
  return { world, cluster, sees };
}

test('a frozen node is down to the others, and condemns nobody when it goes on', async () => {
  for (const seed of [1, 2, 3]) {
    const { world, cluster, sees } = await started(seed);
    const fromMs = world.nowMs;
    world.node('n3').pause();
    await world.runUntil(() =>
      ['n1', 'n2'].every((name) => sees(name, ['alive', 'alive', 'down'])),
    );
    ok(world.nowMs - fromMs <= DETECTION_MS_MAX, `seed ${seed}: ${world.nowMs - fromMs} ms`);
    await world.runFor(20_000);
    world.node('n3').resume();
    const wrong: string[] = [];
    await world.runUntil(() => {
      if (!sees('n3', ['alive', 'alive', 'alive'])) wrong.push(`${world.nowMs}`);
      return ['n1', 'n2'].every((name) => sees(name, ['alive', 'alive', 'alive']));
    });
    deepEqual(wrong, []);
    await world.settle(cluster.closeAll());
  }
});

test('who stops in order has left, and a crash is no goodbye', async () => {
  const { world, cluster, sees } = await started(4);
  await world.settle(cluster.stop('n2'));
  await world.runUntil(() => sees('n1', ['alive', 'left', 'alive']));
  cluster.crash('n3');
  await world.runUntil(() => sees('n1', ['alive', 'left', 'down']));
  await world.settle(Promise.all(['n2', 'n3'].map((name) => cluster.start(name))));
  await world.runUntil(() => sees('n1', ['alive', 'alive', 'alive']));
  await world.settle(cluster.closeAll());
});
