import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DEFAULT_KEYSPACE } from '../../../../replication/keyspace.ts';
import type { Reply } from '../../reply.ts';
import { shown, TestConnection } from '../../test-connection.ts';
import { TestStore } from '../../test-store.ts';

describe('KV.GET, KV.PUT, KV.DEL', () => {
  it('refuse what they do not understand, and write nothing', async () => {
    const client = new TestConnection(new TestStore());
    const cases = [
      ['KV.GET a W 1', /^-ERR unknown option 'W', there are R, AFTER \[BAD_OPTION\]$/],
      ['KV.PUT a x IF maybe', /^-ERR IF is absent, present or unchanged/],
      ['KV.GET a R', /^-ERR syntax error$/],
      ['KV.GET a R 1 r 2', /^-ERR syntax error$/],
      [
        'KV.GET a R 0',
        /^-ERR R is a whole number from 1 to 255, or one, quorum, .*, all \[BAD_OPTION\]$/,
      ],
      ['KV.PUT a x TTL -1', /^-ERR TTL is a whole number from 1 to /],
      ['KV.PUT a x TTL 1.5', /^-ERR TTL is a whole number from 1 to /],
      ['KV.PUT a x W many', /^-ERR W is a whole number from 1 to 255, or one, .* \[BAD_OPTION\]$/],
      ['KV.PUT a x W local', /^-ERR W is a whole number from 1 to 255, or one, .* \[BAD_OPTION\]$/],
      ['KV.PUT a x R 1', /^-ERR unknown option 'R', there are CONTEXT, IF, W, TTL \[BAD_OPTION\]$/],
      ['KV.DEL a TTL 5', /^-ERR unknown option 'TTL', there are CONTEXT, IF, W \[BAD_OPTION\]$/],
    ] as const;
    for (const [line, reply] of cases) {
      assert.match(String(shown(await client.run(line))), reply, line);
    }
    assert.match(String(shown(await client.run('KV.PUT a x CONTEXT junk'))), /\[BAD_CONTEXT\]$/);
    assert.equal(shown(await client.run('EXISTS a')), 0);
  });

  it('say what became of siblings; who has one place for them is told of more', async () => {
    const store = new TestStore();
    const client = new TestConnection(store);
    await client.run('SET k x');
    const read = await store.get({ keyspace: DEFAULT_KEYSPACE.number, key: Buffer.from('k') });
    assert.ok(read.kind === 'found');
    store.nextRead = { ...read, merge: { kind: 'merged', siblingsCount: 3 } };
    assert.equal(fields(await client.run('KV.GET k'))['merged-from'], 3);
    assert.equal(shown(await client.run('GET k')), 'x');
    const values = [...read.values, ...read.values];
    store.nextRead = { ...read, values, merge: { kind: 'unmerged', why: 'no\r\nmilk' } };
    const all = fields(await client.run('KV.GET k'));
    assert.deepEqual([all.values, all['merge-failed']], [['x', 'x'], 'no\r\nmilk']);
    for (const line of ['GET k', 'MGET k', 'STRLEN k']) {
      assert.match(String(shown(await client.run(line))), /^-ERR .*no.*milk.*\[MERGE_FAILED\]$/s);
    }
  });

  it('say the same as GET, SET and DEL, and more', async () => {
    const store = new TestStore();
    const client = new TestConnection(store);
    const ask = async (line: string) => fields(await client.run(line));
    const context = 'AQAA_oOzJQ';
    const nodes = ['n1', 'n2', 'n3'];
    const places = { 'data-centers': { kind: 'map', entries: [['d1', 3]] } };
    const receipt = { context, nodes, fallbacks: [], durability: 'fsync', epoch: 1, ...places };
    assert.deepEqual(await ask('kv.get a'), { values: [], expiries: [], ...receipt });
    assert.deepEqual(await ask('kv.put a 1'), { applied: 1, ...receipt });
    assert.deepEqual(await ask('KV.PUT a 2 if ABSENT'), { applied: 0 });
    await client.run('KV.PUT b 2 ttl 50');
    const expiries = [store.nowMs + 50];
    assert.deepEqual(await ask('KV.GET b R 1'), { values: ['2'], expiries, ...receipt });
    assert.deepEqual(await ask('KV.DEL a'), { applied: 1, ...receipt });
    assert.deepEqual(await ask('KV.DEL a'), { applied: 0 });
  });
});

function fields(reply: Reply): Record<string, unknown> {
  assert.ok(typeof reply === 'object' && reply !== null && 'kind' in reply && reply.kind === 'map');
  return Object.fromEntries(reply.entries.map(([name, value]) => [name, shown(value)]));
}
