// Integers as clients write them, by Redis' rule: an optional minus and decimal digits without
// leading zeros, within 64 bits signed. bigint, because expiry arithmetic is defined on 64 bits.

import { error, type Reply } from '../reply.ts';

export const NOT_AN_INTEGER: Reply = error('ERR value is not an integer or out of range');
export const SYNTAX_ERROR: Reply = error('ERR syntax error');

export const INT64_MAX = 2n ** 63n - 1n;
export const INT64_MIN = -(2n ** 63n);

/** Undefined where `word` is not an integer of 64 bits. */
export function integer64(word: Buffer | undefined): bigint | undefined {
  if (word === undefined || word.length === 0 || word.length > 20) return undefined;
  const text = word.toString('latin1');
  if (!/^(0|-?[1-9]\d*)$/.test(text)) return undefined;
  const value = BigInt(text);
  return value >= INT64_MIN && value <= INT64_MAX ? value : undefined;
}
