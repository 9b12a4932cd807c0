// A module of a user as a merge function. It exports `merge(a, b)`, and may say what it wants to be
// given and gives back:
//
//   export const values = 'bytes';   Uint8Array; it may return a string as well (the default)
//   export const values = 'json';    what JSON.parse makes of the value; it returns such a thing
//
// Its arguments are its own: it may change them. What it returns is looked at: undefined, a promise
// or a Set stored as JSON would be lost data.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { KvorumError } from '../base/errors.ts';
import { canonicalJson, kindOf, parseJson } from './canonical-json.ts';
import type { MergeFunction } from './merge-function.ts';

type Merge = (a: unknown, b: unknown) => unknown;

/** `exported`: the names of the module and what they stand for. Throws BAD_MERGE. */
export function functionOf(exported: Readonly<Record<string, unknown>>): MergeFunction {
  const { merge, values = 'bytes' } = exported;
  if (typeof merge !== 'function') {
    const names = Object.keys(exported).join(', ') || 'nothing';
    const why = merge === undefined ? `it exports ${names}` : `merge is ${kindOf(merge)}`;
    throw badMerge(`no function "merge" is exported: ${why}`, 'Write: export function merge(a, b)');
  }
  if (values === 'bytes') return onBytes(merge as Merge);
  if (values === 'json') return onJson(merge as Merge);
  const fix = "Write: export const values = 'json'; or leave it out.";
  throw badMerge(`"values" is ${kindOf(values)}, neither 'bytes' nor 'json'`, fix);
}

export function badMerge(message: string, fix: string, cause?: unknown): KvorumError {
  return new KvorumError('BAD_MERGE', message, fix, cause);
}

function onBytes(merge: Merge): MergeFunction {
  return {
    open: ({ value }) => new Uint8Array(value),
    merge: (a, b) => bytesIn(merge(a, b)),
    close: (state) => state as Uint8Array,
  };
}

function onJson(merge: Merge): MergeFunction {
  return {
    open: ({ value }) => parseJson(value),
    // Read back what it would be stored as: a merge of many sees what a later merge would see.
    merge: (a, b) => JSON.parse(canonicalJson(merge(a, b))),
    close: (state) => Buffer.from(canonicalJson(state)),
  };
}

function bytesIn(result: unknown): Uint8Array {
  if (typeof result === 'string') return Buffer.from(result);
  if (result instanceof Uint8Array) return result;
  throw new TypeError(`merge returned ${kindOf(result)}, neither bytes nor a string`);
}
