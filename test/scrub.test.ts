// A real node checks its disk in the background: a table that rots while nobody reads it is found,
// reported in the log, in /metrics and by `kvorum status`, and never answered as "not found". Where
// others have what rotted it heals by itself.

import { equal, match, ok } from 'node:assert/strict';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readIn } from '../src/client/kv-reply.ts';
import { ReplyError } from '../src/client/reply-parser.ts';
import { type RunningNode, runKvorum, startCluster } from './cluster-fixture.ts';
import { PATIENT } from './load.ts';
import { metricsOf } from './node-metrics.ts';
import { until } from './until.ts';

const KEYS = 30_000;

/** Flips a bit of each block in the first half of a file. */
async function rot(path: string): Promise<void> {
  const file = await open(path, 'r+');
  const { size } = await file.stat();
  for (let at = 100; at < size / 2; at += 2_000) {
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
    await file.write(Buffer.from([(buffer[0] as number) ^ 1]), 0, 1, at);
  }
  await file.close();
}

test('rot is found while nobody reads', async (t) => {
  const flags = ['--memory', '6mb', '--scrub-period', '2s'];
  const cluster = await startCluster({ nodes: 1, owner: t, flags });
  const [node] = cluster.nodes as [RunningNode];
  const redis = await cluster.connect(0, PATIENT);
  for (let from = 0; from < KEYS; from += 500) {
    const keys = Array.from({ length: 500 }, (_, n) => `key-${from + n}`);
    const replies = await Promise.all(keys.map((key) => redis.send('SET', key, `value of ${key}`)));
    ok(replies.every((reply) => reply === 'OK'));
  }
  await untilAtRest(node);
  equal((await metricsOf(node))('kvorum_scrub_damage_found_total'), 0);

  const names = await readdir(node.directory);
  const [table = ''] = names.filter((name) => name.endsWith('.kvtable')).sort();
  await rot(join(node.directory, table));
  await until('the damage is found', async () => {
    return (await metricsOf(node))('kvorum_scrub_damage_found_total') > 0;
  });

  const metrics = await metricsOf(node);
  equal(metrics('kvorum_engine_damaged_files{extent="part"}'), 1);
  ok(metrics('kvorum_scrub_read_bytes_total') > 0);
  match(node.log, new RegExp(`"damage-found".*${table}|${table}.*"damage-found"`));
  const { stdout } = await runKvorum(['status', '--url', node.httpUrl]);
  match(stdout, new RegExp(`damaged: ${table} cannot be read in part; its keys lie between`));

  let refused = 0;
  for (let from = 0; from < KEYS; from += 500) {
    const keys = Array.from({ length: 500 }, (_, n) => `key-${from + n}`);
    const replies = await Promise.all(keys.map((key) => redis.send('GET', key)));
    for (const [n, reply] of replies.entries()) {
      if (reply instanceof ReplyError) refused += 1;
      else equal(String(reply), `value of ${keys[n]}`);
    }
  }
  ok(refused > 0 && refused < KEYS, `${refused} keys refused`);
  await redis.close();
});

test('what rots on one of three nodes heals by itself, and is answered meanwhile', async (t) => {
  const flags = ['--memory', '6mb', '--scrub-period', '2s'];
  const cluster = await startCluster({ nodes: 3, owner: t, flags });
  const victim = cluster.nodes[1] as RunningNode;
  const redis = await cluster.connect(1, PATIENT);
  await redis.send('HELLO', '3');
  // In a few hundred slots.
  const keys = Array.from({ length: 10_000 }, (_, n) => `{${n % 300}}:${n}`);
  const value = (key: string) => key.padEnd(200, '.');
  await each(keys, async (key) => equal(await redis.send('SET', key, value(key)), 'OK'));
  await untilAtRest(victim);
  // A compaction may remove a table before anybody has met the damage.
  const rotten = new Set<string>();
  await until('damage is found', async () => {
    const names = await readdir(victim.directory);
    const table = names.find((name) => name.endsWith('.kvtable') && !rotten.has(name));
    if (table === undefined) return false;
    rotten.add(table);
    await rot(join(victim.directory, table)).catch(() => undefined);
    await each(keys, async (key) => equal(String(await redis.send('GET', key)), value(key)));
    return (await metricsOf(victim))('kvorum_scrub_damage_found_total') > 0;
  });
  await each(keys, async (key) => equal(String(await redis.send('GET', key)), value(key)));
  await until('it is healed', async () => {
    const metrics = await metricsOf(victim);
    const dropped = metrics('kvorum_damaged_slots_dropped_total');
    const left = metrics('kvorum_engine_damaged_files{extent="part"}');
    return dropped > 0 && left === 0 && metrics('kvorum_refilling_slots') === 0;
  });
  await Promise.all([cluster.kill(0), cluster.kill(2)]);
  await each(keys, async (key) => {
    const read = readIn(await redis.send('KV.GET', key, 'R', '1'));
    equal(String(read.value), value(key));
  });
  await redis.close();
});

/** All tables are flushed and compacted, and were checked. */
async function untilAtRest(node: RunningNode): Promise<void> {
  await until('the tables are at rest', async () => {
    const metrics = await metricsOf(node);
    const isBusy = metrics('kvorum_engine_compactions_running') > 0;
    const isAtRest = metrics('kvorum_engine_sealed_memtables') === 0 && !isBusy;
    return isAtRest && metrics('kvorum_scrub_passes_total') > 0;
  });
}

/** A few hundred at a time. */
async function each(keys: readonly string[], act: (key: string) => Promise<void>): Promise<void> {
  for (let from = 0; from < keys.length; from += 500) {
    await Promise.all(keys.slice(from, from + 500).map(act));
  }
}
