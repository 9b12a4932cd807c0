import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isBarrier, isPlainWrite, keysOf } from './command-keys.ts';
import { findCommand } from './command-table.ts';
import type { Redirect } from './server-info.ts';
import { shown, TestConnection } from './test-connection.ts';
import { TEST_MEMBERS, TestStore } from './test-store.ts';

// foo: slot 12182, of the third node. bar: slot 5061, of the first, which is this one.
const MOVED = '-MOVED 12182 127.0.0.1:7003';

function connection(redirect: Redirect): TestConnection {
  const client = new TestConnection(new TestStore());
  client.server.redirect = redirect;
  return client;
}

async function transcript(client: TestConnection, lines: readonly (readonly [string, unknown])[]) {
  for (const [line, reply] of lines) {
    assert.deepEqual(shown(await client.run(line)), reply, line);
  }
}

describe('a key of another node', () => {
  it('is forwarded for a client that never asked for the map', async () => {
    await transcript(connection('auto'), [
      ['GET foo', null],
      ['SET foo 1', '+OK'],
    ]);
  });

  for (const hint of ['CLUSTER SLOTS', 'CLUSTER SHARDS', 'CLUSTER NODES', 'READONLY', 'ASKING']) {
    it(`is MOVED once per slot and target after ${hint}`, async () => {
      const client = connection('auto');
      await client.run(hint);
      await transcript(client, [
        ['GET bar', null],
        ['GET foo', MOVED],
        ['GET foo', null],
        ['SET {foo}2 1', '+OK'],
        ['MGET foo bar', [null, null]],
        ['PING', '+PONG'],
      ]);
      const store = client.store as TestStore;
      store.owners = store.owners.map((range) => ({ ...range, owner: TEST_MEMBERS[1]!.id }));
      await transcript(client, [
        ['MGET foo {foo}2', '-MOVED 12182 127.0.0.1:7002'],
        ['GET foo', null],
      ]);
      assert.equal(client.server.counters.moved, 2);
    });
  }

  it("is always MOVED where the redirect is 'moved', and never across slots", async () => {
    await transcript(connection('moved'), [
      ['GET foo', MOVED],
      ['GET foo', MOVED],
      ['GET bar', null],
      ['MGET foo bar', "-CROSSSLOT Keys in request don't hash to the same slot"],
    ]);
  });

  it("is never MOVED where the redirect is 'forward'", async () => {
    await transcript(connection('forward'), [
      ['READONLY', '+OK'],
      ['GET foo', null],
    ]);
  });
});

describe('limits', () => {
  const cases: readonly (readonly [line: string, reply: RegExp])[] = [
    ['GET 12345', /^-ERR key is longer than 4 bytes \(it has 5;.*\) \[KEY_TOO_LONG\]$/],
    ['DEL 1 2 12345', /^-ERR key is longer than 4 bytes/],
    ['MSET 1 1 12345 1', /^-ERR key is longer than 4 bytes/],
    ['SET 1 123456789', /^-ERR value is larger than 8 bytes \(it has 9;.*\) \[VALUE_TOO_LARGE\]$/],
    ['MSET 1 1 2 123456789', /^-ERR value is larger than 8 bytes/],
    ['SET 1234 12345678', /^\+OK$/],
    ['ECHO 123456789', /^123456789$/],
  ];
  for (const [line, reply] of cases) {
    it(`${line} answers ${reply}`, async () => {
      const client = connection('auto');
      client.server.limits = { ...client.server.limits, keyBytesMax: 4, valueBytesMax: 8 };
      assert.match(String(shown(await client.run(line))), reply);
    });
  }
});

describe('what a command does to the order of others', () => {
  const cases: readonly (readonly [line: string, keys: string, isPlainWrite: boolean])[] = [
    ['GET a', 'a', false],
    ['SET a 1', 'a', true],
    ['SET a 1 EX 10', 'a', true],
    ['set a 1 pxat 10', 'a', true],
    ['SET a 1 NX', 'a', false],
    ['SET a 1 KEEPTTL', 'a', false],
    ['SET a 1 EX 10 NX', 'a', false],
    ['SET a 1 GET', 'a', false],
    ['MSET a 1 b 2', 'a b', true],
    ['DEL a b a', 'a b a', false],
    ['EXPIRE a 10', 'a', false],
    ['PING a', '', false],
  ];
  for (const [line, keys, plain] of cases) {
    it(`${line}: keys "${keys}"${plain ? ', a plain write' : ''}`, () => {
      const args = line.split(' ').map((word) => Buffer.from(word));
      const found = findCommand(args);
      assert.ok(found.kind === 'command');
      assert.equal(keysOf(found.command, args).join(' '), keys);
      assert.equal(isPlainWrite(found.command, args), plain);
      assert.equal(isBarrier(found.command), false);
    });
  }

  it('SCAN, KEYS, DBSIZE, FLUSHDB, FLUSHALL, WAIT are barriers', () => {
    for (const name of ['SCAN', 'keys', 'DBSIZE', 'FLUSHDB', 'FLUSHALL', 'WAIT']) {
      const found = findCommand([Buffer.from(name)]);
      assert.ok(found.kind === 'command' && isBarrier(found.command), name);
    }
  });
});

it('a SELECT behind a command does not change the keyspace of the command', async () => {
  const client = connection('auto');
  await client.run('SET a 1');
  const expired = client.run('EXPIRE a 10 NX');
  await client.run('SELECT 1');
  assert.equal(await expired, 1);
  await client.run('SELECT 0');
  assert.equal(await client.run('TTL a'), 10);
});
