// npm run sim: runs the simulator over many seeds and says which promise broke, where, and how to
// see it again.
//
//   npm run sim -- --seed 42          one seed, with the trace when it fails
//   npm run sim -- --seeds 500        500 seeds from a fresh start, on all cores
//   npm run sim -- --seeds 500 --from 1

import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { Command } from 'commander';
import { type Report, runScenario } from './scenario.ts';

interface Options {
  readonly seed?: string;
  readonly seeds: string;
  readonly from?: string;
  readonly worker?: boolean;
}

const program = new Command('sim')
  .description('Runs whole clusters on virtual time, hurts them, and checks every promise.')
  .option('--seed <n>', 'run this one seed and print its trace hash')
  .option('--seeds <n>', 'how many seeds to run', '500')
  .option('--from <n>', 'the first seed (default: a number from the clock, printed)')
  .option('--worker', 'internal: take seeds from the parent process');

program.parse();
const options = program.opts<Options>();
if (options.worker) serve();
else if (options.seed !== undefined) await runOne(Number(options.seed));
else await runMany(Number(options.from ?? Date.now() % 1_000_000_000), Number(options.seeds));

async function runOne(seed: number): Promise<void> {
  const report = await runScenario(seed);
  if (report.findings.length > 0) for (const line of report.tail) console.log(line);
  console.log(summaryOf(report));
  for (const finding of report.findings) console.log(`  ${finding}`);
  process.exitCode = report.findings.length > 0 ? 1 : 0;
}

/** Shares the seeds out to one process per core; each asks for the next when it is done. */
async function runMany(from: number, count: number): Promise<void> {
  console.log(`${count} seeds from ${from} on ${availableParallelism()} cores`);
  const startMs = Date.now();
  const tally = {
    seeds: 0,
    failed: 0,
    acknowledged: 0,
    writes: 0,
    reads: 0,
    sessionReads: 0,
    virtualMs: 0,
  };
  let next = from;
  const take = () => (next < from + count ? next++ : undefined);
  const work = Array.from({ length: availableParallelism() }, () =>
    employ(take, (report) => {
      tally.seeds += 1;
      tally.acknowledged += report.acknowledged;
      tally.writes += report.writes;
      tally.reads += report.reads;
      tally.sessionReads += report.sessionReads;
      tally.virtualMs += report.virtualMs;
      if (report.findings.length > 0) {
        tally.failed += 1;
        console.log(summaryOf(report));
        for (const finding of report.findings) console.log(`  ${finding}`);
        console.log(`  replay: npm run sim -- --seed ${report.seed}`);
      }
      if (tally.seeds % 50 === 0) console.log(`  ${tally.seeds} of ${count} seeds`);
    }),
  );
  await Promise.all(work);
  const seconds = (Date.now() - startMs) / 1000;
  const hours = tally.virtualMs / 3_600_000;
  console.log(`${tally.seeds} seeds, ${tally.failed} failed, in ${seconds.toFixed(1)} s`);
  const reads = `${tally.reads} reads, ${tally.sessionReads} of sessions`;
  console.log(`${tally.acknowledged} acknowledged of ${tally.writes} writes, ${reads}`);
  console.log(`${hours.toFixed(2)} simulated cluster-hours`);
  process.exitCode = tally.failed > 0 ? 1 : 0;
}

function employ(take: () => number | undefined, done: (report: Report) => void): Promise<void> {
  const worker = fork(process.argv[1] as string, ['--worker']);
  return new Promise((resolve, reject) => {
    const order = () => {
      const seed = take();
      if (seed !== undefined) worker.send(seed);
      else worker.disconnect();
    };
    worker.on('message', (report: Report) => {
      done(report);
      order();
    });
    worker.on('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`a worker died with exit code ${code}`));
    });
    order();
  });
}

function serve(): void {
  process.on('message', async (seed: number) => {
    process.send?.(await runScenario(seed));
  });
}

function summaryOf(report: Report): string {
  const { seed, hash, weather, nodes, acknowledged, writes } = report;
  const result = report.findings.length === 0 ? 'ok' : 'FAILED';
  const acks = `${acknowledged} of ${writes} writes acknowledged`;
  return `seed ${seed} ${result} hash ${hash} (${nodes} nodes, ${weather}, ${acks})`;
}
