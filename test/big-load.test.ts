// A small run of big-load.ts, which can do millions of keys by hand: memtables of a megabyte, so
// that flushes and compactions come all the time.

import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { runBigLoad } from './big-load.ts';
import { mistakesOf } from './big-load-report.ts';
import { BulkKeys } from './bulk-keys.ts';
import { verifyThrough } from './bulk-load.ts';
import { startCluster } from './cluster-fixture.ts';

const KEYS = 40_000;
const SEED = 17;
/** A node that does nothing has 120 MB; the heap and its garbage come on top. */
const PEAK_BYTES_MAX = 400e6;

test('more data than memtables, a kill in the middle of a compaction, and every key', async (t) => {
  const runtimeFlags = ['--max-old-space-size=96'];
  const flags = ['--memory', '6mb'];
  const cluster = await startCluster({ nodes: 3, flags, runtimeFlags, owner: t });
  const load = { keys: KEYS, valueBytes: 100, seed: SEED, lookEveryMs: 5 };
  const figures = await runBigLoad(cluster, load);
  const { kill, verdicts, peakBytes, compactions } = figures;
  t.diagnostic(JSON.stringify({ kill, peakBytes, compactions, errors: figures.errors }));
  deepEqual(mistakesOf(figures, KEYS, PEAK_BYTES_MAX), []);
  for (const { right } of verdicts) equal(right, KEYS);
  ok(kill.halfWrittenTables > 0, 'it was killed in the middle of a compaction');
  // Counts begin anew with a restart: a node that was killed may have had nothing to do since.
  ok(Math.max(...compactions) > 0);

  await t.test('a canary: what is wrong, missing or unanswered is seen', async () => {
    const { port } = cluster.nodes[0] as { port: number };
    const stranger = new BulkKeys({ count: 1_000, valueBytes: 100, seed: SEED + 1 });
    equal((await verifyThrough(port, stranger)).wrong, 1_000);
    const own = new BulkKeys({ count: 10, valueBytes: 100, seed: SEED });
    const redis = await cluster.connect(0);
    equal(await redis.send('DEL', own.key(3)), 1);
    await redis.close();
    const { missing, right } = await verifyThrough(port, own);
    deepEqual({ missing, right }, { missing: 1, right: 9 });
    await cluster.kill(1);
    await cluster.kill(2);
    equal((await verifyThrough(port, own)).unanswered, 10);
  });
});
