// The tables of `npm run bench -- engine`. Ratios are to the best of the others; beside each stand
// the target that we hold ourselves to (design, numbers) and the spread that the machine adds.

import type { Figures } from './figures.ts';
import { middle } from './figures.ts';
import { LARGE_IN_FLIGHT, LARGE_KEYS } from './large-values.ts';
import type { Measured } from './meter.ts';
import { ENTRY_BYTES } from './workload.ts';

export const OURS = 'kvorum';
const MB = 1e6;

const TARGETS: Readonly<Record<string, number>> = {
  fillrandom: 3,
  overwrite: 2,
  scan: 1,
  'readrandom cached': 1,
  readwhilewriting: 1,
  'readrandom 4× cache': 1,
};
const SYNCED_SHARE_TARGET = 0.9;
const STALL_MS_TARGET = 20;

const RATES = [
  'fillrandom',
  'overwrite',
  'overwrite ×100',
  'scan cold',
  'scan',
  'readrandom cached',
  'readwhilewriting',
  'readrandom 4× cache',
];

const LARGE_RATES: readonly string[] = ['large, fill', 'large, overwrite', 'large, readrandom'];

export function reportLines(figures: Figures, keys: number): string[] {
  return [
    ...rates(figures, keys),
    ...synced(figures),
    ...largeValues(figures),
    ...costs(figures),
    ...stalls(figures),
    ...machine(figures),
  ];
}

function rates(figures: Figures, keys: number): string[] {
  const rows = RATES.filter((phase) => figures.phases.includes(phase));
  if (rows.length === 0) return [];
  const title = `${keys.toLocaleString('en')} × (16 B + 100 B), nobody waits for the disk`;
  return [
    `${title}; per second`,
    line('', [...figures.engines, 'ours / best', 'target', 'spread']),
    ...rows.map((row) => {
      const each = figures.engines.map((name) => rateOf(figures, name, row));
      const target = TARGETS[row] === undefined ? '' : `≥ ${TARGETS[row]}×`;
      return line(row, [
        ...each.map(thousands),
        ratioToBest(figures, each),
        target,
        spread(figures, row),
      ]);
    }),
    '',
  ];
}

function synced(figures: Figures): string[] {
  const rows = figures.phases.filter((phase) => phase.startsWith('synced, '));
  if (rows.length === 0) return [];
  const head = [...figures.engines, 'ours / best', 'ours / limit', 'target', 'spread'];
  return [
    'every write on the disk before it is confirmed; limit: writers / (append + fdatasync) time',
    line('writers; append + fdatasync', head),
    ...rows.map((row) => {
      const writers = Number(row.split(' ')[1]);
      const raw = figures.ofPhase(`fdatasync of ${writers}`).map(({ perSecond }) => perSecond);
      const each = figures.engines.map((name) => rateOf(figures, name, row));
      const share = rateOf(figures, OURS, row) / (writers * middle(raw));
      const title = `${row.slice('synced, '.length)}; ${(1000 / middle(raw)).toFixed(2)} ms`;
      const ratios = [ratioToBest(figures, each), share.toFixed(2), `≥ ${SYNCED_SHARE_TARGET}`];
      return line(title, [...each.map(thousands), ...ratios, spread(figures, row)]);
    }),
    '',
  ];
}

function largeValues(figures: Figures): string[] {
  const rows = figures.phases.filter((phase) => LARGE_RATES.includes(phase));
  if (rows.length === 0) return [];
  return [
    `${LARGE_KEYS.toLocaleString('en')} × 64 KiB, each on the disk before it is confirmed, ` +
      `${LARGE_IN_FLIGHT} under way; per second`,
    line('', [...figures.engines, 'ours / best', 'spread']),
    ...rows.map((row) => {
      const each = figures.engines.map((name) => rateOf(figures, name, row));
      return line(row, [...each.map(thousands), ratioToBest(figures, each), spread(figures, row)]);
    }),
    '',
  ];
}

function costs(figures: Figures): string[] {
  type Row = [title: string, phase: string, digits: number, of: (it: Measured) => number];
  const extra = (name: string) => (it: Measured) => it.extra?.[name] ?? Number.NaN;
  const rows: Row[] = [
    ['write amplification, fill', 'filled', 2, extra('writeAmplification')],
    ['space amplification, fill', 'filled', 2, extra('spaceAmplification')],
    ['write ampl., half overwritten', 'amplification', 2, extra('writeAmplification')],
    ['space ampl., half overwritten', 'amplification', 2, extra('spaceAmplification')],
    ['space at worst meanwhile', 'amplification', 2, extra('spaceAtWorst')],
    ['write ampl., large overwritten', 'large values', 2, extra('writeAmplification')],
    ['space ampl., large overwritten', 'large values', 2, extra('spaceAmplification')],
    ['RSS of the process, fill, MB', 'filled', 0, (it) => extra('residentBytes')(it) / MB],
    ['memtables, B/key beyond payload', 'filled', 1, memtableBytesPerKey],
    ['filters and indexes, B/key', 'filled', 2, tableBytesPerKey],
    ['p99.9 of reads while writing, µs', 'readwhilewriting', 0, (it) => it.p999Us ?? Number.NaN],
  ];
  const shown = rows.filter(([, phase]) => figures.phases.includes(phase));
  if (shown.length === 0) return [];
  const lines = shown.map(([title, phase, digits, of]) => {
    const each = figures.engines.map((name) => figures.median(name, phase, of));
    return line(
      title,
      each.map((value) => (Number.isNaN(value) ? '–' : value.toFixed(digits))),
    );
  });
  return ['what it costs', line('', figures.engines), ...lines, ''];
}

function memtableBytesPerKey({ extra }: Measured): number {
  const { memtableBytes = Number.NaN, memtableEntries = 0 } = extra ?? {};
  return memtableBytes / memtableEntries - ENTRY_BYTES;
}

function tableBytesPerKey({ extra }: Measured): number {
  return (extra?.tableBytes ?? Number.NaN) / (extra?.tableEntries ?? 0);
}

function stalls(figures: Figures): string[] {
  const isStall = (phase: string) => figures.ofPhase(phase).some(({ stall }) => stall);
  const rows = figures.phases.filter((phase) => phase !== 'warming up' && isStall(phase));
  return [
    `longest stall of the event loop in the worst round, ms (ours: ≤ ${STALL_MS_TARGET});`,
    'in brackets the longest that the thread itself worked: the rest it waited for a processor',
    line('', figures.engines),
    ...rows.map((phase) => {
      const title = phase === 'machine' ? 'no engine at all' : phase;
      return line(
        title,
        figures.engines.map((name) => stallOf(figures, name, phase)),
      );
    }),
    '',
  ];
}

function stallOf(figures: Figures, engine: string, phase: string): string {
  const ms = figures.worst(engine, phase, ({ stall }) => stall?.ms ?? 0);
  const ownMs = figures.worst(engine, phase, ({ stall }) => stall?.ownMs ?? 0);
  return Number.isFinite(ms) ? `${ms.toFixed(1)} (${ownMs.toFixed(1)})` : '–';
}

/** The fixed loop that every trial begins with: what others did to the machine meanwhile. */
function machine(figures: Figures): string[] {
  const turns = figures.ofPhase('machine').map(({ perSecond }) => perSecond);
  const slowest = ((100 * Math.min(...turns)) / Math.max(...turns)).toFixed(0);
  return [
    `noise of the machine: in the slowest of ${turns.length} trials a fixed loop of the processor`,
    `ran at ${slowest} % of the fastest; "spread" is fastest over slowest round of one engine`,
  ];
}

function rateOf(figures: Figures, engine: string, phase: string): number {
  return figures.median(engine, phase, ({ perSecond }) => perSecond);
}

function ratioToBest({ engines }: Figures, each: readonly number[]): string {
  const ours = each[engines.indexOf(OURS)] ?? Number.NaN;
  const others = each.filter((value, place) => engines[place] !== OURS && !Number.isNaN(value));
  if (others.length === 0 || Number.isNaN(ours)) return '–';
  return `${(ours / Math.max(...others)).toFixed(2)}×`;
}

function spread(figures: Figures, phase: string): string {
  return `${figures.spread(phase).toFixed(2)}×`;
}

function thousands(value: number): string {
  return Number.isNaN(value) ? '–' : `${(value / 1000).toFixed(1)} k`;
}

export function line(title: string, cells: readonly string[]): string {
  return `${title.padEnd(33)}${cells.map((cell) => cell.padStart(17)).join('')}`;
}
