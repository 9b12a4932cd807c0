// Refusals of another node, and whether they concern the request itself, so that no other node
// would take it either.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { type ErrorCode, KvorumError } from '../../base/errors.ts';
import type { Refused } from '../messages.ts';

const FINAL: readonly ErrorCode[] = [
  'BAD_CONTEXT',
  'BAD_OPTION',
  'LEVEL_IMPOSSIBLE',
  'MERGE_FAILED',
  'NO_SUCH_KEYSPACE',
  'TOO_MANY_SIBLINGS',
  'VALUE_TOO_LARGE',
];

export function isFinal(code: ErrorCode): boolean {
  return FINAL.includes(code);
}

export function errorOf({ code, why, fix }: Refused): KvorumError {
  return new KvorumError(code, why, fix);
}
