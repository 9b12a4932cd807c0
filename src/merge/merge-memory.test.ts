import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import type { GuestMerge } from './guest-modules.ts';
import { MergeMemory } from './merge-memory.ts';

const MERGED: GuestMerge = { kind: 'merged', value: Buffer.from('ab') };
const FAILED: GuestMerge = { kind: 'failed', why: 'no milk' };
const UNBEGUN: GuestMerge = { kind: 'unbegun', why: 'others' };

test('who asks while it is made gets the same; then it is known for ever', async () => {
  const memory = new MergeMemory();
  const making = memory.keep('1:1 2:1', Promise.resolve(MERGED), () => 0);
  deepEqual(await memory.recall('1:1 2:1', 0), MERGED);
  await making;
  equal(memory.recall('1:1 2:1', 1e12), MERGED);
  equal(memory.recall('1:1', 0), undefined);
});

test('a failure is known for seconds, and what was not begun never', async () => {
  const memory = new MergeMemory();
  await memory.keep('a', Promise.resolve(FAILED), () => 1_000);
  equal(memory.recall('a', 5_999), FAILED);
  equal(memory.recall('a', 6_000), undefined);
  await memory.keep('b', Promise.resolve(UNBEGUN), () => 0);
  equal(memory.recall('b', 0), undefined);
});

test('it keeps some megabytes: what was made longest ago goes first', async () => {
  const memory = new MergeMemory();
  const large: GuestMerge = { kind: 'merged', value: Buffer.alloc(3 * 1024 * 1024) };
  for (const name of ['a', 'b', 'c']) await memory.keep(name, Promise.resolve(large), () => 0);
  equal(memory.recall('a', 0), undefined);
  ok(memory.recall('b', 0) === large && memory.recall('c', 0) === large);
  for (let n = 0; n < 5_000; n++) await memory.keep(`${n}`, Promise.resolve(FAILED), () => 0);
  equal(memory.recall('c', 0), undefined);
  equal(memory.recall('4999', 0), FAILED);
});
