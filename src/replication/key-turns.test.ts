import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KeyspaceNumber, Slot } from '../base/ids.ts';
import { KeyTurns } from './key-turns.ts';
import type { KeyAt } from './messages.ts';

const [A, B] = ['a', 'b'].map((key) => {
  return { keyspace: 0 as KeyspaceNumber, slot: 0 as Slot, key: Buffer.from(key) };
}) as [KeyAt, KeyAt];

test('a turn that needs no disk runs at once', () => {
  assert.equal(
    new KeyTurns().take(A, () => 7),
    7,
  );
});

test('turns of one key follow each other, turns of another key do not wait', async () => {
  const turns = new KeyTurns();
  const log: string[] = [];
  let read: () => void = () => {};
  const disk = new Promise<void>((resolve) => {
    read = resolve;
  });
  const first = turns.take(A, () => disk.then(() => log.push('a1')));
  const second = turns.take(A, () => log.push('a2'));
  turns.take(B, () => log.push('b'));
  assert.deepEqual(log, ['b']);
  read();
  await Promise.all([first, second]);
  assert.deepEqual(log, ['b', 'a1', 'a2']);
});

test('a turn that fails does not stop the ones behind it', async () => {
  const turns = new KeyTurns();
  const failed = turns.take(A, () => Promise.reject(new Error('disk')));
  const next = turns.take(A, () => 'done');
  await assert.rejects(async () => failed, /disk/);
  assert.equal(await next, 'done');
});
