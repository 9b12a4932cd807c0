import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyTurns } from './key-turns.ts';

test('a turn that needs no disk runs at once', () => {
  assert.equal(
    new KeyTurns().take('k', () => 7),
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
  const first = turns.take('a', () => disk.then(() => log.push('a1')));
  const second = turns.take('a', () => log.push('a2'));
  turns.take('b', () => log.push('b'));
  assert.deepEqual(log, ['b']);
  read();
  await Promise.all([first, second]);
  assert.deepEqual(log, ['b', 'a1', 'a2']);
});

test('a turn that fails does not stop the ones behind it', async () => {
  const turns = new KeyTurns();
  const failed = turns.take('a', () => Promise.reject(new Error('disk')));
  const next = turns.take('a', () => 'done');
  await assert.rejects(async () => failed, /disk/);
  assert.equal(await next, 'done');
});
