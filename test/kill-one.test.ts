// `kill -9` of one node of three under load: nobody who talks to the other two notices, nothing
// that was acknowledged is lost, and when the node is back, the others bring it up to date.

import { deepEqual, equal, ok } from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { type RunningCluster, type RunningNode, startCluster } from './cluster-fixture.ts';
import { Ledger } from './ledger.ts';
import { type Complaint, Load, PATIENT, wrongThrough } from './load.ts';
import { metricsOf } from './node-metrics.ts';

const VICTIM = 1;
const SURVIVORS = [0, 2];
const ALL = [0, 1, 2];
/** Six writers with sixteen commands each. */
const IN_FLIGHT_MAX = 96;

test('a node is killed under load and comes back', async (t) => {
  const cluster = await startCluster({ nodes: 3, owner: t });
  const ledger = new Ledger();
  const leavings = await writeLeavings(cluster);
  const load = new Load({
    cluster,
    ledger,
    writers: [[0], [1], [2], ALL, [1, 2, 0], SURVIVORS],
    readers: ALL,
  });
  await load.more(2_000);
  const victim = cluster.nodes[VICTIM] as RunningNode;
  const before = await metricsOf(victim);
  await cluster.kill(VICTIM);
  await removeLeavings(cluster, leavings);
  await load.more(2_000);
  await load.stop();

  await t.test('its neighbours went on without an error', () => {
    // A DEL is carried out by the first node of its key: it may have been in flight on the victim.
    const isHandedOn = ({ command, text }: Complaint) => {
      return command === 'DEL' && text.startsWith('ERR indeterminate: ');
    };
    const heard = load.complaintsOf(...SURVIVORS);
    const inFlight = heard.filter(isHandedOn);
    deepEqual(tally(heard.filter((each) => !isHandedOn(each))), {});
    ok(inFlight.length <= IN_FLIGHT_MAX, `${inFlight.length} deletes`);
    ok(load.reads > 0);
    deepEqual(load.lies, []);
  });

  await t.test('every acknowledged write is readable through both', async () => {
    for (const node of SURVIVORS) deepEqual(await wrongThrough(cluster, node, ledger), []);
  });

  await t.test('it comes back with what it had, and nobody notices', async () => {
    const writers = [...SURVIVORS.map((node) => [node]), SURVIVORS];
    const second = new Load({ cluster, ledger, writers, readers: SURVIVORS, prefix: 'second-' });
    await second.more(300);
    await cluster.restart(VICTIM);
    await second.more(300);
    await second.stop();
    deepEqual(tally(second.complaints), {});
    deepEqual(second.lies, []);
    const after = await metricsOf(victim);
    const entries = 'kvorum_engine_entries';
    ok(after(entries) >= before(entries), `${after(entries)} of ${before(entries)} keys`);
    ok(after('kvorum_engine_recovered_batches') > 0);
  });

  await t.test('its neighbours bring it what it missed', async () => {
    const lacking = `kvorum_hints_pending{node="${victim.name}"}`;
    for (const node of SURVIVORS) {
      while ((await metricsOf(cluster.nodes[node] as RunningNode))(lacking, 0) > 0);
    }
    await isGone(cluster, leavings);
    // Writes whose outcome nobody knows may still differ: reads repair what they meet.
    for (let pass = 0; (await repairsOfReads(cluster, VICTIM, ledger)) > 0; pass++) ok(pass < 20);
  });

  await t.test('another may be killed now', async () => {
    await cluster.kill(0);
    for (const node of [1, 2]) deepEqual(await wrongThrough(cluster, node, ledger), []);
  });

  await t.test('its own disk has everything: the others lose theirs', async () => {
    await cluster.kill(2);
    for (const node of SURVIVORS) {
      await rm((cluster.nodes[node] as RunningNode).directory, { recursive: true });
    }
    await Promise.all(SURVIVORS.map((node) => cluster.restart(node)));
    deepEqual(await wrongThrough(cluster, VICTIM, ledger), []);
    await isGone(cluster, leavings);
  });
  t.diagnostic(`${JSON.stringify(ledger.counts)}, ${load.reads} reads`);
  t.diagnostic(`through the victim: ${JSON.stringify(tally(load.complaintsOf(VICTIM)))}`);
});

test('programs with ioredis notice nothing, not even on the node that was killed', async (t) => {
  const cluster = await startCluster({ nodes: 3, owner: t });
  const ledger = new Ledger({ hasDeletes: false });
  const failures: Complaint[] = [];
  let isOver = false;
  const programs = ALL.map(async (node) => {
    const redis = new Redis((cluster.nodes[node] as RunningNode).url);
    redis.on('error', () => undefined); // it connects again by itself
    const loops = Array.from({ length: 32 }, async (_, i) => {
      while (!isOver) {
        const attempt = ledger.begin(`p${node}-k${i}`);
        const [word = '', ...rest] = attempt.words;
        try {
          await redis.call(word, rest);
          ledger.settle(attempt, 'acknowledged');
        } catch (error) {
          ledger.settle(attempt, 'open');
          failures.push({ node, command: word, text: String(error) });
        }
      }
    });
    await Promise.all(loops);
    redis.disconnect();
  });
  await ledger.more(1_000);
  await cluster.kill(VICTIM);
  await ledger.more(1_000);
  await cluster.restart(VICTIM);
  await ledger.more(1_000);
  isOver = true;
  await Promise.all(programs);
  deepEqual(tally(failures), {});
  for (const node of ALL) deepEqual(await wrongThrough(cluster, node, ledger), []);
});

interface Leavings {
  readonly deleted: readonly string[];
  readonly expired: readonly string[];
}

/** Keys that the victim holds, and that will be gone when it is back. */
async function writeLeavings(cluster: RunningCluster): Promise<Leavings> {
  const names = (word: string) => Array.from({ length: 20 }, (_, i) => `${word}-${i}`);
  const leavings = { deleted: names('deleted'), expired: names('expired') };
  const redis = await cluster.connect(VICTIM, PATIENT);
  const keys = [...leavings.deleted, ...leavings.expired];
  const replies = await Promise.all(keys.map((key) => redis.send('SET', key, 'old')));
  await redis.close();
  ok(replies.every((reply) => reply === 'OK'));
  return leavings;
}

async function removeLeavings(cluster: RunningCluster, leavings: Leavings): Promise<void> {
  const redis = await cluster.connect(0, PATIENT);
  for (const key of leavings.deleted) equal(await redis.send('DEL', key), 1);
  for (const key of leavings.expired) equal(await redis.send('SET', key, 'new', 'PX', 1), 'OK');
  await redis.close();
}

async function isGone(cluster: RunningCluster, leavings: Leavings): Promise<void> {
  const redis = await cluster.connect(VICTIM, PATIENT);
  for (const key of [...leavings.deleted, ...leavings.expired]) {
    equal(await redis.send('GET', key), null, key);
  }
  await redis.close();
}

/** Replicas that were brought up to date by reading every key through this node. */
async function repairsOfReads(
  cluster: RunningCluster,
  node: number,
  ledger: Ledger,
): Promise<number> {
  const repairs = async () => {
    return (await metricsOf(cluster.nodes[node] as RunningNode))(
      'kvorum_read_repairs_total{result="sent"}',
    );
  };
  const before = await repairs();
  deepEqual(await wrongThrough(cluster, node, ledger), []);
  return (await repairs()) - before;
}

/** What was said → how often, with what differs between two of a kind left out. */
function tally(complaints: readonly Pick<Complaint, 'command' | 'text'>[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { command, text } of complaints) {
    const kind = `${command}: ${text.replaceAll(/\d+/g, 'N')}`;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}
