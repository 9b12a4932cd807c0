// What a client reads when an operation failed: one line whose first word is a code that Redis
// clients act upon, then Redis' own text where there is one, then ours, and our code at the end.
//
// The word is chosen by what a client would do on reading it. NOREPLICAS, CLUSTERDOWN and TRYAGAIN
// are retried by themselves, so they stand only where nothing was written; an indeterminate write
// is ERR, which nobody retries blindly. MISCONF is what Redis answers when its own disk fails.

import { type ErrorCode, KvorumError, lineOf } from '../../base/errors.ts';
import { commonError, error, type Reply } from './reply.ts';

const GENERIC = 'ERR';
const DISK = 'MISCONF Errors writing to the disk.';
/** What cluster clients (ioredis, redis-py) and go-redis repeat after a pause, by themselves. */
const BUSY = 'TRYAGAIN The node cannot keep up.';
const NOT_SERVED = 'CLUSTERDOWN Hash slot not served.';

const WORDS: Readonly<Record<ErrorCode, string>> = {
  BAD_BYTES: GENERIC,
  BAD_CONTEXT: GENERIC,
  BAD_MERGE: GENERIC,
  BAD_OPTION: GENERIC,
  CLOSED: NOT_SERVED,
  CORRUPTION: GENERIC,
  DIRECTORY_LOCKED: GENERIC,
  DISK_FULL: DISK,
  FOREIGN_DIRECTORY: GENERIC,
  HINTS_FULL: BUSY,
  INDETERMINATE: GENERIC,
  IO_ERROR: DISK,
  JOB_FAILED: GENERIC,
  KEY_TOO_LONG: GENERIC,
  LEVEL_IMPOSSIBLE: GENERIC,
  LOG_POISONED: DISK,
  MERGE_FAILED: GENERIC,
  NEWER_FORMAT: GENERIC,
  NOT_ENOUGH_REPLICAS: 'NOREPLICAS Not enough good replicas to write.',
  NO_ANSWER: NOT_SERVED,
  NO_SUCH_KEYSPACE: GENERIC,
  OLDER_FORMAT: GENERIC,
  OVERLOADED: BUSY,
  PLACEMENT_IMPOSSIBLE: GENERIC,
  PORT_IN_USE: GENERIC,
  TOO_MANY_SIBLINGS: GENERIC,
  UNLAWFUL_MERGE: GENERIC,
  UNREACHABLE: NOT_SERVED,
  VALUE_TOO_LARGE: GENERIC,
};

const refusals = new WeakMap<KvorumError, Reply>();

/** The reply for an error of which there is only one, for all requests that it refuses. */
export function replyOfRefusal(refusal: KvorumError): Reply {
  const known = refusals.get(refusal);
  if (known !== undefined) return known;
  const reply = commonError(textOf(refusal.code, lineOf(refusal)));
  refusals.set(refusal, reply);
  return reply;
}

/** The reply for something thrown; undefined when it is no KvorumError, and so a bug. */
export function replyOfThrown(thrown: unknown): Reply | undefined {
  if (!(thrown instanceof KvorumError)) return undefined;
  return replyOf(thrown.code, lineOf(thrown));
}

/** `text`: what happened and what to do. */
export function replyOf(code: ErrorCode, text: string): Reply {
  return error(textOf(code, text));
}

function textOf(code: ErrorCode, text: string): string {
  return `${WORDS[code]} ${text} [${code}]`;
}
