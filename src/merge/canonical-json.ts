// JSON in one form: the fields of an object in the order of their names, no spaces. Two values that
// mean the same are then the same bytes, which is what the laws of a merge function are about.
//
// What JSON has no form for (a Set, NaN, a promise, undefined) is refused: JSON.stringify would
// turn it into {} or null, and the data would be gone without a word.
//
// Pure: no clock, no disk, no network; dice are an argument.

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Throws a TypeError or a SyntaxError that says what is wrong. */
export function parseJson(bytes: Uint8Array): unknown {
  return JSON.parse(UTF8.decode(bytes));
}

/** Throws a TypeError that names what is no JSON. Fields that are undefined are left out. */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') {
    return JSON.stringify(value);
  }
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${Array.from(value, canonicalJson).join(',')}]`;
  if (isRecord(value)) return canonicalRecord(value);
  throw new TypeError(`${kindOf(value)} is no JSON`);
}

/** An object as JSON has them: neither an array nor an instance of some class. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** What a person would call it: `a Set`, `undefined`, `NaN`. */
export function kindOf(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  return `a ${value.constructor?.name ?? 'strange object'}`;
}

function canonicalRecord(record: Readonly<Record<string, unknown>>): string {
  const fields: string[] = [];
  for (const name of Object.keys(record).sort()) {
    const value = record[name];
    if (value !== undefined) fields.push(`${JSON.stringify(name)}:${canonicalJson(value)}`);
  }
  return `{${fields.join(',')}}`;
}
