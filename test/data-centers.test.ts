// Six real nodes in two data centers, of which one is killed: clients go on with local-quorum, and
// when it is back it has everything.

import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../src/base/errors.ts';
import { connect } from '../src/client/kvorum-client.ts';
import { type RunningCluster, runKvorum, startCluster } from './cluster-fixture.ts';
import { metricsOf } from './node-metrics.ts';
import { until } from './until.ts';

const EAST = [0, 1, 2];
const WEST = [3, 4, 5];
const CONFIGURATION = `
[[keyspaces]]
number = 0
name = "default"
n = { east = 3, west = 3 }
preset = "local-quorum"
`;

test('a data center of two is killed: the other goes on, and it comes back whole', async (t) => {
  const dataCenters = [...EAST.map(() => 'east'), ...WEST.map(() => 'west')];
  const cluster = await startCluster({
    ...{ nodes: 6, dataCenters, configuration: CONFIGURATION, owner: t },
    flags: ['--memory', '16mb', '--gossip', 'loopback'],
  });
  const kv = await connect({ nodes: EAST.map((index) => at(cluster, index).address) });
  t.after(() => kv.close());
  const acknowledged = new Map<string, string>();
  const write = async (count: number) => {
    const key = `key-${count}`;
    const written = await kv.put(key, `value ${count}`);
    ok(written.isApplied);
    ok((written.dataCenters.east ?? 0) >= 2, JSON.stringify(written));
    acknowledged.set(key, `value ${count}`);
  };

  await t.test('levels at every door say what they obtained', async () => {
    const written = await kv.put('k', 'v', { w: 'each-quorum' });
    ok(written.isApplied && (written.dataCenters.west ?? 0) >= 2, JSON.stringify(written));
    deepEqual((await kv.get('k', { r: 'local-quorum' })).dataCenters, { east: 2 });
    const path = '/v1/keyspaces/default/keys/k?r=each-quorum';
    const answer = await fetch(`${at(cluster, 4).httpUrl}${path}`);
    equal(await answer.text(), 'v');
    const receipt = JSON.parse(answer.headers.get('x-kvorum-receipt') ?? '');
    deepEqual(receipt.dataCenters, { west: 2, east: 2 });
    const url = ['--url', at(cluster, 5).url];
    const put = await runKvorum(['put', 'k', 'w', '--w', 'each-quorum', ...url]);
    match(put.stdout, /^OK: (east|west) [23], (east|west) [23]\n$/);
    const { code, stderr } = await runKvorum(['get', 'k', '--r', 'here', ...url]);
    equal(code, 2);
    match(stderr, /BAD_OPTION: .*local-quorum/);
  });

  await t.test('status and explain show where nodes are', async () => {
    const http = ['--url', at(cluster, 0).httpUrl];
    const { stdout } = await runKvorum(['status', ...http]);
    match(stdout, /Healthy: 6 of 6 nodes up \(east 3 of 3, west 3 of 3\)/);
    match((await runKvorum(['explain', 'k', ...http])).stdout, /n5 in west: has n/);
    match((await runKvorum(['keyspace', 'list', ...http])).stdout, /6 \(east 3, west 3\)/);
  });

  await t.test('kill -9 of all its nodes under writes', async () => {
    for (let count = 0; count < 60; count++) await write(count);
    const killed = Promise.all(WEST.map((index) => cluster.kill(index)));
    for (let count = 60; count < 160; count++) await write(count);
    await killed;
    for (let count = 160; count < 200; count++) await write(count);
    for (const [key, value] of acknowledged) equal(String((await kv.get(key)).value), value);
    const path = '/v1/keyspaces/default/keys/k?w=each-quorum';
    const refused = await fetch(`${at(cluster, 0).httpUrl}${path}`, { method: 'PUT', body: 'x' });
    equal(refused.status, 503);
    match(await refused.text(), /NOT_ENOUGH_REPLICAS.*0 of the 2 replicas in data center west/);
    await rejects(
      () => kv.get('k', { r: 'each-quorum', signal: AbortSignal.timeout(500) }),
      (error: unknown) => hasCode(error, 'NO_ANSWER') || String(error).includes('Timeout'),
    );
  });

  await t.test('back, it is brought what it missed', async () => {
    await Promise.all(WEST.map((index) => cluster.restart(index)));
    for (const index of EAST) await delivered(cluster, index);
    for (const index of WEST) {
      for (const [key, value] of acknowledged) {
        const path = `/v1/keyspaces/default/keys/${key}?r=one`;
        equal(await (await fetch(`${at(cluster, index).httpUrl}${path}`)).text(), value);
      }
    }
    ok((await kv.put('k', 'x', { w: 'each-quorum' })).isApplied);
  });
});

function at(cluster: RunningCluster, index: number) {
  const node = cluster.nodes[index];
  ok(node !== undefined);
  return node;
}

/** Nothing is kept for others any more. */
async function delivered(cluster: RunningCluster, index: number): Promise<void> {
  await until('hints are delivered', async () => {
    const metrics = await metricsOf(at(cluster, index));
    const waiting = WEST.map((west) => {
      return metrics(`kvorum_hints_pending{node="${at(cluster, west).name}"}`, 0);
    });
    return waiting.every((count) => count === 0);
  });
}
