// All mutants.

import { CAUSALITY_MUTANTS } from './causality-mutants.ts';
import type { Mutant } from './mutant.ts';
import { QUORUM_MUTANTS } from './quorum-mutants.ts';
import { REPAIR_MUTANTS } from './repair-mutants.ts';
import { STORAGE_MUTANTS } from './storage-mutants.ts';

export const MUTANTS: readonly Mutant[] = [
  ...CAUSALITY_MUTANTS,
  ...QUORUM_MUTANTS,
  ...REPAIR_MUTANTS,
  ...STORAGE_MUTANTS,
];

/** Throws where there is none of that name. */
export function mutantNamed(name: string): Mutant {
  const mutant = MUTANTS.find((each) => each.name === name);
  if (mutant === undefined) throw new Error(`there is no mutant "${name}"`);
  return mutant;
}
