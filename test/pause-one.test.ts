// What a cluster says of a node that freezes (SIGSTOP: its connections stay open), and what that
// node says of the others when it goes on; and of one that stops as it should.

import { deepEqual, equal, match } from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterStatus } from '../src/node/store.ts';
import {
  type RunningCluster,
  type RunningNode,
  runKvorum,
  startCluster,
} from './cluster-fixture.ts';
import { metricsOf } from './node-metrics.ts';
import { until } from './until.ts';

test('a node freezes, goes on, and stops', async (t) => {
  const cluster = await startCluster({ nodes: 3, owner: t, flags: ['--gossip', 'loopback'] });
  const frozen = cluster.nodes[2] as RunningNode;
  const others = cluster.nodes.slice(0, 2);

  await t.test('the others say down, and it is nobody to ask', async () => {
    process.kill(frozen.pid as number, 'SIGSTOP');
    for (const node of others) await seen(node, 'n3', 'down');
    const [first] = others as [RunningNode];
    const status = await runKvorum(['status', '--url', first.httpUrl]);
    match(status.stdout, /^DN +n3 +\S+ +down +\d+\.\d +\d+\.\ds /m);
    match(status.stdout, /^UN +n2 +\S+ +alive +\d+\.\d +\d+\.\ds /m);
    const metrics = await metricsOf(first);
    equal(metrics('kvorum_members_by_state{state="down"}'), 1);
    equal(metrics('kvorum_members_by_state{state="alive"}'), 2);
  });

  await t.test('when it goes on they say alive, and it has condemned nobody', async () => {
    process.kill(frozen.pid as number, 'SIGCONT');
    for (const node of others) await seen(node, 'n3', 'alive');
    await seen(frozen, 'n1', 'alive');
    await seen(frozen, 'n2', 'alive');
    deepEqual(eventsOf(frozen, 'node down'), [], frozen.log);
    deepEqual(eventsOf(frozen, 'node suspect'), []);
    // On a busy machine it may be late again when it has just gone on; nobody else is missed.
    for (const node of others) deepEqual([...new Set(eventsOf(node, 'node down'))], ['n3']);
  });

  await t.test('who stops as it should has left, until it starts again', async () => {
    await cluster.kill(2, 'SIGTERM');
    for (const node of others) await seen(node, 'n3', 'left');
    await cluster.restart(2);
    for (const node of others) await seen(node, 'n3', 'alive');
  });

  await t.test('a wrong network is refused', async () => {
    const start = await runKvorum(['start', '--gossip', 'mars']);
    match(start.stderr, /--gossip cannot be "mars"/);
  });
});

/** Resolves when `node` says so of the member. */
async function seen({ httpUrl }: RunningNode, member: string, state: string): Promise<void> {
  await until(`${member} is ${state}`, async () => {
    const status = (await (await fetch(`${httpUrl}/v1/status`)).json()) as ClusterStatus;
    return status.members.find(({ name }) => name === member)?.health.state === state;
  });
}

/** Of which members it logged that. */
function eventsOf({ log }: RunningCluster['nodes'][number], event: string): string[] {
  const lines = log.split('\n').filter((line) => line.startsWith('{'));
  const events = lines.map((line) => JSON.parse(line) as { event: string; node: string });
  return events.filter((each) => each.event === event).map(({ node }) => node);
}
