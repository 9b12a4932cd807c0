// A bug that is put into the product on purpose, to see whether the simulator finds it: a named
// change of the text of one file, made while that file is loaded. The product has no switches for
// this, and a mutant whose text is gone from the code is found by a test (mutants.test.ts).
//
// A mutant that survives says that an oracle is blind, or that no seed gets there.
//
// Source: DeMillo, Lipton, Sayward: "Hints on Test Data Selection" (IEEE Computer, 1978).

import type { Load } from '../scenario.ts';
import type { WeatherKind } from '../weather/weather.ts';

export interface Mutant {
  readonly name: string;
  /** From the root of the project. */
  readonly file: string;
  /** Stands there exactly once. */
  readonly text: string;
  readonly becomes: string;
  /** The only faults of its hunt, where all kinds together rarely get there. */
  readonly weather?: readonly WeatherKind[];
  /** What clients do in its hunt otherwise than they usually do. */
  readonly load?: Partial<Load>;
  /** How many nodes the clusters of its hunt have, where few do not do. */
  readonly nodes?: number;
}

/** The source with the bug in it. Throws when its text is not there exactly once. */
export function mutated(source: string, { name, file, text, becomes }: Mutant): string {
  const places = source.split(text).length - 1;
  if (places !== 1) throw new Error(`mutant "${name}": its text stands ${places} times in ${file}`);
  return source.replace(text, () => becomes);
}
