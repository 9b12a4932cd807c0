// Every line of testdata/ to redis-server and to our commands: the replies are equal byte for
// byte, in RESP2, except where a line is listed with the reply that we give on purpose.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, it } from 'node:test';
import { splitInlineWords } from '../inline-words.ts';
import { RespWriter } from '../resp-writer.ts';
import { TestConnection } from '../test-connection.ts';
import { TestStore } from '../test-store.ts';
import { TestRedisServer } from './test-redis-server.ts';

const TRANSCRIPTS = new URL('testdata/', import.meta.url);

/** What we answer otherwise than Redis, and why. */
const DIFFERENCES: Readonly<Record<string, string>> = {
  // Redis repeats a name without wildcards as it was typed; we answer the parameter's own name.
  'CONFIG GET MaxMemory': '*2\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n',
  // A cursor beyond the last slot is none of ours; Redis takes any number of 64 bits.
  'SCAN 18446744073709551615': '-ERR invalid cursor\r\n',
  // Redis reads a sign, too, by strtoul.
  'SCAN -1': '-ERR invalid cursor\r\n',
  // Our hint stands after the standard text.
  // A keyspace has a name, too.
  'SELECT a':
    '-ERR there is no keyspace "a" (There are: default (0), second (1).) [NO_SUCH_KEYSPACE]\r\n',
  'SELECT 99': '-ERR DB index is out of range (keyspaces here: 0 default, 1 second)\r\n',
  // Keys of the year 292,277,026 expire in the year 287,396 instead: 53 bits of milliseconds.
  'PEXPIRETIME far': `:${Number.MAX_SAFE_INTEGER}\r\n`,
  // Not in 7.0.15: from Redis 7.2.
  'CLIENT NO-TOUCH on': '+OK\r\n',
  'CLIENT SETINFO LIB-NAME ioredis': '+OK\r\n',
  'CLIENT SETINFO lib-ver "1 2"':
    '-ERR lib-ver cannot contain spaces, newlines or special characters.\r\n',
  'CLIENT SETINFO foo bar': "-ERR Unrecognized option 'foo'\r\n",
  // Nothing to track: clients that try fall back.
  'CLIENT TRACKING ON': "-ERR unknown subcommand 'TRACKING'. Try CLIENT HELP.\r\n",
  // Redis runs without a cluster in this test.
  READONLY: '+OK\r\n',
  READWRITE: '+OK\r\n',
  ASKING: '+OK\r\n',
  'CLUSTER KEYSLOT foo': ':12182\r\n',
  'CLUSTER KEYSLOT {foo}bar': ':12182\r\n',
  // Two other nodes hold the last write.
  'WAIT 0 0': ':2\r\n',
  'CONFIG GET appendonly': '*2\r\n$10\r\nappendonly\r\n$3\r\nyes\r\n',
};

let redis: TestRedisServer | undefined;
before(async () => {
  redis = await TestRedisServer.start();
});
after(() => redis?.stop());

for (const name of readdirSync(TRANSCRIPTS)) {
  it(`${name}: replies equal redis-server's`, async (test) => {
    if (redis === undefined) return test.skip('redis-server is not installed');
    await redis.ask([Buffer.from('RESET')]);
    await redis.ask([Buffer.from('FLUSHALL')]);
    const client = new TestConnection(new TestStore());
    let compared = 0;
    const different: Record<string, string> = {};
    for (const line of readFileSync(new URL(name, TRANSCRIPTS), 'utf8').trimEnd().split('\n')) {
      const words = splitInlineWords(Buffer.from(line, 'latin1')) ?? [];
      const writer = new RespWriter();
      writer.write(await client.runWords(words));
      compared++;
      const ours = writer.take().toString('latin1');
      const theirs = (await redis.ask(words)).toString('latin1');
      const expected = DIFFERENCES[line] ?? theirs;
      if (ours !== expected)
        different[line] = `ours ${JSON.stringify(ours)}, redis ${JSON.stringify(theirs)}`;
    }
    test.diagnostic(`${compared} replies`);
    assert.deepEqual(different, {});
  });
}
