// A node fills its disk under the load of real clients: it stops taking writes before the disk
// refuses anything, says why, goes on answering reads, and comes back by itself when there is
// space again. The disk is a small tmpfs, which only root may mount.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ReplyError } from '../src/client/reply-parser.ts';
import type { RespConnection } from '../src/client/resp-connection.ts';
import {
  type RunningCluster,
  type RunningNode,
  runKvorum,
  startCluster,
} from './cluster-fixture.ts';
import { PATIENT } from './load.ts';
import { metricsOf } from './node-metrics.ts';
import { smallDisk } from './small-disk.ts';
import { until } from './until.ts';

const MIB = 1024 * 1024;
const WRITERS = 4;
const BATCH = 64;
const VALUE_BYTES = 4_000;

/** What was acknowledged, and what was said instead. */
class Filling {
  readonly written = new Map<string, string>();
  readonly errors: string[] = [];
  #keys = 0;

  /** Writes until an error comes. */
  async run(redis: RespConnection): Promise<void> {
    for (;;) {
      const key = `key-${this.#keys++}`;
      const value = randomBytes(VALUE_BYTES / 2).toString('hex');
      const reply = await redis.send('SET', key, value);
      if (reply instanceof ReplyError) {
        this.errors.push(reply.text);
        return;
      }
      equal(reply, 'OK');
      this.written.set(key, value);
    }
  }

  async missing(redis: RespConnection): Promise<string[]> {
    const wrong: string[] = [];
    const keys = [...this.written.keys()];
    for (let from = 0; from < keys.length; from += BATCH) {
      const asked = keys.slice(from, from + BATCH).map(async (key) => {
        const reply = String(await redis.send('GET', key));
        if (reply !== this.written.get(key)) wrong.push(`${key}: ${reply.slice(0, 100)}`);
      });
      await Promise.all(asked);
    }
    return wrong;
  }
}

async function fillUp(cluster: RunningCluster, filling: Filling): Promise<void> {
  const connections = Array.from({ length: WRITERS }, () => cluster.connect(0, PATIENT));
  await Promise.all(
    connections.map(async (opening) => {
      const redis = await opening;
      await filling.run(redis);
      await redis.close();
    }),
  );
}

async function writesComeBack(redis: RespConnection): Promise<void> {
  await until('writes come back', async () => (await redis.send('SET', 'again', 'x')) === 'OK');
}

test('a node fills its disk, says so, reads on, and takes writes again', async (t) => {
  const disk = await smallDisk(t, 160);
  if (disk === undefined) return t.skip('only root may mount a small disk');
  const ballast = join(disk, 'ballast');
  await writeFile(ballast, Buffer.alloc(64 * MIB));
  const flags = ['--data', join(disk, 'n1'), '--memory', '6mb', '--disk-reserve', '30mb'];
  const cluster = await startCluster({ nodes: 1, owner: t, flags });
  const [node] = cluster.nodes as [RunningNode];
  const http = ['--url', node.httpUrl];
  const filling = new Filling();
  await fillUp(cluster, filling);
  const redis = await cluster.connect(0, PATIENT);

  await t.test('the error says how full the disk is and what to do', () => {
    equal(filling.errors.length, WRITERS);
    for (const text of filling.errors) {
      const [, free] = / disk. (\d+) MB of 160 MB are free on this node's /.exec(text) ?? [];
      // It stopped itself: the disk had more to give.
      ok(Number(free) > 0, text);
      match(text, /^MISCONF .* disk, and the last 30 MB are kept for flushes and compaction: /);
      match(text, /\(Free space or enlarge the disk: .*when 38 MB are free\.\) \[DISK_FULL\]$/);
    }
    ok(filling.written.size > 3_000, `${filling.written.size} keys`);
  });

  await t.test('metrics say it', async () => {
    const metrics = await metricsOf(node);
    ok(metrics('kvorum_disk_free_bytes') > 0);
    equal(metrics('kvorum_disk_bytes'), 160 * MIB);
    equal(metrics('kvorum_disk_reserved_bytes'), 30 * MIB);
  });

  await t.test('reads go on: nothing that was acknowledged is missing', async () => {
    deepEqual(await filling.missing(redis), []);
  });

  await t.test('status says it too', async () => {
    // Compaction may have given space back by now: the disk is filled up once more.
    await fillUp(cluster, filling);
    const { stdout } = await runKvorum(['status', ...http]);
    match(
      stdout,
      /\nDisk of n1: \d+ MB of 160 MB free, not .*\n( {2}full: it keeps 30 MB free, .*\n)?/,
    );
    const { engine } = JSON.parse((await runKvorum(['status', '--json', ...http])).stdout);
    equal(engine.diskReservedBytes, 30 * MIB);
    equal(engine.disk.totalBytes, 160 * MIB);
  });

  await t.test('with space, writes come back by themselves', async () => {
    await rm(ballast);
    await writesComeBack(redis);
    const before = filling.written.size;
    await fillUp(cluster, filling);
    ok(filling.written.size > before + 3_000, `${before}, then ${filling.written.size} keys`);
  });

  await t.test('nothing is lost, also not by kill -9', async () => {
    deepEqual(await filling.missing(redis), []);
    await redis.close();
    await cluster.kill(0);
    await cluster.restart(0);
    const again = await cluster.connect(0, PATIENT);
    deepEqual(await filling.missing(again), []);
    await again.close();
  });
});
