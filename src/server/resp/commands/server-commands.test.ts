import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { NodeId } from '../../../base/ids.ts';
import type { WriteOk } from '../../../node/store.ts';
import { shown, TestConnection } from '../test-connection.ts';
import { TEST_MEMBERS, TestStore } from '../test-store.ts';
import { KVORUM_VERSION } from './server-identity.ts';

const newClient = () => new TestConnection(new TestStore());
const textOf = (reply: unknown) => (reply as { text: string }).text;

describe('INFO', () => {
  const titles = (text: string) => [...text.matchAll(/^# (\w+)/gm)].map(([, title]) => title);

  it('has every section, by whatever name all of them go', async () => {
    const client = newClient();
    for (const line of ['INFO', 'INFO default', 'INFO ALL', 'INFO everything', 'INFO cpu all']) {
      const sections = titles(textOf(await client.run(line))).join(' ');
      const expected =
        'Server Clients Memory Persistence Stats Replication CPU Cluster Keyspace Kvorum';
      assert.equal(sections, expected, line);
    }
  });

  it('has the sections that are named, and none for an unknown name', async () => {
    const client = newClient();
    assert.deepEqual(titles(textOf(await client.run('INFO server KVORUM'))), ['Server', 'Kvorum']);
    assert.equal(textOf(await client.run('INFO nosuch')), '');
  });

  it('says what clients look for, in lines of name:value', async () => {
    const client = newClient();
    await client.run('SET bar 1');
    const text = textOf(await client.run('INFO'));
    for (const line of [
      'redis_version:7.4.0',
      'redis_mode:cluster',
      'loading:0',
      'role:master',
      'cluster_enabled:1',
      'tcp_port:7001',
      'db0:keys=1,expires=0,avg_ttl=0',
      `kvorum_version:${KVORUM_VERSION}`,
    ]) {
      assert.ok(text.includes(`\r\n${line}\r\n`), line);
    }
    for (const line of text.split('\r\n')) assert.match(line, /^(|# \w+|[a-z_0-9]+:.*)$/, line);
  });

  it('tells clients to wait while the node starts', async () => {
    const client = newClient();
    client.server.isReady = () => false;
    const text = textOf(await client.run('INFO'));
    assert.match(text, /\r\nloading:1\r\nloading_eta_seconds:1\r\n/);
  });

  it('tells the version of package.json', () => {
    const packageJson = readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8');
    assert.equal((JSON.parse(packageJson) as { version: string }).version, KVORUM_VERSION);
  });
});

describe('WAIT', () => {
  /** A client whose last write one node holds, until `settle` adds the others. */
  async function afterWrite() {
    const client = newClient();
    await client.run('SET a 1');
    const nodes: NodeId[] = [TEST_MEMBERS[0]!.id];
    let settle = () => {};
    const settled = new Promise<void>((resolve) => {
      settle = () => {
        nodes.push(TEST_MEMBERS[1]!.id, TEST_MEMBERS[2]!.id);
        resolve();
      };
    });
    const last = client.session.lastWrite as WriteOk;
    client.session.lastWrite = { ...last, receipt: { ...last.receipt, nodes, settled } };
    return { client, settle };
  }

  it('answers at once when enough nodes hold the write', async () => {
    const { client } = await afterWrite();
    assert.equal(await client.run('WAIT 0 0'), 0);
  });

  it('waits for those that are still to answer', async () => {
    const { client, settle } = await afterWrite();
    const waiting = client.run('WAIT 2 0');
    settle();
    assert.equal(await waiting, 2);
  });

  it('waits no longer than its timeout', async () => {
    const { client } = await afterWrite();
    assert.equal(await client.run('WAIT 2 5'), 0);
  });

  it('without a write counts the other nodes that are alive', async () => {
    assert.equal(await newClient().run('WAIT 1 0'), 2);
  });
});

describe('HELLO, RESET, CLIENT', () => {
  it('HELLO introduces the server in a map', async () => {
    const client = newClient();
    const reply = await client.run('HELLO 3 AUTH default whatever SETNAME me');
    assert.deepEqual((reply as { entries: unknown }).entries, [
      ['server', 'kvorum'],
      ['version', '7.4.0'],
      ['proto', 3],
      ['id', 1],
      ['mode', 'cluster'],
      ['role', 'master'],
      ['modules', []],
    ]);
    assert.equal(client.session.name, 'me');
  });

  it('HELLO that fails changes nothing', async () => {
    const client = newClient();
    for (const line of ['HELLO 3 SETNAME me FOO', 'HELLO 3 AUTH a b SETNAME me', 'HELLO 9']) {
      await client.run(line);
      assert.deepEqual([client.session.protocol, client.session.name], [2, ''], line);
    }
  });

  it('RESET goes back to the beginning, and QUIT closes', async () => {
    const client = newClient();
    for (const line of ['HELLO 3 SETNAME me', 'SELECT 1', 'CLIENT NO-EVICT ON', 'READONLY']) {
      await client.run(line);
    }
    assert.equal(shown(await client.run('RESET')), '+RESET');
    const { protocol, name, keyspace, isNoEvict, isClusterAware } = client.session;
    assert.deepEqual(
      [protocol, name, keyspace, isNoEvict, isClusterAware],
      [2, '', 0, false, true],
    );
    assert.equal(client.session.isQuitting, false);
    await client.run('QUIT');
    assert.equal(client.session.isQuitting, true);
  });

  it('CLIENT LIST shows what clients said of themselves, in one line of words', async () => {
    const client = newClient();
    const lines = ['CLIENT SETNAME me', 'CLIENT SETINFO LIB-NAME ioredis', 'SELECT 1'];
    for (const line of [...lines, 'CLIENT SETINFO lib-ver 6.0.0', 'CLIENT NO-TOUCH ON']) {
      await client.run(line);
    }
    for (const line of [
      'CLIENT LIST',
      'CLIENT INFO',
      'CLIENT LIST ID 1',
      'CLIENT LIST TYPE normal',
    ]) {
      const text = textOf(await client.run(line));
      assert.match(
        text,
        /^id=1 addr=127\.0\.0\.1:50001 laddr=127\.0\.0\.1:7001 fd=-1 name=me age=0/,
      );
      assert.match(text, / flags=T db=1 .* resp=2 lib-name=ioredis lib-ver=6\.0\.0 .*\n$/);
    }
    assert.equal(textOf(await client.run('CLIENT LIST ID 7')), '');
  });

  it('CLIENT REPLY OFF and SKIP are silent', async () => {
    const client = newClient();
    const silence = { kind: 'silence' };
    assert.deepEqual(await client.run('CLIENT REPLY SKIP'), silence);
    assert.equal(client.session.replyMode, 'skip-next');
    assert.deepEqual(await client.run('CLIENT REPLY OFF'), silence);
    assert.deepEqual(await client.run('CLIENT REPLY SKIP'), silence);
    assert.equal(client.session.replyMode, 'off');
    assert.equal(shown(await client.run('CLIENT REPLY ON')), '+OK');
  });

  it('every container has its HELP', async () => {
    const client = newClient();
    for (const container of ['CLIENT', 'COMMAND', 'CONFIG', 'CLUSTER']) {
      const lines = shown(await client.run(`${container} HELP`)) as string[];
      assert.equal(lines[0], `+${container} <subcommand> [<arg> ...]. Subcommands are:`);
      assert.equal(lines.at(-1), '+    Prints this help.');
    }
  });
});

describe('CLUSTER and keys', () => {
  it('COUNTKEYSINSLOT and GETKEYSINSLOT see one slot', async () => {
    const client = newClient();
    for (const key of ['{foo}1', '{foo}2', 'bar']) await client.run(`SET ${key} 1`);
    assert.equal(await client.run('CLUSTER COUNTKEYSINSLOT 12182'), 2);
    const keys = shown(await client.run('CLUSTER GETKEYSINSLOT 12182 10')) as string[];
    assert.deepEqual(keys.sort(), ['{foo}1', '{foo}2']);
    assert.equal(((await client.run('CLUSTER GETKEYSINSLOT 12182 1')) as unknown[]).length, 1);
    assert.equal(shown(await client.run('CLUSTER COUNTKEYSINSLOT 16384')), '-ERR Invalid slot');
  });
});
