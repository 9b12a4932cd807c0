import { equal } from 'node:assert/strict';
import { test } from 'node:test';
import { didYouMean, nearestName } from './nearest-name.ts';

const KNOWN = ['node-id', 'listen', 'http', 'capacity', 'cluster', 'cluster-name'];

test('the nearest name, within a third of the letters', () => {
  const cases = [
    ['lisen', 'listen'],
    ['listne', 'listen'], // swapped neighbours are one edit
    ['LISTEN', 'listen'],
    ['nodeid', 'node-id'],
    ['capasity', 'capacity'],
    ['clustername', 'cluster-name'],
    ['zebra', undefined],
    ['', undefined],
  ] as const;
  for (const [typed, nearest] of cases) equal(nearestName(typed, KNOWN), nearest, typed);
});

test('the sentence names all when none is near', () => {
  equal(didYouMean('htpp', KNOWN), 'Did you mean http?');
  equal(didYouMean('zebra', ['a1', 'b2']), 'Known are: a1, b2.');
});
