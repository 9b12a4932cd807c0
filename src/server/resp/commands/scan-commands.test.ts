import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { KeyPosition } from '../../../node/store.ts';
import { shown, TestConnection } from '../test-connection.ts';
import { TestStore } from '../test-store.ts';
import { cursorOf, positionOf } from './scan-cursor.ts';

async function filled(count: number): Promise<TestConnection> {
  const client = new TestConnection(new TestStore());
  for (let n = 0; n < count; n++) await client.run(`SET key:${n} ${n}`);
  return client;
}

/** All keys of a scan with these options, and how many pages it took. */
async function scanned(client: TestConnection, options: string) {
  const keys: string[] = [];
  let cursor = '0';
  let pages = 0;
  do {
    const [next, page] = shown(await client.run(`SCAN ${cursor} ${options}`)) as [string, string[]];
    keys.push(...page);
    cursor = next;
    pages++;
  } while (cursor !== '0');
  return { keys: keys.sort(), pages };
}

describe('SCAN', () => {
  it('shows every key once, however it is paged', async () => {
    const client = await filled(137);
    const all = Array.from({ length: 137 }, (_, n) => `key:${n}`).sort();
    for (const count of [1, 7, 10, 136, 137, 138, 1e15]) {
      assert.deepEqual((await scanned(client, `COUNT ${count}`)).keys, all, `COUNT ${count}`);
    }
    assert.equal((await scanned(client, '')).pages, 14);
  });

  it('shows what fits MATCH and TYPE', async () => {
    const client = await filled(20);
    const tens = Array.from({ length: 10 }, (_, n) => `key:${n + 10}`);
    assert.deepEqual((await scanned(client, 'MATCH key:1? TYPE string')).keys, tens);
    assert.deepEqual(await scanned(client, 'TYPE hash'), { keys: [], pages: 1 });
  });

  it('looks into one slot only for a pattern with a hash tag', async () => {
    const client = await filled(200);
    for (const n of [1, 2, 3]) await client.run(`SET {tag}:${n} ${n}`);
    const { keys, pages } = await scanned(client, 'MATCH {tag}:* COUNT 5');
    assert.deepEqual(keys, ['{tag}:1', '{tag}:2', '{tag}:3']);
    assert.equal(pages, 1);
    assert.equal((await scanned(client, 'MATCH {tag*}:* COUNT 500')).keys.length, 3);
    assert.equal((await scanned(client, 'MATCH *{tag}:* COUNT 500')).keys.length, 3);
  });
});

describe('KEYS, DBSIZE, FLUSHDB, FLUSHALL', () => {
  it('see all pages', async () => {
    const client = await filled(2100);
    assert.equal(((await client.run('KEYS *')) as unknown[]).length, 2100);
    assert.deepEqual(shown(await client.run('KEYS key:2099')), ['key:2099']);
    assert.equal(await client.run('DBSIZE'), 2100);
    assert.equal(shown(await client.run('FLUSHDB')), '+OK');
    assert.equal(await client.run('DBSIZE'), 0);
  });

  it('FLUSHDB empties its keyspace, FLUSHALL every one', async () => {
    const client = await filled(3);
    for (const line of ['SELECT 1', 'SET a 1', 'FLUSHDB', 'SET b 1', 'SELECT 0']) {
      await client.run(line);
    }
    assert.equal(await client.run('DBSIZE'), 3);
    await client.run('FLUSHALL');
    assert.equal(await client.run('DBSIZE'), 0);
    await client.run('SELECT 1');
    assert.equal(await client.run('DBSIZE'), 0);
  });

  it('FLUSHDB deletes key by key while a node is away', async () => {
    const client = await filled(3);
    (client.store as TestStore).isWhole = false;
    assert.equal(shown(await client.run('FLUSHDB')), '+OK');
    assert.equal(await client.run('DBSIZE'), 0);
  });

  it('a flush that cannot go on says how far it came', async () => {
    const client = await filled(3);
    (client.store as TestStore).isWhole = false;
    (client.store as TestStore).nextWrites = [{ kind: 'indeterminate', needed: 2, got: 1 }];
    const reply = String(shown(await client.run('FLUSHDB')));
    assert.match(reply, /^-NOREPLICAS Not enough good replicas.*2 keys are deleted; safe to retry/);
  });
});

describe('the cursor', () => {
  it('leads back to its place, and fits 64 bits', () => {
    const slot = fc.integer({ min: 0, max: 16_383 });
    const hash = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    fc.assert(
      fc.property(slot, hash, (s, h) => {
        const position = { slot: s, hash: h } as KeyPosition;
        const cursor = cursorOf(position);
        assert.ok(BigInt(cursor) > 0n && BigInt(cursor) < 2n ** 64n);
        assert.deepEqual(positionOf(Buffer.from(cursor)), position);
      }),
    );
  });

  it('begins and ends with 0', () => {
    assert.equal(cursorOf(undefined), '0');
    assert.deepEqual(positionOf(Buffer.from('0')), { slot: 0, hash: 0 });
  });

  it('is refused when it is none of ours', () => {
    for (const text of ['', 'a', '-1', '1.5', '0x10', '70368744177665', '9'.repeat(21)]) {
      assert.equal(positionOf(Buffer.from(text)), undefined, text);
    }
    assert.deepEqual(positionOf(Buffer.from('70368744177664')), {
      slot: 16_383,
      hash: 2 ** 32 - 1,
    });
  });
});
