// npm run sim: runs the simulator over many seeds and says which promise broke, where, and how to
// see it again; and which situations no seed got into.
//
//   npm run sim -- --seed 42            one seed, with the trace when it fails
//   npm run sim -- --seeds 500          500 seeds from a fresh start, on all cores
//   npm run sim -- --seeds 500 --from 1
//   npm run sim -- --power-cuts         the whole cluster goes dark again and again
//   npm run sim -- --mutants            puts one known bug after the other into the code: each must
//                                       be found within --seeds seeds
//   npm run sim -- --mutant NAME        one of them

import { Command } from 'commander';
import { MUTANTS, mutantNamed } from './mutants/mutants.ts';
import { employAll } from './runs/crew.ts';
import { huntLine, huntMutant } from './runs/mutant-hunt.ts';
import { POWER_CUTS } from './runs/power-cuts.ts';
import { lineOf, Tally } from './runs/tally.ts';
import type { WorkerOrder } from './runs/worker.ts';
import type { Report } from './scenario.ts';

interface Options {
  readonly seed?: string;
  readonly seeds: string;
  readonly from?: string;
  readonly powerCuts?: boolean;
  readonly mutant?: string;
  readonly mutants?: boolean;
}

const PROGRESS_EVERY = 50;

const program = new Command('sim')
  .description('Runs whole clusters on virtual time, hurts them, and checks every promise.')
  .option('--seed <n>', 'run this one seed and print its trace hash')
  .option('--seeds <n>', 'how many seeds to run; with --mutants: at most, for each', '500')
  .option('--from <n>', 'the first seed (default: a number from the clock, printed)')
  .option('--power-cuts', 'power cuts of the whole cluster only, many in each run')
  .option('--mutant <name>', 'put this known bug into the code first')
  .option('--mutants', 'try all known bugs, and print which seed found each');

program.parse();
const options = program.opts<Options>();
const count = Number(options.seeds);
const from = Number(options.from ?? Date.now() % 1_000_000_000);
const order: WorkerOrder = {
  mutant: options.mutant,
  scenario: options.powerCuts ? POWER_CUTS : undefined,
};
if (options.mutants) await tryMutants();
else if (options.seed !== undefined) await runOne(Number(options.seed));
else if (options.mutant !== undefined) await tryMutant(options.mutant);
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
  let survivors = 0;
  for (const { name } of MUTANTS) survivors += (await tryMutant(name)) ? 0 : 1;
  console.log(`${MUTANTS.length - survivors} of ${MUTANTS.length} mutants found`);
}

/** Whether it was found. */
async function tryMutant(name: string): Promise<boolean> {
  const startMs = Date.now();
  const found = await huntMutant(mutantNamed(name), options.from === undefined ? 1 : from, count);
  console.log(huntLine(name, found, (Date.now() - startMs) / 1000));
  if (found.finding === undefined) process.exitCode = 1;
  return found.finding !== undefined;
}
