// A merge function is taken into service only when it obeys its laws on every value that it was
// tried on: recorded ones where there is a corpus beside the module, generated ones where there is
// none. Values prove nothing, but a function that counts, concatenates or prefers its first
// argument does not get past them.

import { KvorumError } from '../base/errors.ts';
import type { Clock, Jobs } from '../host/host.ts';
import { GuestModules } from './guest-modules.ts';
import type { BrokenLaw } from './laws.ts';
import { badMerge } from './module-function.ts';

export interface Candidate {
  /** As people call it. */
  readonly name: string;
  /** URL of the module. */
  readonly module: string;
  /** Values as they were stored; none: they are generated. */
  readonly recorded: readonly Uint8Array[];
  /** Where these stand, for people. */
  readonly recordedIn: string;
  /** Where recorded values stand or would stand. */
  readonly corpusName: string;
}

const EQUATIONS: Readonly<Record<BrokenLaw['law'], readonly [string, string]>> = {
  commutative: ['merge(a, b)', 'merge(b, a)'],
  associative: ['merge(merge(a, b), c)', 'merge(a, merge(b, c))'],
  idempotent: ['merge(merge(a, b), b)', 'merge(a, b)'],
};

/**
 * How often a law was tried. Rejects with BAD_MERGE where the module cannot be used, takes none of
 * the values, or keeps nothing of them; with UNLAWFUL_MERGE and a counter-example where it breaks
 * a law.
 */
export async function register(
  host: { readonly guests: Jobs; readonly clock: Clock },
  { name, module, recorded, recordedIn, corpusName }: Candidate,
): Promise<number> {
  const verdict = await new GuestModules(host).tryLaws(module, recorded);
  switch (verdict.kind) {
    case 'lawful':
      return verdict.triedCount;
    case 'broken':
      throw unlawful(name, verdict, corpusName);
    case 'constant': {
      const values = recorded.length > 0 ? `the values of ${recordedIn}` : 'generated values';
      const why = `the merge function ${name} makes ${verdict.value} of all ${values}`;
      throw badMerge(`${why}: nothing is left of them`, correctIt(corpusName));
    }
    case 'untried': {
      const values = recorded.length > 0 ? `a value of ${recordedIn}` : 'all generated values';
      const why = `the merge function ${name} throws on ${values}: ${verdict.why}`;
      throw badMerge(why, correctIt(corpusName));
    }
    case 'failed':
    case 'late':
    case 'unbegun': {
      const why = `the merge function ${name} cannot be used: ${verdict.why}`;
      throw badMerge(why, 'Correct the module; kvorum keyspace check tries it.');
    }
  }
}

function correctIt(corpusName: string): string {
  return `Correct it; values that it is made for stand in ${corpusName}, one a line.`;
}

function unlawful(
  name: string,
  { law, values, left, right }: BrokenLaw,
  corpusName: string,
): KvorumError {
  const [leftText, rightText] = EQUATIONS[law];
  const named = values.map((value, index) => `${'abc'[index]} = ${value}`).join(', ');
  const sides = `${leftText} is ${left}, but ${rightText} is ${right}`;
  const message = `the merge function ${name} is not ${law}: for ${named}, ${sides}`;
  const fix = `Make the two equal; if no such value occurs, put those that do into ${corpusName}.`;
  return new KvorumError('UNLAWFUL_MERGE', message, fix);
}
