import { ok } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ArrivalWindow } from './arrival-window.ts';

test('phi is the tail of the normal distribution', () => {
  const window = new ArrivalWindow(100);
  for (let i = 0; i < 1_000; i++) window.add(i % 2 === 0 ? 900 : 1_100);
  // Mean 1,000 and deviation 100: tails from a table of the normal distribution.
  for (const [deviations, tail] of [
    [1, 0.1587],
    [2, 0.02275],
    [3, 0.00135],
    [4, 3.167e-5],
  ] as const) {
    const phi = window.phi(1_000 + deviations * 100, 0, 1);
    ok(Math.abs(phi + Math.log10(tail)) < 0.4, `${deviations} deviations: phi ${phi}`);
  }
});

test('phi grows with silence, is finite, and forgets pauses of long ago', () => {
  const pauses = fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 200 });
  const property = fc.property(pauses, fc.nat(10_000), fc.nat(10_000), (list, silence, more) => {
    const window = new ArrivalWindow(250);
    for (const pause of list) window.add(pause);
    const phi = window.phi(silence, 100, 50);
    ok(phi >= 0 && Number.isFinite(window.phi(1e9, 0, 50)));
    ok(window.phi(silence + more, 100, 50) >= phi);
    for (let i = 0; i < 1_000; i++) window.add(250);
    ok(Math.abs(window.meanMs - 250) < 1 && window.deviationMs < 1);
  });
  fc.assert(property);
});
