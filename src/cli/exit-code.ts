// How a command ends, for scripts. The numbers are part of the interface: they never change.

import { hasCode } from '../base/errors.ts';

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

export function exitCodeOf(error: unknown): ExitCode {
  if (hasCode(error, 'BAD_OPTION') || hasCode(error, 'NO_SUCH_KEYSPACE')) return EXIT.usage;
  if (hasCode(error, 'NO_ANSWER')) return EXIT.timeout;
  if (hasCode(error, 'NOT_ENOUGH_REPLICAS')) return EXIT.unhealthy;
  return EXIT.failed;
}
