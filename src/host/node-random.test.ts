import { equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { nodeRandom } from './node-random.ts';

test('numbers fill 32 bits, evenly, beyond one block of draws', () => {
  const random = nodeRandom();
  const draws = Array.from({ length: 10_000 }, () => random.u32());
  ok(draws.every((draw) => Number.isInteger(draw) && draw >= 0 && draw < 2 ** 32));
  ok(new Set(draws).size > 9_900, 'hardly one comes twice');
  const mean = draws.reduce((sum, draw) => sum + draw / 2 ** 32, 0) / draws.length;
  ok(Math.abs(mean - 0.5) < 0.02, `mean ${mean}`);
});

test('bytes come as many as asked for', () => {
  for (const count of [0, 1, 20, 10_000]) equal(nodeRandom().bytes(count).length, count);
});
