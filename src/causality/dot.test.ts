import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  actorOf,
  compareDots,
  INCARNATION_MAX,
  incarnationOf,
  isSameDot,
  NODE_NUMBER_MAX,
  nodeNumberOf,
} from './dot.ts';

test('an actor is a safe integer that holds node number and incarnation', () => {
  const numbers = fc.oneof(fc.nat(NODE_NUMBER_MAX), fc.constant(NODE_NUMBER_MAX));
  const incarnations = fc.oneof(fc.nat(INCARNATION_MAX), fc.constant(INCARNATION_MAX));
  fc.assert(
    fc.property(numbers, incarnations, (nodeNumber, incarnation) => {
      const actor = actorOf(nodeNumber, incarnation);
      assert.ok(Number.isSafeInteger(actor));
      assert.equal(nodeNumberOf(actor), nodeNumber);
      assert.equal(incarnationOf(actor), incarnation);
    }),
  );
});

test('dots sort by node, then incarnation, then counter', () => {
  const sorted = [
    { actor: actorOf(1, INCARNATION_MAX), counter: 9 },
    { actor: actorOf(2, 1), counter: 5 },
    { actor: actorOf(2, 2), counter: 1 },
    { actor: actorOf(2, 2), counter: 2 },
  ];
  assert.deepEqual(sorted.toReversed().sort(compareDots), sorted);
  assert.ok(isSameDot(sorted[3]!, { ...sorted[3]! }));
  assert.ok(!isSameDot(sorted[3]!, sorted[2]!));
});
