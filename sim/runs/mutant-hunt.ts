// Runs seeds with a known bug in the code until one of them finds it; and how that is told. The
// seed that found it is run once more without the bug, and must find nothing then.

import type { Mutant } from '../mutants/mutant.ts';
import type { Report } from '../scenario.ts';
import { onlyWeather } from '../weather/weather.ts';
import { employAll } from './crew.ts';
import type { WorkerOrder } from './worker.ts';

export interface Hunt {
  readonly mutant: Mutant;
  /** How many seeds it took, or were tried. */
  readonly seeds: number;
  /** The first thing that an oracle said; undefined: it survived. */
  readonly finding: string | undefined;
  /** What was said of the same seed without the bug: then nothing was found. */
  readonly falseAlarm?: string | undefined;
}

export async function huntMutant(mutant: Mutant, from: number, seedsMax: number): Promise<Hunt> {
  const { name, weather, load, nodes } = mutant;
  const scenario = { weather: weather && onlyWeather(...weather), load, nodes };
  let next = from;
  let seeds = 0;
  let found: Report | undefined;
  await employAll({
    order: { mutant: name, scenario },
    take: () => (found === undefined && next < from + seedsMax ? next++ : undefined),
    done: (report) => {
      if (found !== undefined) return;
      seeds += 1;
      if (report.findings.length > 0) found = report;
    },
  });
  if (found === undefined) return { mutant, seeds, finding: undefined };
  const [falseAlarm] = await findingsOf(found.seed, { scenario });
  const finding = falseAlarm === undefined ? found.findings[0] : undefined;
  return { mutant, seeds, finding, falseAlarm };
}

async function findingsOf(seed: number, order: WorkerOrder): Promise<readonly string[]> {
  const seeds = [seed];
  let findings: readonly string[] = [];
  const done = (report: Report) => {
    findings = report.findings;
  };
  await employAll({ order, take: () => seeds.pop(), done }, 1);
  return findings;
}

const FINDING_CHARACTERS = 70;

export function huntLine(hunt: Hunt, seconds: number): string {
  const { mutant, seeds, finding, falseAlarm } = hunt;
  const alarm = falseAlarm && `FAILS WITHOUT IT: ${falseAlarm}`;
  const said = finding ?? alarm ?? 'SURVIVED';
  const what = said.split('\n')[0]?.slice(0, FINDING_CHARACTERS);
  const cost = `${String(seeds).padStart(4)} seeds ${seconds.toFixed(1).padStart(6)} s`;
  return `${mutant.name.padEnd(60)} ${cost}  ${what}`;
}

/** For docs/figures.md: the bug, the seeds that it took, and the oracle that found it. */
export function tableLine({ mutant, seeds, finding }: Hunt): string {
  const oracle = finding === undefined ? 'NOT FOUND' : finding.split(':')[0];
  const needs = [...(mutant.weather ?? []).map((kind) => kind.slice(3))];
  if (mutant.nodes !== undefined) needs.push(`${mutant.nodes} nodes`);
  if (mutant.load !== undefined) needs.push('a load of its own');
  const only = needs.length === 0 ? '' : `  (${needs.join(', ')})`;
  return `${mutant.name.padEnd(69)} ${String(seeds).padStart(4)}  ${oracle}${only}`;
}
