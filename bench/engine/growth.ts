// How the cost of one operation grows with the number of keys, as a table and as a picture.
//
//   npm run bench -- growth                     from 100,000 to 10,000,000 keys
//   npm run bench -- growth --to 1000000 --only kvorum,classic-level
//   npm run bench -- growth --write             into docs/figures.md and docs/growth.svg
//
// Memtables have their usual size throughout, so that the smallest number of keys lies in memory
// alone; "cached" means that all of it may, "uncached" that a quarter of it may.

import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { FiguresPage } from '../figures-page.ts';
import { checkSpace, enginesFrom } from './engine.ts';
import { Figures } from './figures.ts';
import { growthPlot, type Panel } from './growth-plot.ts';
import type { Measured } from './meter.ts';
import { line } from './report.ts';
import { ENTRY_BYTES } from './workload.ts';

type Print = (line: string) => void;

const HELP = `npm run bench -- growth
  --to 10000000      the most keys
  --only kvorum      or more engines, with commas between
  --under DIR        where the data is written while it runs; the temporary directory
  --write            into docs/figures.md and docs/growth.svg`;

const SIZES = [100_000, 300_000, 1_000_000, 3_000_000, 10_000_000] as const;
const SECONDS_MAX = 60;
const PLOT = fileURLToPath(new URL('../../docs/growth.svg', import.meta.url));

interface Cost {
  readonly title: string;
  readonly digits: number;
  readonly phase: string;
  readonly of: (measured: Measured) => number;
}

const perOperationUs = ({ perSecond }: Measured): number => 1e6 / perSecond;

const COSTS: readonly Cost[] = [
  { title: 'fill, µs', digits: 2, phase: 'fillrandom', of: perOperationUs },
  { title: 'cached get, µs', digits: 2, phase: 'readrandom cached', of: perOperationUs },
  { title: 'uncached get, µs', digits: 2, phase: 'readrandom 4× cache', of: perOperationUs },
  { title: 'memory, B/key', digits: 1, phase: 'filled', of: bytesBeyondPayload },
  { title: 'write ampl.', digits: 2, phase: 'filled', of: extra('writeAmplification') },
  { title: 'space ampl.', digits: 2, phase: 'filled', of: extra('spaceAmplification') },
];

/** One line of the table. */
interface Row {
  readonly engine: string;
  readonly keys: number;
  /** As in COSTS; NaN where it is not known. */
  readonly costs: readonly number[];
}

export async function run(print: Print, args: readonly string[] = []): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      to: { type: 'string', default: String(SIZES.at(-1)) },
      only: { type: 'string', default: 'kvorum' },
      under: { type: 'string', default: tmpdir() },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return print(HELP);
  const page = new FiguresPage();
  const to = Number(values.to);
  const sizes = SIZES.filter((size) => size <= to);
  checkSpace(values.under, to);
  const rows: Row[] = [];
  for (const keys of sizes) {
    for (const engine of await enginesFrom(print, values.only)) {
      rows.push(await measure(engine, keys, values.under));
    }
  }
  const lines = [
    line('', ['keys', ...COSTS.map(({ title }) => title)]),
    ...rows.map(({ engine, keys, costs }) => {
      const cells = costs.map((cost, place) => cellOf(cost, COSTS[place] as Cost));
      return line(engine, [keys.toLocaleString('en'), ...cells]);
    }),
  ];
  for (const each of lines) print(each);
  if (!values.write) return;
  const title = 'How cost grows with the number of keys';
  writeFileSync(PLOT, growthPlot(title, panelsOf(rows)));
  const command = `bench -- growth --to ${to} --only ${values.only}`;
  const preface = '![Cost of an operation over the number of keys](growth.svg)';
  page.write({ name: 'growth', title, command, lines, preface });
}

async function measure(engine: string, keys: number, under: string): Promise<Row> {
  const figures = new Figures();
  const title = `growth, ${keys.toLocaleString('en')} keys, ${engine}`;
  const phases = ['fill', 'reads', 'small-cache'] as const;
  await figures.measure(engine, { keys, seed: 1, phases, title, secondsMax: SECONDS_MAX, under });
  const costs = COSTS.map(({ phase, of }) => figures.median(engine, phase, of));
  return { engine, keys, costs };
}

function panelsOf(rows: readonly Row[]): Panel[] {
  const engines = [...new Set(rows.map(({ engine }) => engine))];
  return COSTS.map(({ title }, place) => {
    const lines = engines.map((name) => {
      const own = rows.filter(({ engine }) => engine === name);
      return {
        name,
        points: own.map(({ keys, costs }) => ({ x: keys, y: costs[place] as number })),
      };
    });
    return { title, lines };
  });
}

function cellOf(cost: number, { digits }: Cost): string {
  return Number.isNaN(cost) ? '–' : cost.toFixed(digits);
}

function extra(name: string): (measured: Measured) => number {
  return (measured) => measured.extra?.[name] ?? Number.NaN;
}

/** Of memtables, filters and indexes: what is in memory for the keys, without keys and values. */
function bytesBeyondPayload({ extra = {} }: Measured): number {
  const {
    memtableBytes = Number.NaN,
    memtableEntries = 0,
    tableBytes = 0,
    tableEntries = 0,
  } = extra;
  const beyond = memtableBytes - memtableEntries * ENTRY_BYTES + tableBytes;
  return beyond / (memtableEntries + tableEntries);
}
