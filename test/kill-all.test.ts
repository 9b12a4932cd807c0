// A few rounds of kill-all.ts, which can run many more by hand.

import { deepEqual, equal, ok } from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { test } from 'node:test';
import { startCluster } from './cluster-fixture.ts';
import { killAllRounds } from './kill-all.ts';

const ROUNDS = 2;

test('all nodes are killed at once under load, again and again', async (t) => {
  const cluster = await startCluster({ nodes: 3, owner: t });
  let rounds = 0;
  for await (const figures of killAllRounds(cluster, { rounds: ROUNDS })) {
    const { round, acknowledged, open, wrong, restartMs } = figures;
    t.diagnostic(
      `round ${round}: ${acknowledged} acknowledged, ${open} open, ready in ${restartMs | 0} ms`,
    );
    deepEqual(wrong, []);
    ok(acknowledged > 0);
    rounds += 1;
  }
  equal(rounds, ROUNDS);
});

test('a canary: nodes that lose their disks meanwhile are noticed', async (t) => {
  const cluster = await startCluster({ nodes: 3, owner: t });
  const sabotage = async () => {
    for (const { directory } of cluster.nodes) await rm(directory, { recursive: true });
  };
  let wrong = 0;
  for await (const figures of killAllRounds(cluster, { rounds: 1, sabotage })) {
    wrong += figures.wrong.length;
  }
  ok(wrong > 0);
});
