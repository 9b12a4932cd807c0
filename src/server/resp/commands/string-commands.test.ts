import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shown, TestConnection } from '../test-connection.ts';
import { TestStore } from '../test-store.ts';

describe('GET, SET, MGET, MSET', () => {
  const transcript: readonly (readonly [line: string, reply: unknown])[] = [
    ['GET a', null],
    ['SET a 1', '+OK'],
    ['get a', '1'],
    ['SET a 2 NX', null],
    ['SET a 2 XX GET', '1'],
    ['SET a 3 NX GET', '2'],
    ['SET b 1 XX', null],
    ['SET b 1 GET', null],
    ['MSET c 1 d 2 c 3', '+OK'],
    ['MGET c nosuch d c', ['3', null, '2', '3']],
    ['DEL c c d', 2],
    ['EXISTS a a b c', 3],
    ['SET a 1 EX 0', "-ERR invalid expire time in 'set' command"],
    ['SET a 1 EX x', '-ERR value is not an integer or out of range'],
    ['SET a 1 EX 10 PX 10', '-ERR syntax error'],
    ['SET a 1 EX 10 KEEPTTL', '-ERR syntax error'],
    ['SET a 1 NX XX', '-ERR syntax error'],
    ['SET a 1 EX', '-ERR syntax error'],
    ['SET a 1 EXAT 1', '+OK'],
    ['GET a', null],
    ['TYPE b', '+string'],
    ['TYPE a', '+none'],
  ];
  it('answer a client in turn', async () => {
    const client = new TestConnection(new TestStore());
    for (const [line, reply] of transcript) {
      assert.deepEqual(shown(await client.run(line)), reply, line);
    }
  });

  it('count hits and misses', async () => {
    const client = new TestConnection(new TestStore());
    for (const line of ['SET a 1', 'GET a', 'GET b', 'MGET a b c']) await client.run(line);
    assert.equal(client.server.counters.keyspaceHits, 2);
    assert.equal(client.server.counters.keyspaceMisses, 3);
  });
});

describe('a write that too few nodes took', () => {
  const ordered = [
    ['not-applied', /^-NOREPLICAS Not enough good replicas to write\. \(W=2, 1 reachable;/],
    ['indeterminate', /^-ERR indeterminate: .*\(W=2, 1 confirmed in time\) \[INDETERMINATE\]$/],
  ] as const;
  for (const [kind, text] of ordered) {
    it(`says ${kind} in a word that clients understand`, async () => {
      const store = new TestStore();
      const client = new TestConnection(store);
      for (const line of ['SET a 1', 'SET a 1 NX', 'DEL a', 'MSET a 1']) {
        store.nextWrites = [{ kind, needed: 2, got: 1 }];
        assert.match(String(shown(await client.run(line))), text, line);
      }
    });
  }

  it('says what is wrong with the disk, when that is why', async () => {
    const store = new TestStore();
    const why = { code: 'DISK_FULL', message: '1.9 GB are free' } as const;
    store.nextWrites = [{ kind: 'not-applied', needed: 1, got: 0, why }];
    const reply = shown(await new TestConnection(store).run('SET a 1'));
    const text = 'MISCONF Errors writing to the disk. 1.9 GB are free [DISK_FULL]';
    assert.equal(String(reply), `-${text}`);
  });

  it('never says that nothing was written when a part of MSET was', async () => {
    const store = new TestStore();
    store.nextWrites = [{ kind: 'not-applied', needed: 2, got: 1 }];
    const reply = shown(await new TestConnection(store).run('MSET a 1 b 2'));
    assert.match(String(reply), /^-ERR indeterminate: some keys .*1 of 2 keys/);
  });
});

it('a read without enough answers is CLUSTERDOWN, for every key of MGET', async () => {
  const store = new TestStore();
  store.nextRead = { kind: 'no-answer', needed: 2, got: 1 };
  for (const line of ['GET a', 'MGET a b', 'EXISTS a', 'TYPE a']) {
    const reply = shown(await new TestConnection(store).run(line));
    assert.match(String(reply), /^-CLUSTERDOWN Hash slot not served\. \(R=2, 1 answered/, line);
  }
});
