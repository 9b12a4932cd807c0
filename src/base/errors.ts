// The one class of operating failures: a closed set of codes, each with a heading of the same
// name in docs/errors.md (the tidy test compares the two lists).
//
// Expected outcomes (a missing key, a quorum that was not reached) are values, not errors; bugs
// are asserts. What remains — a full disk, a port in use, a malformed option — is a KvorumError
// whose message says what happened and why, and whose `fix` says what to do.

export const ERROR_CODES = [
  'BAD_BYTES',
  'BAD_CONTEXT',
  'BAD_MERGE',
  'BAD_OPTION',
  'CLOSED',
  'CORRUPTION',
  'DIRECTORY_LOCKED',
  'DISK_FULL',
  'FOREIGN_DIRECTORY',
  'HINTS_FULL',
  'INDETERMINATE',
  'IO_ERROR',
  'JOB_FAILED',
  'KEY_TOO_LONG',
  'LEVEL_IMPOSSIBLE',
  'LOG_POISONED',
  'MERGE_FAILED',
  'NEWER_FORMAT',
  'NOT_ENOUGH_REPLICAS',
  'NO_ANSWER',
  'NO_SUCH_KEYSPACE',
  'OLDER_FORMAT',
  'OVERLOADED',
  'PLACEMENT_IMPOSSIBLE',
  'PORT_IN_USE',
  'TOO_MANY_SIBLINGS',
  'UNLAWFUL_MERGE',
  'UNREACHABLE',
  'VALUE_TOO_LARGE',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export class KvorumError extends Error {
  readonly code: ErrorCode;
  /** What the reader of the message can do about it; one sentence. */
  readonly fix: string;

  constructor(code: ErrorCode, message: string, fix: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'KvorumError';
    this.code = code;
    this.fix = fix;
  }
}

/** Whether `error` is one of ours with that code. */
export function hasCode(error: unknown, code: ErrorCode): error is KvorumError {
  return error instanceof KvorumError && error.code === code;
}

/** What happened and what to do, in one line. */
export function lineOf({ message, fix }: KvorumError): string {
  return `${message} (${fix})`;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
