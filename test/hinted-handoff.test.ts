// Nodes are away, writes go on, and when they are back they get what they missed without anybody
// reading it: real processes, killed and started again.

import { deepEqual, equal, ok } from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { readIn, writtenIn } from '../src/client/kv-reply.ts';
import { ReplyError } from '../src/client/reply-parser.ts';
import type { RespConnection } from '../src/client/resp-connection.ts';
import type { Explanation } from '../src/node/store.ts';
import {
  type RunningCluster,
  type RunningNode,
  runKvorum,
  startCluster,
} from './cluster-fixture.ts';
import { PATIENT } from './load.ts';
import { metricsOf } from './node-metrics.ts';
import { until } from './until.ts';

const KEYS = Array.from({ length: 300 }, (_, i) => `key-${i}`);

test('a node of three comes back and is brought what it missed', async (t) => {
  const cluster = await startCluster({ nodes: 3, owner: t });
  const redis = await speaking(t, cluster, 0);
  for (const key of KEYS) equal(await redis.send('SET', key, 'before'), 'OK');
  await cluster.kill(2);
  for (const key of KEYS) equal(await redis.send('SET', key, 'after'), 'OK');
  equal(await redis.send('DEL', 'key-0'), 1);
  // One hint a key, however often written; the delete may have gone through the other node.
  const kept = sum(await pending(cluster, [0, 1]));
  ok(kept === KEYS.length || kept === KEYS.length + 1, `${kept} hints`);

  await t.test('explain says who lacks what', async () => {
    const { hintsFor, isAgreed } = await explained(cluster, 'key-7');
    deepEqual([hintsFor, isAgreed], [['n3'], false]);
  });

  await t.test('hints survive those who keep them', async () => {
    await cluster.kill(1);
    await cluster.restart(1);
    equal(sum(await pending(cluster, [0, 1])), kept);
  });

  await cluster.restart(2);
  await delivered(cluster, [0, 1]);
  for (const key of KEYS.slice(0, 20)) ok((await explained(cluster, key)).isAgreed, key);
  await t.test('its own disk has everything', async () => {
    await Promise.all([cluster.kill(0), cluster.kill(1)]);
    const alone = await speaking(t, cluster, 2);
    for (const [i, key] of KEYS.entries()) {
      const { value } = readIn(await alone.send('KV.GET', key, 'R', '1'));
      equal(value?.toString(), i === 0 ? undefined : 'after', key);
    }
  });
});

test('fallbacks stand in for nodes that are away; strict keyspaces refuse', async (t) => {
  const configuration = '[[keyspaces]]\nnumber = 7\nname = "strict"\nquorum = "strict"\n';
  const cluster = await startCluster({ nodes: 5, owner: t, configuration });
  const primaries = (await explained(cluster, 'k')).replicas.map(({ node }) => node);
  const index = (name: string) => Number(name.slice(1)) - 1;
  const [first = 0, ...away] = primaries.map(index);
  const redis = await speaking(t, cluster, first);
  for (const node of away) await cluster.kill(node);

  await t.test('the receipt says who stood in', async () => {
    const written = writtenIn(await taken(redis, 'KV.PUT', 'k', 'v'));
    ok(written.isApplied && written.fallbacks.length >= 1, JSON.stringify(written));
    ok(written.fallbacks.every((name) => !primaries.includes(name)));
    const read = readIn(await redis.send('KV.GET', 'k'));
    equal(read.value?.toString(), 'v');
    deepEqual(read.fallbacks.length, 1);
    const { standIns } = await explained(cluster, 'k', first);
    const keepers = standIns.map(({ node }) => node);
    ok(
      written.fallbacks.every((name) => keepers.includes(name)),
      JSON.stringify(keepers),
    );
  });

  await t.test('a strict keyspace takes no stand-ins', async () => {
    await redis.send('SELECT', 'strict');
    const reply = await redis.send('SET', 'k', 'v');
    ok(reply instanceof ReplyError && reply.word === 'NOREPLICAS', String(reply));
  });

  const others = cluster.nodes.map(({ name }) => name).filter((name) => !primaries.includes(name));

  await t.test('with no primary left the others take plain puts', async () => {
    await cluster.kill(first);
    const [one, other] = others.map(index) as [number, number];
    const standIn = await speaking(t, cluster, one);
    const written = writtenIn(await taken(standIn, 'KV.PUT', 'k', 'alone'));
    ok(written.isApplied);
    deepEqual(written.nodes.toSorted(), others);
    deepEqual(written.fallbacks.toSorted(), others);
    const read = readIn(await (await speaking(t, cluster, other)).send('KV.GET', 'k'));
    equal(read.value?.toString(), 'alone');
    const refused = await standIn.send('DEL', 'k');
    ok(refused instanceof ReplyError && refused.word === 'NOREPLICAS', String(refused));
  });

  await t.test('the primaries get it, and the fallbacks forget it', async () => {
    for (const node of [first, ...away]) await cluster.restart(node);
    await delivered(cluster, [0, 1, 2, 3, 4]);
    const { replicas, standIns, isAgreed } = await explained(cluster, 'k');
    ok(isAgreed && replicas.every(({ state }) => state === 'has'));
    deepEqual(standIns, []);
    const read = readIn(await (await speaking(t, cluster, first)).send('KV.GET', 'k', 'R', '3'));
    equal(read.value?.toString(), 'alone');
  });
});

async function speaking(t: TestContext, cluster: RunningCluster, node: number) {
  const connection = await cluster.connect(node, PATIENT);
  t.after(() => connection.close());
  await connection.send('HELLO', '3');
  return connection;
}

/** The first answer that is no refusal: those who are away have to be missed first. */
function taken(redis: RespConnection, ...words: string[]) {
  return until(`${words.join(' ')} is taken`, async () => {
    const reply = await redis.send(...words);
    return reply instanceof ReplyError ? undefined : reply;
  });
}

/** Hints that these nodes keep, for all others together. */
async function pending(cluster: RunningCluster, nodes: readonly number[]): Promise<number[]> {
  const all = cluster.nodes.map(({ name }) => `kvorum_hints_pending{node="${name}"}`);
  return await Promise.all(
    nodes.map(async (node) => {
      const metrics = await metricsOf(cluster.nodes[node] as RunningNode);
      return sum(all.map((name) => metrics(name, 0)));
    }),
  );
}

async function delivered(cluster: RunningCluster, nodes: readonly number[]): Promise<void> {
  while (sum(await pending(cluster, nodes)) > 0) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function explained({ nodes }: RunningCluster, key: string, asked = 0): Promise<Explanation> {
  const url = (nodes[asked] as RunningNode).httpUrl;
  return JSON.parse((await runKvorum(['explain', key, '--json', '--url', url])).stdout);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
