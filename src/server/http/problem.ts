// Every error over HTTP has one shape: { code, message, cause?, fix, docs }, with the code of
// docs/errors.md, so that a program can act on it and a person knows what to do.
//
// The status says whether a retry is safe: 503 means that nothing was written, 504 that nobody
// knows (INDETERMINATE).

import { ERROR_CODES, type ErrorCode, KvorumError, messageOf } from '../../base/errors.ts';

export interface Problem {
  /** HTTP status. */
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly cause?: string;
  readonly fix: string;
}

const INTERNAL = 500;
const UNAVAILABLE = 503;

export const STATUSES: Readonly<Record<ErrorCode, number>> = {
  BAD_BYTES: INTERNAL,
  BAD_CONTEXT: 400,
  BAD_MERGE: INTERNAL,
  BAD_OPTION: 400,
  CLOSED: UNAVAILABLE,
  CORRUPTION: INTERNAL,
  DIRECTORY_LOCKED: INTERNAL,
  DISK_FULL: 507,
  FOREIGN_DIRECTORY: INTERNAL,
  HINTS_FULL: UNAVAILABLE,
  INDETERMINATE: 504,
  IO_ERROR: INTERNAL,
  JOB_FAILED: INTERNAL,
  KEY_TOO_LONG: 414,
  LEVEL_IMPOSSIBLE: 400,
  LOG_POISONED: INTERNAL,
  MERGE_FAILED: INTERNAL,
  NEWER_FORMAT: INTERNAL,
  NOT_ENOUGH_REPLICAS: UNAVAILABLE,
  NO_ANSWER: UNAVAILABLE,
  NO_SUCH_KEYSPACE: 404,
  OLDER_FORMAT: INTERNAL,
  OVERLOADED: UNAVAILABLE,
  PLACEMENT_IMPOSSIBLE: INTERNAL,
  PORT_IN_USE: INTERNAL,
  TOO_MANY_SIBLINGS: 409,
  UNLAWFUL_MERGE: INTERNAL,
  UNREACHABLE: UNAVAILABLE,
  VALUE_TOO_LARGE: 413,
};

export function problemBody({ code, message, cause, fix }: Problem): Record<string, unknown> {
  const isOurs = ERROR_CODES.some((each) => each === code);
  // What only HTTP can say has one heading for all of it.
  const heading = isOurs ? code.toLowerCase() : 'over-http';
  return { code, message, cause, fix, docs: `docs/errors.md#${heading}` };
}

/** A KvorumError, or what HTTP alone can say, thrown by a handler. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

export function noSuchPath(method: string, path: string): Problem {
  const fix = 'GET /v1/docs lists what there is, beside /healthz, /readyz and /metrics.';
  return { status: 404, code: 'NO_SUCH_PATH', message: `there is no ${method} ${path}`, fix };
}

export function methodNotAllowed(method: string, path: string, allowed: string): Problem {
  const message = `${path} does not take ${method}`;
  return { status: 405, code: 'METHOD_NOT_ALLOWED', message, fix: `Use ${allowed}.` };
}

/** What Node's parser could not read, or gave up waiting for; it never became a request. */
export function unreadable(code: string | undefined): Problem {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    const message = 'the request did not arrive in time';
    return { status: 408, code: 'REQUEST_TIMEOUT', message, fix: 'Send it at once.' };
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    const message = 'the headers of the request are too large';
    const fix = 'A key has at most 16 KiB, a context 8,192 characters.';
    return { status: 431, code: 'HEADERS_TOO_LARGE', message, fix };
  }
  const message = `this is no HTTP request (${code})`;
  return { status: 400, code: 'BAD_REQUEST', message, fix: 'Speak HTTP/1.1 to this port.' };
}

/** A path whose percent signs stand for no UTF-8. */
export function unreadablePath(message: string): Problem {
  const fix =
    'Percent-encode UTF-8; a key of other bytes goes as base64url, with ?encoding=base64url.';
  return { status: 400, code: 'BAD_REQUEST', message, fix };
}

export function notReady(stage: string): Problem {
  const message = `this node is ${stage}`;
  return { status: 503, code: 'NOT_READY', message, fix: 'Ask again in a second.' };
}

/** What fastify, a handler or Node's HTTP parser threw. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  const message = messageOf(error);
  if (error instanceof KvorumError) {
    return { status: STATUSES[error.code], code: error.code, message, fix: error.fix };
  }
  const status = statusOf(error);
  if (status === 413) {
    const fix = 'Send less: the limit stands in the documentation of the path.';
    return { status, code: 'BODY_TOO_LARGE', message, fix };
  }
  if (status >= 400 && status < 500) {
    return { status, code: 'BAD_REQUEST', message, fix: 'Correct the request; see GET /v1/docs.' };
  }
  const fix = 'This is a bug of Kvorum: please report it with the log of the node.';
  return { status: 500, code: 'BUG', message, fix };
}

function statusOf(error: unknown): number {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' ? status : 500;
}
