// The merge function `json-fields`: of each field of a JSON object what was written last. Writers
// send whole objects, so that the time of a write says nothing of its single fields; therefore the
// object itself remembers, in a field `$at`, when each of the others changed, and to what:
//
//   {"name":"Ann","town":"Ulm","$at":{"age":[t1,null],"name":[t2,d2],"town":[t3,d3]}}
//
//   t   hybrid time of the write that changed it
//   d   CRC-32 of its canonical JSON; null: that write removed it
//
// Every read shows `$at`, of a lone value too, and whoever writes the object back leaves it as it
// is. A field that is not what `d` says was changed by that write, one that is gone was removed by
// it, and all others keep their times: so two writers who change different fields do not undo each
// other. An object without `$at` counts as written as a whole.
//
// The state of a merge is the object with all times, and its merge a maximum per field under the
// total order (time, text; a removal is less than any text): that is why it obeys the laws. With
// one time per merged value, the newest of its parts, an old field beside a new one would beat what
// was written between the two, in one order of merging and not in another.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { crc32 } from '../base/checksum.ts';
import type { HybridTime } from '../causality/hybrid-clock.ts';
import { canonicalJson, isRecord, kindOf, parseJson } from './canonical-json.ts';
import type { MergeFunction } from './merge-function.ts';

export const AT = '$at';

interface Field {
  readonly time: HybridTime;
  /** Canonical JSON; undefined: it was removed. */
  readonly text: string | undefined;
}

type Fields = Map<string, Field>;

interface Stamp {
  readonly time: HybridTime;
  readonly digest: number | null;
}

export const jsonFields: MergeFunction = {
  showsLone: true,
  open: ({ value, time }) => fieldsIn(value, time),
  merge(a, b): Fields {
    const merged = a as Fields;
    for (const [name, field] of b as Fields) {
      const other = merged.get(name);
      if (other === undefined || isLater(field, other)) merged.set(name, field);
    }
    return merged;
  },
  close: (fields) => bytesOf(fields as Fields),
};

function fieldsIn(value: Uint8Array, time: HybridTime): Fields {
  const record = parseJson(value);
  if (!isRecord(record)) throw new TypeError(`${kindOf(record)} is no JSON object`);
  const stamps = Object.hasOwn(record, AT) ? stampsIn(record[AT]) : new Map<string, Stamp>();
  const fields: Fields = new Map();
  for (const [name, field] of Object.entries(record)) {
    if (name === AT) continue;
    const text = canonicalJson(field);
    fields.set(name, { time: timeOf(stamps.get(name), digestOf(text), time), text });
  }
  for (const [name, stamp] of stamps) {
    if (fields.has(name)) continue;
    fields.set(name, { time: timeOf(stamp, null, time), text: undefined });
  }
  return fields;
}

/** A stamp that is later than the write which carries it is none of ours. */
function timeOf(stamp: Stamp | undefined, digest: Stamp['digest'], written: HybridTime) {
  const isUnchanged = stamp !== undefined && stamp.digest === digest;
  return isUnchanged ? Math.min(stamp.time, written) : written;
}

function stampsIn(at: unknown): Map<string, Stamp> {
  if (!isRecord(at)) throw new TypeError(`the field ${AT} is ${kindOf(at)}`);
  const stamps = new Map<string, Stamp>();
  for (const [name, entry] of Object.entries(at)) {
    const [time, digest, ...more] = Array.isArray(entry) ? entry : [];
    const isStamp = isCount(time) && (digest === null || isCount(digest)) && more.length === 0;
    if (!isStamp) {
      throw new TypeError(`the field ${AT} has no [time, digest] for ${JSON.stringify(name)}`);
    }
    stamps.set(name, { time, digest });
  }
  return stamps;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isLater(a: Field, b: Field): boolean {
  if (a.time !== b.time) return a.time > b.time;
  return a.text !== undefined && (b.text === undefined || a.text > b.text);
}

function bytesOf(fields: Fields): Buffer {
  const members: string[] = [];
  const stamps: string[] = [];
  for (const [name, { time, text }] of [...fields].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const quoted = JSON.stringify(name);
    if (text !== undefined) members.push(`${quoted}:${text}`);
    stamps.push(`${quoted}:[${time},${text === undefined ? null : digestOf(text)}]`);
  }
  members.push(`"${AT}":{${stamps.join(',')}}`);
  return Buffer.from(`{${members.join(',')}}`);
}

function digestOf(text: string): number {
  return crc32(Buffer.from(text));
}
