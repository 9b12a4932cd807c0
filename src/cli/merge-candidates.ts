// The merge functions of keyspaces, tried before a node serves with them: modules, each with the
// corpus beside it. `cart-merge.ts` has its recorded values in `cart-merge.corpus`, one a line, as
// they were stored; a line that begins with `base64:` holds bytes that are no text.

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../base/errors.ts';
import type { Jobs } from '../host/host.ts';
import { nodeClock } from '../host/node-clock.ts';
import { nodeJobs } from '../host/node-jobs.ts';
import { MERGE_JOBS } from '../merge/merge-jobs.ts';
import type { MergeRule } from '../merge/merge-rule.ts';
import { badMerge } from '../merge/module-function.ts';
import { type Candidate, register } from '../merge/registration.ts';

/** Two carts take kilobytes; a function that needs more than this has run away. */
const HEAP_MB = 128;
const BASE64 = 'base64:';

export interface Tried {
  readonly name: string;
  /** How often a law was tried; undefined: a ready function, whose laws our own tests try. */
  readonly triedCount: number | undefined;
  /** Where the values stand that it was tried on; undefined: they were generated. */
  readonly recordedIn: string | undefined;
}

/** Values of a running cluster. */
export interface Stored {
  readonly values: readonly Uint8Array[];
  readonly keyspace: string;
}

/** Where modules of users run. */
export function guestJobs(): Jobs {
  return nodeJobs({ directory: undefined, modules: MERGE_JOBS, heapMb: HEAP_MB });
}

/** One after the other, on `stored` besides. Rejects with BAD_MERGE or UNLAWFUL_MERGE. */
export async function tryMerges(
  guests: Jobs,
  rules: readonly MergeRule[],
  stored?: Stored,
): Promise<Tried[]> {
  const tried: Tried[] = [];
  for (const { name, module } of rules) {
    if (module === undefined) {
      tried.push({ name, triedCount: undefined, recordedIn: undefined });
      continue;
    }
    for (const candidate of candidatesOf(name, module, stored)) {
      const triedCount = await register({ guests, clock: nodeClock() }, candidate);
      const isRecorded = candidate.recorded.length > 0;
      tried.push({ name, triedCount, recordedIn: isRecorded ? candidate.recordedIn : undefined });
    }
  }
  return tried;
}

function candidatesOf(name: string, module: string, stored: Stored | undefined): Candidate[] {
  const candidate = candidateOf(name, module);
  if (stored === undefined || stored.values.length === 0) return [candidate];
  const recordedIn = `keyspace "${stored.keyspace}"`;
  return [candidate, { ...candidate, recorded: stored.values, recordedIn }];
}

function candidateOf(name: string, module: string): Candidate {
  const path = fileURLToPath(module);
  if (textOf(path) === undefined) {
    const fix = 'Paths are relative to the configuration file.';
    throw badMerge(`there is no merge function at ${path}`, fix);
  }
  const corpus = path.replace(/\.[^.]+$/, '.corpus');
  const lines = textOf(corpus)?.split(/\r?\n/) ?? [];
  const recorded = lines.filter((line) => line !== '').map(valueIn);
  const corpusName = basename(corpus);
  return { name, module, recorded, recordedIn: corpusName, corpusName };
}

function valueIn(line: string): Buffer {
  return line.startsWith(BASE64)
    ? Buffer.from(line.slice(BASE64.length), 'base64')
    : Buffer.from(line);
}

/** Undefined: there is no such file. Throws BAD_MERGE where it cannot be read. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw badMerge(`cannot read ${path}: ${messageOf(error)}`, 'Check the path.', error);
  }
}
