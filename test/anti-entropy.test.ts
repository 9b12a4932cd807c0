// A node loses its disk: the others notice what it lacks and bring it back, without anybody
// reading a key and without a hint that would say so. Real processes.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { test } from 'node:test';
import { readIn } from '../src/client/kv-reply.ts';
import { type RunningNode, runKvorum, startCluster } from './cluster-fixture.ts';
import { PATIENT } from './load.ts';
import { metricsOf } from './node-metrics.ts';
import { until } from './until.ts';

const KEYS = 2_000;
const VICTIM = 2;

test('a node whose disk was wiped is refilled by the others', async (t) => {
  const flags = ['--anti-entropy', '300ms'];
  const cluster = await startCluster({ nodes: 3, owner: t, flags });
  const victim = cluster.nodes[VICTIM] as RunningNode;
  const redis = await cluster.connect(0, PATIENT);
  t.after(() => redis.close());
  const written = Array.from({ length: KEYS }, (_, i) => redis.send('SET', `key-${i}`, `${i}`));
  ok((await Promise.all(written)).every((reply) => reply === 'OK'));
  for (let i = 0; i < KEYS; i += 10) equal(await redis.send('DEL', `key-${i}`), 1);

  await cluster.kill(VICTIM);
  await rm(victim.directory, { recursive: true });
  await cluster.restart(VICTIM);
  await untilLevel(victim, ['n1', 'n2'], Date.now());
  const metrics = await metricsOf(victim);
  ok(metrics('kvorum_antientropy_total{what="slots"}') > 0);

  await Promise.all([cluster.kill(0), cluster.kill(1)]);
  const alone = await cluster.connect(VICTIM, PATIENT);
  t.after(() => alone.close());
  await alone.send('HELLO', '3');
  for (let i = 0; i < KEYS; i++) {
    const { value } = readIn(await alone.send('KV.GET', `key-${i}`, 'R', '1'));
    equal(value?.toString(), i % 10 === 0 ? undefined : `${i}`, `key-${i}`);
  }
});

test('kvorum repair says what it did, and whom it missed', async (t) => {
  const cluster = await startCluster({ nodes: 3, owner: t, flags: ['--anti-entropy', '1h'] });
  const [first] = cluster.nodes as [RunningNode];
  const redis = await cluster.connect(0, PATIENT);
  t.after(() => redis.close());
  for (let i = 0; i < 20; i++) equal(await redis.send('SET', `key-${i}`, `${i}`), 'OK');
  const url = ['--url', first.httpUrl];

  const whole = await runKvorum(['repair', '--wait', '--json', ...url]);
  const { isRunning, slotsDone, slotsTotal, missed } = JSON.parse(whole.stdout);
  deepEqual([whole.code, isRunning, slotsDone, missed], [0, false, slotsTotal, []]);
  equal(slotsTotal, 2 * 2 * 16_384);
  const status = JSON.parse((await runKvorum(['status', '--json', ...url])).stdout);
  deepEqual([Object.keys(status.sync).sort(), status.slotsRefilling], [['n2', 'n3'], 0]);
  const sync = await fetch(`${first.httpUrl}/v1/keyspaces/default/sync`);
  const { slots } = (await sync.json()) as { slots: { fromSlot: number; inSyncMs: number }[] };
  ok(slots[0]?.fromSlot === 0 && slots.every(({ inSyncMs }) => inSyncMs > 0));

  await cluster.kill(2);
  const some = ['--slots', '0-99', '--keyspace', 'default'];
  const missing = await runKvorum(['repair', ...some, '--wait', ...url]);
  equal(missing.code, 3);
  match(
    missing.stdout,
    /^repair 2: \d+ of 200 slots compared, .*not compared, or not wholly: n3$/m,
  );
  for (const slots of ['9-3', '16384', 'all']) {
    equal((await runKvorum(['repair', '--slots', slots, ...url])).code, 2, slots);
  }
  equal((await runKvorum(['repair', '--keyspace', 'nowhere', ...url])).code, 2);
  const origin = { origin: 'https://evil.example' };
  const refused = await fetch(`${first.httpUrl}/v1/repairs`, { method: 'POST', headers: origin });
  equal(refused.status, 403);
});

/** Resolves when `node` has found itself the same as all others, later than `sinceMs`. */
async function untilLevel(node: RunningNode, others: readonly string[], sinceMs: number) {
  const name = (other: string) => `kvorum_antientropy_in_sync_timestamp_seconds{node="${other}"}`;
  await until(`${node.name} is level with ${others}`, async () => {
    const metrics = await metricsOf(node);
    return others.every((other) => metrics(name(other), 0) * 1_000 > sinceMs);
  });
}
