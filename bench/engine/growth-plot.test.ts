import { equal, match, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { growthPlot } from './growth-plot.ts';

const points = [
  { x: 100_000, y: Number.NaN },
  { x: 300_000, y: 1.5 },
  { x: 10_000_000, y: 3.9 },
];
const PANEL = { title: 'get, µs', lines: [{ name: 'ours', points }] };

test('what was measured is drawn, what was not is left out', () => {
  const svg = growthPlot('Growth', [PANEL, PANEL]);
  ok(!svg.includes('NaN') && !svg.includes('undefined'), svg);
  equal(svg.match(/<circle/g)?.length, 4);
  equal(svg.match(/get, µs/g)?.length, 2);
  match(svg, /<title>Growth<\/title>/);
  match(svg, /prefers-color-scheme: dark/);
});

test('zero lies at the bottom, the greatest value below the top', () => {
  const heights = [...growthPlot('', [PANEL]).matchAll(/cy="([\d.]+)"/g)].map(([, y]) => Number(y));
  equal(heights.length, 2);
  const [low, high] = heights as [number, number];
  ok(low < 160 && low > high && high >= 40 && high < 50, `${heights}`);
});
