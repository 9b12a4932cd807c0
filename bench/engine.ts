// Our storage engine beside LevelDB, LMDB and RocksDB, as Node.js programs use them.
//
//   npm run bench -- engine                     1,000,000 × (16 B + 100 B), three rounds
//   npm run bench -- engine --keys 10000000     more of them
//   npm run bench -- engine --growth            how our cost grows from 10^5 to 10^7 keys
//   npm run bench -- engine --restart           our start after 1 GB of writes, and after more
//   npm run bench -- engine --only kvorum,lmdb --rounds 5
//
// Rounds are interleaved: each runs every engine once, in a process of its own. Figures are
// medians, ratios are to the best of the others, and the spread is what the machine adds to both.
// Durability is the same within a row: nobody waits for the disk, or everybody does.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import type { Measured, Phase, TrialOptions } from './engine-trial.ts';
import { ENTRY_BYTES } from './engine-workload.ts';
import { installedRivals, rivalNamed } from './rivals/installed-rivals.ts';

type Print = (line: string) => void;
/** By engine, by phase: one measurement a round. */
type Figures = Map<string, Map<string, Measured[]>>;

const OURS = 'kvorum';
const TRIAL = fileURLToPath(new URL('./engine-trial.ts', import.meta.url));
const TRIAL_MS_MAX = 3_600_000;
const GROWTH_KEYS = [100_000, 1_000_000, 10_000_000];
/** 1 GB and 4 GB of payload: the first may lie in the log, the second is mostly in tables. */
const RESTART_KEYS = [8_600_000, 34_400_000];

/** Our ratio to the best of the others that we hold ourselves to (design, numbers). */
const TARGETS: Readonly<Record<string, number>> = {
  fillrandom: 3,
  overwrite: 2,
  'readrandom cached': 1,
  'readrandom 4× cache': 1,
};

const start = promisify(execFile);

export async function run(print: Print, args: readonly string[] = []): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      keys: { type: 'string', default: '1000000' },
      rounds: { type: 'string', default: '3' },
      only: { type: 'string' },
      growth: { type: 'boolean', default: false },
      restart: { type: 'boolean', default: false },
    },
  });
  if (values.growth) return growth(print);
  if (values.restart) return restart(print);
  const asked = values.only?.split(',');
  const names = (await installedRivals(print)).filter((name) => asked?.includes(name) ?? true);
  const keys = Number(values.keys);
  const rounds = Number(values.rounds);
  const figures: Figures = new Map();
  for (let round = 1; round <= rounds; round++) {
    for (const name of names) {
      const startedMs = Date.now();
      await trial(figures, name, { keys, seed: round, phases: ['unsynced', 'synced'] });
      const seconds = Math.round((Date.now() - startedMs) / 1000);
      print(`  round ${round} of ${rounds}: ${name} (${seconds} s)`);
    }
  }
  rates(print, figures, keys);
  synced(print, figures);
  costs(print, figures);
  for (const name of names) {
    const { remark } = rivalNamed(name);
    if (remark !== '') print(`  ${name}: ${remark}`);
  }
}

async function trial(figures: Figures, name: string, options: TrialOptions): Promise<void> {
  const args = ['--expose-gc', TRIAL, name, JSON.stringify(options)];
  const { stdout } = await start(process.execPath, args, { timeout: TRIAL_MS_MAX });
  const phases = figures.get(name) ?? new Map<string, Measured[]>();
  figures.set(name, phases);
  for (const line of stdout.trim().split('\n')) {
    const measured = JSON.parse(line) as Measured;
    phases.set(measured.phase, [...(phases.get(measured.phase) ?? []), measured]);
  }
}

function rates(print: Print, figures: Figures, keys: number): void {
  const names = [...figures.keys()];
  const rows = phasesOf(figures).filter((phase) => !/^(memory|space|fdatasync|synced)/.test(phase));
  print(`\n${keys.toLocaleString('en')} × (16 B + 100 B), nobody waits for the disk; per second`);
  print(line('', [...names, 'ours / best', 'target', 'spread']));
  for (const row of rows) {
    const each = names.map((name) => median(figures, name, row, (it) => it.perSecond));
    const target = TARGETS[row] === undefined ? '' : `≥ ${TARGETS[row]}×`;
    const ratio = ratioToBest(names, each);
    print(line(row, [...each.map(thousands), ratio, target, spread(figures, row)]));
  }
}

function synced(print: Print, figures: Figures): void {
  const names = [...figures.keys()];
  const raw = [...figures.values()].flatMap((phases) => phases.get('fdatasync') ?? []);
  if (raw.length === 0) return;
  const rawPerSecond = middle(raw.map((it) => it.perSecond));
  const ms = (1000 / rawPerSecond).toFixed(2);
  print(`\nevery write on the disk before it is confirmed; write + fdatasync alone: ${ms} ms`);
  print(line('', [...names, 'ours / best', 'of writers/sync', 'spread']));
  for (const row of phasesOf(figures).filter((phase) => phase.startsWith('synced'))) {
    const each = names.map((name) => median(figures, name, row, (it) => it.perSecond));
    const writers = Number(row.split(' ')[1]);
    const share = (each[names.indexOf(OURS)] ?? Number.NaN) / (writers * rawPerSecond);
    const ratio = ratioToBest(names, each);
    print(line(row, [...each.map(thousands), ratio, share.toFixed(2), spread(figures, row)]));
  }
}

function costs(print: Print, figures: Figures): void {
  const names = [...figures.keys()];
  const row = (title: string, phase: string, digits: number, of: (it: Measured) => number) => {
    const each = names.map((name) => median(figures, name, phase, of));
    print(
      line(
        title,
        each.map((value) => (Number.isNaN(value) ? '–' : value.toFixed(digits))),
      ),
    );
  };
  print('\nwhat it costs');
  print(line('', names));
  row('RSS after fill, B/key beyond 116', 'memory', 0, (it) => it.perSecond - ENTRY_BYTES);
  row('space amplification, end', 'space', 2, (it) => it.extra?.spaceAmplification ?? Number.NaN);
  for (const phase of ['fillrandom', 'overwrite']) {
    row(`write ampl., ${phase}`, phase, 2, (it) => it.writeAmplification ?? Number.NaN);
  }
  row('p99.9 of reads while writing, µs', 'readwhilewriting', 0, (it) => it.p999Us ?? Number.NaN);
  for (const phase of ['fillrandom', 'overwrite', 'readwhilewriting', 'synced, 512']) {
    row(`longest stall, ${phase}, ms`, phase, 1, (it) => it.stallMs);
  }
}

async function growth(print: Print): Promise<void> {
  print(
    line('keys', ['fill µs', 'overwrite µs', 'get µs', 'scan µs', 'B/key', 'write ×', 'space ×']),
  );
  for (const keys of GROWTH_KEYS) {
    const figures: Figures = new Map();
    await trial(figures, OURS, { keys, seed: 1, phases: ['unsynced'] });
    const one = (phase: string) => figures.get(OURS)?.get(phase)?.[0] as Measured;
    const us = (phase: string) => (1e6 / one(phase).perSecond).toFixed(2);
    const cells = ['fillrandom', 'overwrite', 'readrandom cached', 'scan'].map(us);
    const written = one('overwrite').writeAmplification?.toFixed(2) ?? '';
    const space = one('space').extra?.spaceAmplification?.toFixed(2) ?? '';
    const memory = (one('memory').perSecond - ENTRY_BYTES).toFixed(0);
    print(line(keys.toLocaleString('en'), [...cells, memory, written, space]));
  }
}

async function restart(print: Print): Promise<void> {
  const phases: readonly Phase[] = ['restart'];
  print(line('written', ['start s', 'disk GB', 'MB/s']));
  for (const keys of RESTART_KEYS) {
    const figures: Figures = new Map();
    await trial(figures, OURS, { keys, seed: 1, phases });
    const { seconds = Number.NaN, diskBytes = Number.NaN } =
      figures.get(OURS)?.get('restart')?.[0]?.extra ?? {};
    const cells = [seconds, diskBytes / 1e9, diskBytes / 1e6 / seconds];
    const written = `${((keys * ENTRY_BYTES) / 1e9).toFixed(1)} GB`;
    print(
      line(
        written,
        cells.map((cell) => cell.toFixed(1)),
      ),
    );
  }
}

function phasesOf(figures: Figures): string[] {
  return [...new Set([...figures.values()].flatMap((phases) => [...phases.keys()]))];
}

/** NaN where the engine does not do that. */
function median(
  figures: Figures,
  name: string,
  phase: string,
  of: (measured: Measured) => number,
): number {
  return middle((figures.get(name)?.get(phase) ?? []).map(of));
}

function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function ratioToBest(names: readonly string[], each: readonly number[]): string {
  const ours = each[names.indexOf(OURS)] ?? Number.NaN;
  const others = each.filter((value, place) => names[place] !== OURS && !Number.isNaN(value));
  return others.length === 0 ? '–' : `${(ours / Math.max(...others)).toFixed(2)}×`;
}

/** Of one engine's rounds, the widest: fastest over slowest. */
function spread(figures: Figures, phase: string): string {
  const rounds = [...figures.values()].map((phases) =>
    (phases.get(phase) ?? []).map((it) => it.perSecond),
  );
  const ratios = rounds
    .filter((it) => it.length > 0)
    .map((it) => Math.max(...it) / Math.min(...it));
  return `${Math.max(...ratios).toFixed(2)}×`;
}

function thousands(value: number): string {
  return Number.isNaN(value) ? '–' : `${Math.round(value / 100) / 10} k`;
}

function line(title: string, cells: readonly string[]): string {
  return `${title.padEnd(34)}${cells.map((cell) => cell.padStart(16)).join('')}`;
}
