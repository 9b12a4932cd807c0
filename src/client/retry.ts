// What a client may do about a request that failed. A read changes nothing, so it is tried again
// wherever somebody may answer. A write is tried again only when it certainly was not carried out:
// done twice it could undo what others wrote in between.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { ERROR_CODES, type ErrorCode, KvorumError } from '../base/errors.ts';
import type { ReplyError } from './reply-parser.ts';

/** `refused`: nothing was done. `lost`: nobody knows. */
export type Failure =
  | { readonly kind: 'refused'; readonly error: KvorumError; readonly mayPass: boolean }
  | { readonly kind: 'lost'; readonly error: KvorumError };

/** Error words after which nothing was done and a later attempt may succeed. */
const PASSING = new Set(['LOADING', 'CLUSTERDOWN', 'TRYAGAIN', 'NOREPLICAS', 'MISCONF']);
/** What no other attempt would change, although nothing was sent yet. */
const FINAL = new Set<ErrorCode>(['BAD_OPTION', 'CLOSED', 'NO_SUCH_KEYSPACE']);
const INDETERMINATE_FIX = 'Read the key back before you write it again.';

export function failureOf(reply: ReplyError): Failure {
  const code = codeIn(reply);
  const error = new KvorumError(code, textIn(reply), fixFor(code));
  if (code === 'INDETERMINATE') return { kind: 'lost', error };
  return { kind: 'refused', error, mayPass: PASSING.has(reply.word) };
}

/** Of a connection that broke; `wasSent`: after the command had left. */
export function failureOfConnection(cause: unknown, wasSent: boolean): Failure {
  if (!(cause instanceof KvorumError)) throw cause;
  const isFinal = FINAL.has(cause.code);
  if (!wasSent || isFinal) return { kind: 'refused', error: cause, mayPass: !isFinal };
  const message = `${cause.message}, after the request was sent`;
  return {
    kind: 'lost',
    error: new KvorumError('INDETERMINATE', message, INDETERMINATE_FIX, cause),
  };
}

export function mayRetry(failure: Failure, isRead: boolean): boolean {
  return failure.kind === 'lost' ? isRead : failure.mayPass;
}

/** Error replies of Kvorum end in their code: `… [NOT_ENOUGH_REPLICAS]`. */
function codeIn({ text, word }: ReplyError): ErrorCode {
  const bracketed = /\[([A-Z_]+)\]$/.exec(text)?.[1];
  const code = ERROR_CODES.find((each) => each === bracketed);
  if (code !== undefined) return code;
  return PASSING.has(word) ? 'UNREACHABLE' : 'BAD_OPTION';
}

function textIn({ text }: ReplyError): string {
  return text.replace(/^ERR /, '').replace(/ \[[A-Z_]+\]$/, '');
}

function fixFor(code: ErrorCode): string {
  if (code === 'INDETERMINATE') return INDETERMINATE_FIX;
  return code === 'BAD_OPTION' ? 'Correct the call.' : 'See docs/errors.md for this code.';
}
