// Redis clients on their defaults against a real cluster: nothing is configured, nothing is warned
// about, every answer is what Redis would say, and cluster clients live through the death of a
// node and its return.

import { deepEqual, equal, match } from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { exercise } from './client-exercise.ts';
import { CLIENT_KINDS, type ConnectedClient } from './client-kinds.ts';
import { type RunningCluster, startCluster } from './cluster-fixture.ts';

const VICTIM = 1;
const FAIL_OVER_KEYS = 64;
/** node-redis looks for another way after five seconds; beyond this it never will. */
const FAIL_OVER_MS_MAX = 60_000;
const PYTHON = '/usr/bin/python3';
const PYTHON_CLIENT = fileURLToPath(new URL('./redis-py-client.py', import.meta.url));

test('clients of Redis, on their defaults', async (t) => {
  const clusters = [
    await startCluster({ nodes: 3, owner: t }),
    await startCluster({ nodes: 5, owner: t }),
  ];
  for (const cluster of clusters) {
    await t.test(sizeOf(cluster), { concurrency: true }, (t) => allWork(t, cluster));
  }
  await t.test('a node dies and comes back', { concurrency: true }, async (t) => {
    const lives = clusters.map((cluster) => {
      return t.test(sizeOf(cluster), (t) => livesThroughDeath(t, cluster));
    });
    await Promise.all(lives);
  });
});

function sizeOf(cluster: RunningCluster): string {
  return `a cluster of ${cluster.nodes.length}`;
}

async function allWork(t: TestContext, cluster: RunningCluster): Promise<void> {
  const warnings: string[] = [];
  const warn = (warning: unknown) => warnings.push(String(warning));
  process.on('warning', warn);
  t.mock.method(process.stderr, 'write', (chunk: unknown) => warn(chunk) > 0);
  const skip = whyNoPython();
  const tests = CLIENT_KINDS.map((kind) => {
    return t.test(kind.name, async () => {
      const client = await kind.connect(cluster.nodes, warn);
      await exercise(client, kind.name).finally(() => client.close());
    });
  });
  tests.push(
    t.test('redis-py', { skip }, () => pythonWorks(cluster, 'Redis')),
    t.test('redis-py RedisCluster', { skip }, () => pythonWorks(cluster, 'RedisCluster')),
  );
  await Promise.all(tests);
  process.off('warning', warn);
  deepEqual(warnings, []);
}

/** Set and get keys all over the ring, and be done when all of them were answered rightly. */
async function roundTrips(client: ConnectedClient, name: string): Promise<void> {
  const keys = Array.from({ length: FAIL_OVER_KEYS }, (_, i) => `${name}:${i}`);
  const one = async (key: string) => {
    equal(await client.set(key, key), 'OK');
    equal(await client.get(key), key);
  };
  const failed = (await Promise.allSettled(keys.map(one))).find(isRejected);
  if (failed !== undefined) throw failed.reason;
}

async function livesThroughDeath(t: TestContext, cluster: RunningCluster): Promise<void> {
  const kinds = CLIENT_KINDS.filter(({ isCluster }) => isCluster);
  const clients = await Promise.all(
    kinds.map(async (kind) => ({
      name: kind.name,
      client: await kind.connect(cluster.nodes, () => undefined), // a node is gone, they say
    })),
  );
  const allGoOn = async (after: string) => {
    const goOn = clients.map(({ name, client }) => goesOn(client, name));
    const figures = await Promise.all(goOn);
    t.diagnostic(`after its ${after}: ${figures.join(', ')}`);
  };
  const python = whyNoPython() ? undefined : await startPython(cluster);
  try {
    for (const { name, client } of clients) await roundTrips(client, name);
    await cluster.kill(VICTIM);
    await Promise.all([allGoOn('death'), python?.goesOn()]);
    await cluster.restart(VICTIM);
    await Promise.all([allGoOn('return'), python?.goesOn()]);
  } finally {
    for (const { client } of clients) client.close();
    await python?.close();
  }
}

/** Resolves when all keys are served again: to how long it took, in words. */
async function goesOn(client: ConnectedClient, name: string): Promise<string> {
  const startedAt = performance.now();
  const late = AbortSignal.timeout(FAIL_OVER_MS_MAX);
  const tooLate = once(late, 'abort').then(() => {
    throw new Error(`${name} has not found its way after ${FAIL_OVER_MS_MAX} ms`);
  });
  for (;;) {
    const failure = await Promise.race([roundTrips(client, name).catch(reasonOf), tooLate]);
    if (failure === undefined) break;
    late.throwIfAborted();
  }
  return `${name} goes on within ${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
}

function reasonOf(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

function isRejected(result: PromiseSettledResult<unknown>): result is PromiseRejectedResult {
  return result.status === 'rejected';
}

function whyNoPython(): string | false {
  const { status } = spawnSync(PYTHON, ['-c', 'import redis']);
  return status === 0 ? false : `${PYTHON} has no module redis`;
}

async function pythonWorks(cluster: RunningCluster, kind: 'Redis' | 'RedisCluster') {
  const ports = cluster.nodes.map(({ port }) => String(port));
  const child = spawn(PYTHON, ['-W', 'error', PYTHON_CLIENT, kind, ...ports]);
  const [out, complaints] = await Promise.all([text(child.stdout), text(child.stderr)]);
  equal(complaints, '');
  match(out, /^redis-py [\d.]+ is content\n$/);
}

/** A RedisCluster that says a line when all keys are served again, each time that it is asked. */
async function startPython(cluster: RunningCluster) {
  const ports = cluster.nodes.map(({ port }) => String(port));
  const child = spawn(PYTHON, [PYTHON_CLIENT, 'goes-on', ...ports]);
  child.stderr.resume(); // it logs each lost connection with a stack
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const goesOn = async () => {
    child.stdin.write('go on\n');
    match(String((await lines.next()).value), /^went on after [\d.]+ s$/);
  };
  await goesOn();
  return {
    goesOn,
    async close() {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'close');
    },
  };
}
