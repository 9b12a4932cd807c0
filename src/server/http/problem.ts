// Every error over HTTP has one shape: { code, message, cause?, fix, docs }, with the code of
// docs/errors.md, so that a program can act on it and a person knows what to do.

import { ERROR_CODES, KvorumError, messageOf } from '../../base/errors.ts';

export interface Problem {
  /** HTTP status. */
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly cause?: string;
  readonly fix: string;
}

export function problemBody({ code, message, cause, fix }: Problem): Record<string, unknown> {
  const isOurs = ERROR_CODES.some((each) => each === code);
  // What only HTTP can say has one heading for all of it.
  const heading = isOurs ? code.toLowerCase() : 'over-http';
  return { code, message, cause, fix, docs: `docs/errors.md#${heading}` };
}

export function noSuchPath(method: string, path: string): Problem {
  const fix = 'There are GET /healthz, /readyz, /metrics and /v1/status.';
  return { status: 404, code: 'NO_SUCH_PATH', message: `there is no ${method} ${path}`, fix };
}

export function methodNotAllowed(method: string, path: string): Problem {
  const message = `${path} does not take ${method}`;
  return { status: 405, code: 'METHOD_NOT_ALLOWED', message, fix: 'Use GET.' };
}

/** What Node's parser could not read, or gave up waiting for; it never became a request. */
export function unreadable(code: string | undefined): Problem {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    const message = 'the request did not arrive in time';
    return { status: 408, code: 'REQUEST_TIMEOUT', message, fix: 'Send it at once.' };
  }
  const message = `this is no HTTP request (${code})`;
  return { status: 400, code: 'BAD_REQUEST', message, fix: 'Speak HTTP/1.1 to this port.' };
}

export function notReady(stage: string): Problem {
  const message = `this node is ${stage}`;
  return { status: 503, code: 'NOT_READY', message, fix: 'Ask again in a second.' };
}

/** What fastify, a handler or Node's HTTP parser threw. */
export function problemOf(error: unknown): Problem {
  const status = statusOf(error);
  const message = messageOf(error);
  if (status === 413) {
    const fix = 'Send less: the limit stands in the documentation of the path.';
    return { status, code: 'BODY_TOO_LARGE', message, fix };
  }
  if (error instanceof KvorumError) {
    return { status: 500, code: error.code, message, fix: error.fix };
  }
  if (status >= 400 && status < 500) {
    return { status, code: 'BAD_REQUEST', message, fix: 'Correct the request.' };
  }
  const fix = 'This is a bug of Kvorum: please report it with the log of the node.';
  return { status: 500, code: 'BUG', message, fix };
}

function statusOf(error: unknown): number {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' ? status : 500;
}
