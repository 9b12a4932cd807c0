// Merges on the thread for guests: loads a module once, merges with it, or tries its laws. What
// goes wrong in the module is an answer in words; what goes wrong with the thread (an endless loop,
// too much memory, process.exit) ends the job, and guest-modules.ts tells of that.

import { KvorumError, lineOf, messageOf } from '../base/errors.ts';
import type { Disk } from '../host/host.ts';
import { type LawVerdict, lawVerdict } from './laws.ts';
import { type MergeFunction, type MergeInput, mergeAll } from './merge-function.ts';
import { badMerge, functionOf } from './module-function.ts';
import { READY_FUNCTIONS } from './ready-functions.ts';
import { diceFrom, sampleFamilies } from './sample-values.ts';

/** `module`: its URL, or the name of a ready function. */
export type MergeOrder =
  | { readonly kind: 'load'; readonly module: string }
  | { readonly kind: 'merge'; readonly module: string; readonly inputs: readonly MergeInput[] }
  | { readonly kind: 'try'; readonly module: string; readonly recorded: readonly Uint8Array[] };

export type MergeAnswer =
  | { readonly kind: 'loaded' }
  | { readonly kind: 'merged'; readonly value: Uint8Array }
  | { readonly kind: 'tried'; readonly verdict: LawVerdict }
  /** By the module itself, while it ran. */
  | { readonly kind: 'failed'; readonly why: string };

/** The same values for everybody: what is refused here is refused everywhere. */
const SEED = 1;

/** By URL or name; a module that could not be loaded is tried again. */
const functions = new Map(Object.entries(READY_FUNCTIONS));

/** Rejects with BAD_MERGE where the module cannot be used at all. */
export async function runJob(_disk: Disk, order: unknown): Promise<MergeAnswer> {
  const asked = order as MergeOrder;
  const fn = functions.get(asked.module) ?? (await loaded(asked.module));
  if (asked.kind === 'load') return { kind: 'loaded' };
  if (asked.kind === 'merge') return merged(fn, asked.inputs);
  const dice = diceFrom(SEED);
  const families = sampleFamilies(asked.recorded, dice);
  return { kind: 'tried', verdict: lawVerdict(fn, families, dice) };
}

function merged(fn: MergeFunction, inputs: readonly MergeInput[]): MergeAnswer {
  try {
    return { kind: 'merged', value: mergeAll(fn, inputs) };
  } catch (error) {
    return { kind: 'failed', why: messageOf(error) };
  }
}

async function loaded(url: string): Promise<MergeFunction> {
  try {
    const fn = functionOf((await import(url)) as Readonly<Record<string, unknown>>);
    functions.set(url, fn);
    return fn;
  } catch (error) {
    const why = error instanceof KvorumError ? lineOf(error) : messageOf(error);
    throw badMerge(why, 'Correct the module.', error);
  }
}
