// What a program hands to the client, looked at before anything is sent: types are only promises,
// and JavaScript makes none. An object that became "[object Object]", or a misspelt `condtion` that
// nobody looked at, would be data lost without a word.

import { KvorumError } from '../base/errors.ts';

/** The bytes of a key or a value: text as UTF-8. Throws BAD_OPTION for anything else. */
export function bytesGiven(what: 'key' | 'value', given: unknown): Buffer {
  if (typeof given === 'string') return Buffer.from(given);
  if (Buffer.isBuffer(given)) return given;
  if (given instanceof Uint8Array) {
    return Buffer.from(given.buffer, given.byteOffset, given.byteLength);
  }
  const fix = 'Give a string or a Uint8Array: JSON.stringify() an object, String() a number.';
  throw badOption(`a ${what} is text or bytes, not ${kindOf(given)}`, fix);
}

/** Throws BAD_OPTION for an option that is none of `known`. */
export function refuseUnknown(options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    throw badOption(`there is no option "${name}"`, `There are: ${known.join(', ')}.`);
  }
}

function kindOf(given: unknown): string {
  if (typeof given !== 'object' || given === null) return String(given);
  return Array.isArray(given) ? 'an array' : `a ${given.constructor?.name ?? 'strange object'}`;
}

function badOption(message: string, fix: string): KvorumError {
  return new KvorumError('BAD_OPTION', message, fix);
}
