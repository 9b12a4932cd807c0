// Runs seeds with a known bug in the code until one of them finds it; and how that is told.

import type { Mutant } from '../mutants/mutant.ts';
import { onlyWeather } from '../weather/weather.ts';
import { employAll } from './crew.ts';

export interface Hunt {
  readonly mutant: Mutant;
  /** How many seeds it took, or were tried. */
  readonly seeds: number;
  /** The first thing that an oracle said; undefined: it survived. */
  readonly finding: string | undefined;
}

export async function huntMutant(mutant: Mutant, from: number, seedsMax: number): Promise<Hunt> {
  const { name, weather, load, nodes } = mutant;
  const scenario = { weather: weather && onlyWeather(...weather), load, nodes };
  let next = from;
  let seeds = 0;
  let finding: string | undefined;
  await employAll({
    order: { mutant: name, scenario },
    take: () => (finding === undefined && next < from + seedsMax ? next++ : undefined),
    done: (report) => {
      if (finding !== undefined) return;
      seeds += 1;
      finding = report.findings[0];
    },
  });
  return { mutant, seeds, finding };
}

const FINDING_CHARACTERS = 70;

export function huntLine({ mutant, seeds, finding }: Hunt, seconds: number): string {
  const what = finding?.split('\n')[0]?.slice(0, FINDING_CHARACTERS) ?? 'SURVIVED';
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
