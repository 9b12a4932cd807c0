// A few rounds of kill-all.ts, which can run many more by hand.

import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { startCluster } from './cluster-fixture.ts';
import { killAllRounds } from './kill-all.ts';

const ROUNDS = 3;

test('all nodes are killed at once under load, again and again', async (t) => {
  const cluster = await startCluster({ nodes: 3, owner: t });
  let rounds = 0;
  for await (const figures of killAllRounds(cluster, ROUNDS)) {
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
