// What a client is put through, whichever it is: every answer is compared with what Redis says.

import { deepEqual, equal, ok } from 'node:assert/strict';
import type { ConnectedClient, Words } from './client-kinds.ts';

const KEYS = 100;
const PIPELINE_COMMANDS = 1_000;
const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
/** The largest value that a node takes. */
const BIG_BYTES = 1024 * 1024;

/** `prefix`: of keys that nobody else uses. */
export async function exercise(client: ConnectedClient, prefix: string): Promise<void> {
  await keysAndValues(client, prefix);
  await expiry(client, prefix);
  await inOrder(client, prefix);
  await anyBytes(client, prefix);
}

async function keysAndValues(client: ConnectedClient, prefix: string): Promise<void> {
  const keys = Array.from({ length: KEYS }, (_, i) => `${prefix}:k${i}`);
  await Promise.all(keys.map(async (key) => equal(await client.set(key, `${key}=1`), 'OK')));
  await Promise.all(keys.map(async (key) => equal(await client.get(key), `${key}=1`)));
  equal(await client.get(`${prefix}:missing`), null);

  const asked = [...keys.slice(0, 20), `${prefix}:missing`];
  deepEqual(await client.mget(asked), [...keys.slice(0, 20).map((key) => `${key}=1`), null]);

  const found = new Set(await client.scan(`${prefix}:k*`));
  deepEqual([...found].sort(), keys.toSorted());

  equal(await client.del(keys[0] as string, keys[1] as string, `${prefix}:missing`), 2);
  equal(await client.del(keys[0] as string), 0);
  equal(await client.get(keys[1] as string), null);
}

async function expiry(client: ConnectedClient, prefix: string): Promise<void> {
  const key = `${prefix}:expiry`;
  equal(await client.ttl(key), -2);
  equal(await client.expire(key, 100), 0);
  await client.set(key, 'x');
  equal(await client.ttl(key), -1);
  equal(await client.expire(key, 1_000), 1);
  const left = await client.ttl(key);
  ok(left > 0 && left <= 1_000, `ttl ${left}`);
  equal(await client.expire(key, 0), 1);
  equal(await client.get(key), null);
}

/** A thousand commands that depend on each other, sent at once. */
async function inOrder(client: ConnectedClient, prefix: string): Promise<void> {
  const commands: Words[] = [];
  const expected: unknown[] = [];
  const add = (reply: unknown, ...words: Words) => {
    commands.push(words);
    expected.push(reply);
  };
  for (let i = 0; commands.length < PIPELINE_COMMANDS; i++) {
    const key = `{${prefix}}:p${i % 7}`;
    add('OK', 'SET', key, `a${i}`);
    add(`a${i}`, 'GET', key);
    add(`a${i}`, 'SET', key, `b${i}`, 'GET');
    add([`b${i}`, null], 'MGET', key, `{${prefix}}:none`);
    add(1, 'EXPIRE', key, '1000');
    add(1, 'PERSIST', key);
    add(-1, 'TTL', key);
    add(1, 'EXISTS', key);
    add(1, 'DEL', key);
    add(null, 'GET', key);
  }
  deepEqual(await client.pipeline(commands), expected);
}

async function anyBytes(client: ConnectedClient, prefix: string): Promise<void> {
  const key = Buffer.concat([Buffer.from(`${prefix}:`), ALL_BYTES]);
  equal(await client.getBytes(key), null);
  await client.set(key, ALL_BYTES);
  deepEqual(await client.getBytes(key), ALL_BYTES);
  const big = Buffer.alloc(BIG_BYTES, ALL_BYTES);
  await client.set(key, big);
  ok((await client.getBytes(key))?.equals(big));
  await client.set(key, '');
  deepEqual(await client.getBytes(key), Buffer.alloc(0));
}
