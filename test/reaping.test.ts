// What is deleted, has expired or was flushed is forgotten when all nodes are there, and does not
// come back with a node that was away. Real processes, killed and started again.

import { deepEqual, equal, ok } from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type RunningCluster, type RunningNode, startCluster } from './cluster-fixture.ts';
import { PATIENT } from './load.ts';
import { metricsOf } from './node-metrics.ts';
import { until } from './until.ts';

/** In few slots, so that a few rounds serve all. */
const TAGS = ['a', 'b', 'c', 'd'];
const KEYS_PER_TAG = 60;
const AWAY = 2;

/** Of each three keys one stays, one is deleted, and one expires. */
const KEYS = TAGS.flatMap((tag) => Array.from({ length: KEYS_PER_TAG }, (_, i) => `{${tag}}-${i}`));
const staying = KEYS.filter((_, i) => i % 3 === 0);
const deleted = KEYS.filter((_, i) => i % 3 === 1);
const expiring = KEYS.filter((_, i) => i % 3 === 2);

test('deletes, expiries and a flush, with a node away and back', async (t) => {
  const cluster = await startCluster({ nodes: 3, owner: t });
  const redis = await speaking(t, cluster, 0);
  for (const key of [...staying, ...deleted]) equal(await redis.send('SET', key, key), 'OK');
  for (const key of expiring) equal(await redis.send('SET', key, key, 'PX', '1'), 'OK');
  await cluster.kill(AWAY);
  for (const key of deleted) equal(await redis.send('DEL', key), 1);

  await t.test('while the node is away its slots wait for it', async () => {
    const metrics = await metricsOf(cluster.nodes[0] as RunningNode);
    equal(metrics('kvorum_reaping_waits{node="n3"}'), TAGS.length);
    equal(metrics('kvorum_reaped_total'), 0);
  });

  await t.test('when it is back they are forgotten, also by those who start again', async () => {
    await cluster.restart(AWAY);
    await forgotten(cluster);
    equal(await redis.send('DBSIZE'), staying.length);
    await cluster.kill(1);
    await cluster.restart(1);
    for (let node = 0; node < 3; node++) {
      const own = await speaking(t, cluster, node);
      const found: string[] = [];
      for (const key of KEYS) if ((await own.send('EXISTS', key)) === 1) found.push(key);
      deepEqual(found, staying);
    }
  });

  await t.test('a flush leaves nothing', async () => {
    equal(await redis.send('FLUSHALL'), 'OK');
    await forgotten(cluster);
    equal(await redis.send('DBSIZE'), 0);
    const floors = await metricsOf(cluster.nodes[AWAY] as RunningNode);
    ok(floors('kvorum_floors_raised_total') > 0);
  });
});

async function speaking(t: TestContext, cluster: RunningCluster, node: number) {
  const connection = await cluster.connect(node, PATIENT);
  t.after(() => connection.close());
  return connection;
}

/** Resolves when no node has anything dead. */
async function forgotten({ nodes }: RunningCluster): Promise<void> {
  await until('everything dead is forgotten', async () => {
    const metrics = await Promise.all(nodes.map((node) => metricsOf(node)));
    return metrics.every((of) => of('kvorum_reaping_slots') === 0);
  });
}
