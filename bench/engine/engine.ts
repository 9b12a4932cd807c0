// Our storage engine beside LevelDB, LMDB and RocksDB, as Node.js programs use them.
//
//   npm run bench -- engine                     1,000,000 × (16 B + 100 B), three rounds
//   npm run bench -- engine --keys 10000000 --rounds 1 --write
//   npm run bench -- engine --only kvorum,lmdb --phases reads,mixed --rounds 5
//
// Rounds are interleaved: each runs every engine once, in a process of its own. Figures are
// medians, ratios are to the best of the others, and the spread is what the machine adds to both.
// Durability is the same within a row: nobody waits for the disk, or everybody does.

import { mkdirSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { FiguresPage } from '../figures-page.ts';
import { installedRivals, rivalNamed } from '../rivals/installed-rivals.ts';
import { Figures } from './figures.ts';
import { LARGE_KEYS } from './large-values.ts';
import { reportLines } from './report.ts';
import { PHASES, type Phase } from './trial-options.ts';
import { ENTRY_BYTES, LARGE_VALUE_BYTES } from './workload.ts';

type Print = (line: string) => void;

const HELP = `npm run bench -- engine
  --keys 1000000     how many
  --rounds 3         how often each engine is measured
  --only a,b         of kvorum, classic-level, lmdb, rocksdb-native
  --phases a,b       of ${PHASES.join(', ')}
  --seconds 120      what can be done in part (all but fills) ends after so long
  --under DIR        where the data is written while it runs; the temporary directory
  --write            into docs/figures.md, in the place of what stood there for this command`;

/** LMDB's pages are half full and copied on write, others compact: none took more than this. */
const SPACE_AT_WORST = 6;

export async function run(print: Print, args: readonly string[] = []): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      keys: { type: 'string', default: '1000000' },
      rounds: { type: 'string', default: '3' },
      only: { type: 'string' },
      phases: { type: 'string', default: PHASES.join(',') },
      seconds: { type: 'string', default: '120' },
      under: { type: 'string', default: tmpdir() },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return print(HELP);
  const page = new FiguresPage();
  const keys = Number(values.keys);
  const rounds = Number(values.rounds);
  const phases = phasesFrom(values.phases);
  const { under } = values;
  checkSpace(under, keys);
  if (phases.includes('large')) checkSpace(under, LARGE_KEYS * (LARGE_VALUE_BYTES / ENTRY_BYTES));
  const engines = await enginesFrom(print, values.only);
  const figures = new Figures();
  for (let seed = 1; seed <= rounds; seed++) {
    for (const engine of engines) {
      const title = `round ${seed} of ${rounds}, ${engine}`;
      const secondsMax = Number(values.seconds);
      await figures.measure(engine, { keys, seed, phases, title, secondsMax, under });
    }
  }
  const lines = [...reportLines(figures, keys), ...remarks(engines)];
  for (const line of lines) print(line);
  if (!values.write) return;
  const title = `The engine beside its rivals, ${keys.toLocaleString('en')} keys`;
  page.write({
    name: `engine ${keys}`,
    title,
    command: `bench -- engine --keys ${keys} --rounds ${rounds}`,
    lines,
  });
}

function phasesFrom(text: string): Phase[] {
  return text.split(',').map((name) => {
    const phase = PHASES.find((each) => each === name);
    if (phase === undefined) throw new Error(`no phase is called ${name}: ${PHASES.join(', ')}`);
    return phase;
  });
}

/** Those of `only`, or all that run here. */
export async function enginesFrom(print: Print, only: string | undefined): Promise<string[]> {
  const asked = only?.split(',');
  return (await installedRivals(print)).filter((name) => asked?.includes(name) ?? true);
}

/** Throws when the disk is too small to begin. */
export function checkSpace(under: string, keys: number): void {
  mkdirSync(under, { recursive: true });
  const { bavail, bsize } = statfsSync(under);
  const needed = keys * ENTRY_BYTES * SPACE_AT_WORST;
  if (bavail * bsize > needed) return;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  throw new Error(`${keys} keys may need ${gigabytes(needed)} under ${under}`);
}

function remarks(engines: readonly string[]): string[] {
  const own = engines.map((name) => [name, rivalNamed(name).remark] as const);
  const lines = own.filter(([, remark]) => remark !== '').map(([name, it]) => `${name}: ${it}`);
  const shared = 'files are read through the page cache of the system by all of them';
  return ['', ...lines, `budgets of block cache and memtable are the same; ${shared}`];
}
