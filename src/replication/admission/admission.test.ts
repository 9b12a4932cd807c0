import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimWorld } from '../../../sim/sim-host.ts';
import { hasCode } from '../../base/errors.ts';
import { Admission, type RequestClass } from './admission.ts';

const MIB = 1024 * 1024;

function admission() {
  const world = new SimWorld(1);
  return { world, admission: new Admission(world.node('n1').boot().clock) };
}

function isRefused(admission: Admission, kind: RequestClass, bytes = 0): boolean {
  try {
    admission.enter(kind, bytes);
  } catch (error) {
    assert.ok(hasCode(error, 'OVERLOADED'), String(error));
    return true;
  }
  admission.leave(bytes);
  return false;
}

/** With so many under way, who is refused of those that cannot wait. */
const FILLS: readonly (readonly [underWay: number, refused: readonly RequestClass[]])[] = [
  [0, []],
  [614, []],
  [615, ['scan']],
  [717, ['scan', 'comparison']],
  [820, ['scan', 'comparison', 'read']],
  [1_024, ['scan', 'comparison', 'read', 'write']],
];

for (const [underWay, refused] of FILLS) {
  test(`with ${underWay} under way these are refused: ${refused.join(', ') || 'none'}`, () => {
    const { admission: door } = admission();
    for (let i = 0; i < underWay; i++) door.enter('write', 0);
    const all: readonly RequestClass[] = ['scan', 'comparison', 'read', 'write'];
    assert.deepEqual(
      all.filter((kind) => isRefused(door, kind)),
      refused,
    );
    for (let i = 0; i < underWay; i++) door.leave(0);
    assert.equal(door.underWay, 0);
  });
}

test('values on their way to replicas are bounded by their bytes', () => {
  const { admission: door } = admission();
  for (let i = 0; i < 64; i++) door.enter('write', MIB);
  assert.ok(isRefused(door, 'write', 1));
  assert.ok(!isRefused(door, 'read'));
  door.leave(MIB);
  assert.ok(!isRefused(door, 'write', MIB));
});

test('a place is given back however the work ends', async () => {
  const { admission: door } = admission();
  assert.equal(
    door.run('scan', 0, () => 7),
    7,
  );
  assert.throws(() => door.run('scan', 0, () => assert.fail('at once')));
  await assert.rejects(async () => door.run('scan', 0, () => Promise.reject(new Error('later'))));
  assert.equal(await door.run('scan', 0, async () => 8), 8);
  assert.equal(door.underWay, 0);
});

test('what nobody waits for rests for a second after a refusal', async () => {
  const { world, admission: door } = admission();
  assert.ok(!door.isBusy);
  for (let i = 0; i < 1_024; i++) door.enter('write', 0);
  assert.ok(isRefused(door, 'write'));
  assert.ok(door.isBusy);
  await world.runFor(1_001);
  assert.ok(!door.isBusy);
});

test('those who can wait do from half of that on, reads before writes', () => {
  const { admission: door } = admission();
  const steps = [
    [409, [false, false]],
    [1, [true, false]],
    [101, [true, false]],
    [1, [true, true]],
  ] as const;
  for (const [more, expected] of steps) {
    for (let i = 0; i < more; i++) door.enter('write', 0);
    assert.deepEqual([door.isFull('read'), door.isFull('write')], expected, `${door.underWay}`);
    for (const kind of ['read', 'write'] as const) {
      assert.equal(door.refusal(kind)?.code === 'OVERLOADED', door.isFull(kind));
    }
  }
  assert.deepEqual([door.refused.read, door.refused.write], [3, 1]);
});

test('who waits hears once that a place is free', () => {
  const { admission: door } = admission();
  let calls = 0;
  for (let i = 0; i < 600; i++) door.enter('write', 0);
  door.whenFree(() => assert.fail('somebody else asked after him'));
  door.whenFree(() => {
    calls += 1;
  });
  for (let i = 0; i < 88; i++) door.leave(0);
  assert.equal(calls, 0);
  for (let i = 0; i < 10; i++) door.leave(0);
  assert.equal(calls, 1);
});
