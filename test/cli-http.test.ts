// The HTTP door of a real node: health, readiness, metrics that a Prometheus server can read, and
// clear errors for everything else.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { type RunningNode, startCluster } from './cluster-fixture.ts';
import { until } from './until.ts';

const SAMPLE = /^([a-z_][a-z0-9_]*)(?:\{([a-z_]+="[^"\\]*",?)*\})? (-?[\d.e+-]+|NaN|[+-]Inf)$/;

async function ask(node: RunningNode, path: string, init: RequestInit = {}) {
  const response = await fetch(`${node.httpUrl}${path}`, init);
  return { status: response.status, headers: response.headers, body: await response.text() };
}

/** Name of a sample with its labels → value. Every line must be one that Prometheus reads. */
function samplesIn(page: string): Map<string, number> {
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  for (const line of page.split('\n')) {
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (kind === 'TYPE') types.set(name, rest);
    if (kind !== undefined || line === '') continue;
    match(line, SAMPLE);
    const space = line.lastIndexOf(' ');
    const sample = line.slice(0, space);
    const family = (sample.split('{')[0] as string).replace(/_(bucket|sum|count)$/, '');
    ok(types.has(family) || types.has(sample.split('{')[0] as string), `no TYPE for ${line}`);
    ok(!samples.has(sample), `twice: ${line}`);
    samples.set(sample, Number(line.slice(space + 1)));
  }
  return samples;
}

test('the HTTP door', async (t) => {
  const cluster = await startCluster({ nodes: 1, owner: t });
  const [node] = cluster.nodes as [RunningNode];

  await t.test('healthz and readyz', async () => {
    equal((await ask(node, '/healthz')).status, 200);
    const { status, body } = await ask(node, '/readyz');
    equal(status, 200);
    deepEqual(JSON.parse(body), { isReady: true, stage: 'serving', hasQuorum: true });
  });

  await t.test('metrics count what clients did', async () => {
    const before = samplesIn((await ask(node, '/metrics')).body);
    const redis = await cluster.connect(0);
    for (const key of ['a', 'b', 'c']) await redis.send('SET', key, 'x');
    await redis.send('GET', 'a');
    await redis.send('GET', 'missing');
    await redis.send('NOSUCHCOMMAND');
    await redis.close();
    const { headers, body } = await ask(node, '/metrics');
    match(headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    const after = samplesIn(body);
    const grew = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
    equal(grew('kvorum_writes_total{outcome="ok"}'), 3);
    equal(grew('kvorum_reads_total{outcome="found"}'), 1);
    equal(grew('kvorum_reads_total{outcome="missing"}'), 1);
    equal(grew('kvorum_write_duration_seconds_count'), 3);
    equal(grew('kvorum_write_duration_seconds_bucket{le="+Inf"}'), 3);
    equal(grew('kvorum_resp_commands_total'), 6);
    equal(grew('kvorum_resp_error_replies_total'), 1);
    equal(after.get('kvorum_engine_entries'), 3);
    equal(after.get('kvorum_members_alive'), 1);
    ok((after.get('process_resident_memory_bytes') ?? 0) > 1e6);
    ok(after.has('nodejs_eventloop_lag_p99_seconds'));
    equal((body.match(/^# TYPE kvorum_/gm) ?? []).length, kvorumFamilies(body).size);
  });

  await t.test('what there is not is said in JSON', async () => {
    const cases = [
      ['GET', '/nothing', undefined, 404, 'NO_SUCH_PATH'],
      ['POST', '/metrics', undefined, 405, 'METHOD_NOT_ALLOWED'],
      ['DELETE', '/v1/status', undefined, 405, 'METHOD_NOT_ALLOWED'],
      ['POST', '/v1/status', 'x'.repeat(70_000), 413, 'BODY_TOO_LARGE'],
    ] as const;
    for (const [method, path, body, status, code] of cases) {
      const headers = body === undefined ? {} : { 'content-type': 'text/plain' };
      const answer = await ask(node, path, { method, body: body ?? null, headers });
      equal(answer.status, status, `${method} ${path}: ${answer.body}`);
      const problem = JSON.parse(answer.body);
      equal(problem.code, code);
      ok(problem.message && problem.fix && problem.docs.startsWith('docs/errors.md#'));
      equal(answer.headers.get('access-control-allow-origin'), null);
    }
    equal((await ask(node, '/metrics', { method: 'POST' })).headers.get('allow'), 'GET, HEAD');
  });

  await t.test('garbage and half requests end only their own connection', async () => {
    const garbage = connect(node.httpPort, '127.0.0.1');
    garbage.end('\x16\x03\x01 garbage\r\n\r\n');
    match(await text(garbage), /^HTTP\/1\.1 400 [\s\S]*"code":"BAD_REQUEST"/);
    const half = connect(node.httpPort, '127.0.0.1');
    half.write('GET /healthz HTTP/1.1\r\nHost: x\r\n');
    const startedAt = Date.now();
    match(await text(half), /^HTTP\/1\.1 408 [\s\S]*"code":"REQUEST_TIMEOUT"/);
    ok(Date.now() - startedAt < 10_000, 'half a header is waited for about five seconds');
    equal((await ask(node, '/healthz')).status, 200);
  });

  await t.test('values that are on their way take a bounded amount of memory', async () => {
    const url = `/v1/keyspaces/default/keys/k`;
    const head = `PUT ${url} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${1024 ** 2}\r\n\r\n`;
    const slow = await Promise.all(
      Array.from({ length: 65 }, async () => {
        const socket = connect(node.httpPort, '127.0.0.1');
        await new Promise((resolve) => socket.write(head, resolve));
        return socket;
      }),
    );
    const refused = slow.map((socket) => once(socket, 'data'));
    match(String(await Promise.race(refused)), /^HTTP\/1\.1 503 [\s\S]*"code":"OVERLOADED"/);
    for (const socket of slow) socket.destroy();
    await until('a value is taken again', async () => {
      return (await ask(node, url, { method: 'PUT', body: 'v' })).status !== 503;
    });
  });
});

test('readyz says 503 while the others are missing, and serves after a while', async (t) => {
  const cluster = await startCluster({ nodes: 3, owner: t });
  await Promise.all([0, 1, 2].map((index) => cluster.kill(index)));
  const restarting = cluster.restart(0); // alone, so it waits for a quorum first
  const [node] = cluster.nodes as [RunningNode];
  let answer = await untilAnswered(node);
  equal(answer.status, 503);
  deepEqual(JSON.parse(answer.body).reason, 'this node is starting');
  const redis = await cluster.connect(0);
  const reply = await redis.send('GET', 'a');
  match(String((reply as { text?: string }).text), /^LOADING /);
  await redis.close();
  equal((await ask(node, '/healthz')).status, 200);
  await restarting;
  answer = await ask(node, '/readyz');
  deepEqual(JSON.parse(answer.body), { isReady: true, stage: 'serving', hasQuorum: false });
});

function untilAnswered(node: RunningNode) {
  return until('it answers', () => ask(node, '/readyz').catch(() => undefined), {
    everyMs: 10,
  });
}

function kvorumFamilies(page: string): Set<string> {
  return new Set([...page.matchAll(/^# HELP (kvorum_\S+) \S/gm)].map(([, name]) => name as string));
}
