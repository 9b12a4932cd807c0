import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Liveness, SILENCE_MS_MAX } from './liveness.ts';

test('nobody is alive before the first message', () => {
  assert.equal(new Liveness().isAlive(1, 0), false);
});

test('heard → alive → silent for too long → not alive → heard → alive', () => {
  const liveness = new Liveness();
  assert.equal(liveness.heard(1, 100), true);
  assert.equal(liveness.heard(1, 200), false);
  assert.equal(liveness.isAlive(1, 200 + SILENCE_MS_MAX), true);
  assert.equal(liveness.isAlive(1, 201 + SILENCE_MS_MAX), false);
  assert.equal(liveness.heard(1, 9_000), true);
});

test('a broken connection counts at once, and only once', () => {
  const liveness = new Liveness();
  liveness.heard(1, 100);
  assert.equal(liveness.lost(1, 101), true);
  assert.equal(liveness.lost(1, 102), false);
  assert.equal(liveness.isAlive(1, 102), false);
});

test('after a pause of its own the node judges nobody for it', () => {
  const liveness = new Liveness();
  liveness.awake(0);
  liveness.heard(1, 100);
  liveness.awake(10_000);
  assert.equal(liveness.isAlive(1, 10_000), true);
  liveness.awake(10_500);
  assert.equal(liveness.isAlive(1, 10_100 + SILENCE_MS_MAX + 1), false);
});
