import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimWorld } from '../../../sim/sim-host.ts';
import { TestGate } from './test-store.ts';
import { type Waiter, WaitingLine } from './waiting-line.ts';

/** A gate with so many places; whoever goes on takes one, or joins again. */
function scene() {
  const world = new SimWorld(1);
  const { clock } = world.node('n1').boot();
  const gate = new TestGate();
  gate.isShut = true;
  const line = new WaitingLine({ gate }, clock);
  const wentOn: string[] = [];
  let places = 0;
  const join = (name: string, waitsTo: Waiter['waitsTo'] = 'write', sinceMs?: number) => {
    const fromMs = sinceMs ?? clock.monotonicMs();
    const waiter: Waiter = {
      waitsTo,
      isOverdue: (nowMs) => nowMs - fromMs >= 200,
      goOn: () => {
        wentOn.push(name);
        places -= 1;
        gate.isShut = places <= 0;
      },
    };
    line.join(waiter);
    return waiter;
  };
  const free = async (count: number) => {
    places = count;
    gate.open();
    await world.runFor(1);
  };
  return { world, gate, line, join, free, wentOn, clock };
}

test('first come, first served, as far as places reach', async () => {
  const { line, join, free, wentOn } = scene();
  for (const name of ['a', 'b', 'c']) join(name);
  assert.deepEqual(wentOn, []);
  assert.equal(line.size, 3);
  await free(2);
  assert.deepEqual(wentOn, ['a', 'b']);
  await free(2);
  assert.deepEqual(wentOn, ['a', 'b', 'c']);
  assert.equal(line.size, 0);
});

test('a write passes a read for which all places are taken', async () => {
  const { gate, join, free, wentOn } = scene();
  join('read', 'read');
  join('write');
  gate.isFull = (kind) => gate.isShut || kind === 'read';
  await free(1);
  assert.deepEqual(wentOn, ['write']);
});

test('who left is not called', async () => {
  const { line, join, free, wentOn } = scene();
  const first = join('a');
  join('b');
  line.leave(first);
  await free(5);
  assert.deepEqual(wentOn, ['b']);
});

test('who has waited for too long goes on without a place', async () => {
  const { world, join, wentOn, clock } = scene();
  join('old', 'write', clock.monotonicMs() - 150);
  join('new');
  await world.runFor(100);
  assert.deepEqual(wentOn, ['old']);
  await world.runFor(150);
  assert.deepEqual(wentOn, ['old', 'new']);
});
