// How a command ends, for scripts. The numbers are part of the interface: they never change.

import { type ErrorCode, hasCode } from '../base/errors.ts';

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  unhealthy: 3,
  notFound: 4,
  conflict: 5,
  timeout: 124,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_CODES_HELP = `Exit codes:
  0 ok · 1 failed · 2 usage · 3 cluster unhealthy · 4 not found · 5 conflict · 124 timeout`;

const USAGE: readonly ErrorCode[] = ['BAD_OPTION', 'LEVEL_IMPOSSIBLE', 'NO_SUCH_KEYSPACE'];

export function exitCodeOf(error: unknown): ExitCode {
  if (USAGE.some((code) => hasCode(error, code))) return EXIT.usage;
  if (hasCode(error, 'NO_ANSWER')) return EXIT.timeout;
  if (hasCode(error, 'NOT_ENOUGH_REPLICAS')) return EXIT.unhealthy;
  return EXIT.failed;
}
