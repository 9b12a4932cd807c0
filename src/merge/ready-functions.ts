// Merge functions that come with every node, by name.
//
//   set-union     JSON arrays as sets: every element that any sibling has, once, in the order of
//                 their JSON texts. Nothing is ever removed by a merge.
//   max           numbers: the greatest.
//   json-fields   JSON objects: of each field the value that was written last.
//
// Why they obey the laws: a union, a maximum under a total order, and, for json-fields, a maximum
// per field under the total order (time of the write, text of the value). A field keeps the time
// of its own sibling while siblings are merged. With one time per merged value, the newest of its
// parts, an old field beside a new one would beat what was written between the two, in one order
// of merging and not in another.
//
// Pure: no clock, no disk, no network; dice are an argument.

import type { HybridTime } from '../causality/hybrid-clock.ts';
import { canonicalJson, isRecord, kindOf, parseJson } from './canonical-json.ts';
import type { MergeFunction } from './merge-function.ts';

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

interface Field {
  readonly time: HybridTime;
  /** Canonical JSON. */
  readonly text: string;
}

type Fields = Map<string, Field>;

const jsonFields: MergeFunction = {
  open({ value, time }): Fields {
    const record = parseJson(value);
    if (!isRecord(record)) throw new TypeError(`${kindOf(record)} is no JSON object`);
    const fields = Object.entries(record);
    return new Map(fields.map(([name, field]) => [name, { time, text: canonicalJson(field) }]));
  },
  merge(a, b): Fields {
    const merged = a as Fields;
    for (const [name, field] of b as Fields) {
      const other = merged.get(name);
      if (other === undefined || isLater(field, other)) merged.set(name, field);
    }
    return merged;
  },
  close(fields) {
    const sorted = [...(fields as Fields)].sort(([a], [b]) => (a < b ? -1 : 1));
    const texts = sorted.map(([name, { text }]) => `${JSON.stringify(name)}:${text}`);
    return Buffer.from(`{${texts.join(',')}}`);
  },
};

export const READY_FUNCTIONS: Readonly<Record<string, MergeFunction>> = {
  'set-union': setUnion,
  max,
  'json-fields': jsonFields,
};

/** Of two texts for one number (or that a double cannot tell apart) the greater text. */
function greaterNumber(a: string, b: string): string {
  const difference = Number(a) - Number(b) || 0;
  if (difference !== 0) return difference > 0 ? a : b;
  return a > b ? a : b;
}

function isLater(a: Field, b: Field): boolean {
  return a.time !== b.time ? a.time > b.time : a.text > b.text;
}
