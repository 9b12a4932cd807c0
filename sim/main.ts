// npm run sim: runs the simulator over many seeds and says which promise broke, where, and how to
// see it again; and which situations no seed got into.
//
//   npm run sim -- --seed 42            one seed, with the trace when it fails
//   npm run sim -- --seeds 500          500 seeds from a fresh start, on all cores
//   npm run sim -- --seeds 500 --from 1
//   npm run sim -- --power-cuts         the whole cluster goes dark again and again
//   npm run sim -- --mutants            puts one known bug after the other into the code: each must
//                                       be found within --seeds seeds (40)
//   npm run sim -- --mutants --write    and puts the table into docs/figures.md
//   npm run sim -- --mutant NAME        one of them

import { Command } from 'commander';
import { FiguresPage } from '../bench/figures-page.ts';
import type { Mutant } from './mutants/mutant.ts';
import { MUTANTS, mutantNamed } from './mutants/mutants.ts';
import { employAll } from './runs/crew.ts';
import { type Hunt, huntLine, huntMutant, tableLine } from './runs/mutant-hunt.ts';
import { POWER_CUTS } from './runs/power-cuts.ts';
import { lineOf, Tally } from './runs/tally.ts';
import type { WorkerOrder } from './runs/worker.ts';
import type { Report } from './scenario.ts';

interface Options {
  readonly seed?: string;
  readonly seeds?: string;
  readonly from?: string;
  readonly powerCuts?: boolean;
  readonly mutant?: string;
  readonly mutants?: boolean;
  readonly write?: boolean;
}

const PROGRESS_EVERY = 50;

const program = new Command('sim')
  .description('Runs whole clusters on virtual time, hurts them, and checks every promise.')
  .option('--seed <n>', 'run this one seed and print its trace hash')
  .option('--seeds <n>', 'how many seeds to run (500); for mutants: at most, for each (40)')
  .option('--from <n>', 'the first seed (default: a number from the clock, printed)')
  .option('--power-cuts', 'power cuts of the whole cluster only, many in each run')
  .option('--mutant <name>', 'put this known bug into the code first')
  .option('--mutants', 'try all known bugs, and print how many seeds found each')
  .option('--write', 'with --mutants: into docs/figures.md');

program.parse();
const options = program.opts<Options>();
const isHunt = options.mutants || options.mutant !== undefined;
const count = Number(options.seeds ?? (isHunt ? 40 : 500));
const from = Number(options.from ?? Date.now() % 1_000_000_000);
const huntsFrom = Number(options.from ?? 1);
const order: WorkerOrder = {
  mutant: options.mutant,
  scenario: options.powerCuts ? POWER_CUTS : undefined,
};
if (options.mutants) await tryMutants();
else if (options.seed !== undefined) await runOne(Number(options.seed));
else if (options.mutant !== undefined) await tryMutant(mutantNamed(options.mutant));
else await runMany();

async function runOne(seed: number): Promise<void> {
  const seeds = [seed];
  const done = (report: Report) => {
    for (const line of report.tail) console.log(line);
    tell(report);
  };
  await employAll({ order, take: () => seeds.pop(), done }, 1);
}

async function runMany(): Promise<void> {
  console.log(`${count} seeds from ${from}`);
  const tally = new Tally();
  const startMs = Date.now();
  const seconds = () => (Date.now() - startMs) / 1000;
  let next = from;
  const take = () => (next < from + count ? next++ : undefined);
  const done = (report: Report) => {
    tally.add(report);
    if (report.findings.length > 0) tell(report);
    if (tally.seeds % PROGRESS_EVERY === 0) console.log(`  ${tally.progress(count, seconds())}`);
  };
  await employAll({ order, take, done });
  for (const line of [...tally.coverage(), ...tally.summary(seconds())]) console.log(line);
}

function tell(report: Report): void {
  console.log(lineOf(report));
  for (const finding of report.findings) console.log(`  ${finding}`);
  if (report.findings.length === 0) return;
  process.exitCode = 1;
  console.log(
    `  replay: npm run sim -- --seed ${report.seed}${options.powerCuts ? ' --power-cuts' : ''}`,
  );
}

async function tryMutants(): Promise<void> {
  const page = new FiguresPage();
  const hunts: Hunt[] = [];
  for (const mutant of MUTANTS) {
    hunts.push(await tryMutant(mutant));
    if (hunts.length % 10 === 0) console.log(`  ${hunts.length} of ${MUTANTS.length}`);
  }
  const found = hunts.filter(({ finding }) => finding !== undefined).length;
  const lines = [...hunts.map(tableLine), `${found} of ${MUTANTS.length} found`];
  for (const line of lines) console.log(line);
  if (!options.write) return;
  page.write({
    name: 'mutants',
    title: 'Known bugs that the simulator finds',
    command: `sim -- --mutants --from ${huntsFrom} --seeds ${count}`,
    preface:
      'The bug, the seeds that it took, the oracle that found it, and what it was hunted in.',
    lines,
  });
}

async function tryMutant(mutant: Mutant): Promise<Hunt> {
  const startMs = Date.now();
  const hunt = await huntMutant(mutant, huntsFrom, count);
  console.log(huntLine(hunt, (Date.now() - startMs) / 1000));
  if (hunt.finding === undefined) process.exitCode = 1;
  return hunt;
}
