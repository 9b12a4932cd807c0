// Merge functions that come with every node, by name.
//
//   set-union     JSON arrays as sets: every element that any sibling has, once, in the order of
//                 their JSON texts. Nothing is ever removed by a merge.
//   max           numbers: the greatest.
//   json-fields   JSON objects: of each field the value that was written last; see json-fields.ts.
//
// Why they obey the laws: a union, and maxima under total orders.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { canonicalJson, kindOf, parseJson } from './canonical-json.ts';
import { jsonFields } from './json-fields.ts';
import type { MergeFunction } from './merge-function.ts';

const INTEGER = /^-?\d{1,1000}$/;
const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;

/** Elements as canonical JSON. */
type Union = ReadonlySet<string>;

const setUnion: MergeFunction = {
  open({ value }): Union {
    const array = parseJson(value);
    if (!Array.isArray(array)) throw new TypeError(`${kindOf(array)} is no JSON array`);
    return new Set(array.map(canonicalJson));
  },
  merge: (a, b): Union => new Set([...(a as Union), ...(b as Union)]),
  close: (union) => Buffer.from(`[${[...(union as Union)].sort().join(',')}]`),
};

const max: MergeFunction = {
  open({ value }): string {
    const text = Buffer.from(value).toString('latin1').trim();
    if (!NUMBER.test(text)) throw new TypeError('the value is no number');
    return text;
  },
  merge: (a, b): string => greaterNumber(a as string, b as string),
  close: (text) => Buffer.from(text as string),
};

export const READY_FUNCTIONS: Readonly<Record<string, MergeFunction>> = {
  'set-union': setUnion,
  max,
  'json-fields': jsonFields,
};

/** Of two texts for one number the greater text. */
function greaterNumber(a: string, b: string): string {
  const [x, y] = [numberIn(a), numberIn(b)];
  // Numbers and integers of any size compare by what they are worth; only `===` tells types apart.
  if (x > y) return a;
  if (x < y) return b;
  return a > b ? a : b;
}

/** Integers are exact, however long. */
function numberIn(text: string): number | bigint {
  return INTEGER.test(text) ? BigInt(text) : Number(text);
}
