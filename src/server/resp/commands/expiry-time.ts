// Expiry times as clients give them — seconds or milliseconds, from now or since 1970 — turned
// into the absolute milliseconds of the store, refused where Redis refuses them.
//
// The store keeps 53 bits of milliseconds. What Redis' 64 bits could hold beyond (after the year
// 287,396) is kept as the last moment of the 53: nobody will live to see the difference.

import { error, type Reply } from '../reply.ts';
import { INT64_MAX, INT64_MIN, integer64, NOT_AN_INTEGER } from './integer-argument.ts';

export interface ExpiryUnit {
  readonly isSeconds: boolean;
  /** Since 1970 rather than from now. */
  readonly isAbsolute: boolean;
}

export type ExpiryTime =
  /** May lie in the past, and below zero. */
  | { readonly kind: 'at'; readonly wallMs: number }
  | { readonly kind: 'refused'; readonly reply: Reply };

/** `command` is the name that the error text bears. The sign is the caller's to judge. */
export function expiryTime(
  word: Buffer,
  unit: ExpiryUnit,
  nowMs: number,
  command: string,
): ExpiryTime {
  const given = integer64(word);
  if (given === undefined) return { kind: 'refused', reply: NOT_AN_INTEGER };
  const ms = unit.isSeconds ? given * 1000n : given;
  const at = unit.isAbsolute ? ms : ms + BigInt(nowMs);
  if (ms > INT64_MAX || ms < INT64_MIN || at > INT64_MAX) {
    return { kind: 'refused', reply: invalidExpireTime(command) };
  }
  return { kind: 'at', wallMs: Math.min(Number(at), Number.MAX_SAFE_INTEGER) };
}

export function invalidExpireTime(command: string): Reply {
  return error(`ERR invalid expire time in '${command}' command`);
}
