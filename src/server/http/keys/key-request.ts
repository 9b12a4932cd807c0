// What a request says about its key: which one, in which keyspace, what the caller has seen of it
// and under which condition it wants to write.
//
//   X-Kvorum-Context: c         writes over what c covers; what it does not becomes a sibling
//   If-Match: "c"               the same, but only when nothing else was written since: else 412
//   If-Match: *                 only when a value is there
//   If-None-Match: *            only when there is none
//
// An entity tag is the context of the answer in quotes: two answers with one context are the same.

import {
  type Condition,
  type ConsistencyLevel,
  decodeContext,
  encodeContext,
  type Keyspace,
  levelIn,
  levelRule,
  type VersionVector,
} from '../../../node/store.ts';
import { badRequest } from './outcome-problem.ts';

export interface KeyAddress {
  readonly keyspace: Keyspace;
  readonly key: Buffer;
}

export type KeyHeaders = Readonly<Record<string, string | string[] | undefined>>;

export interface Seen {
  readonly context: VersionVector | undefined;
  readonly condition: Condition | undefined;
}

const BASE64URL = /^[A-Za-z0-9_-]*$/;

/** The bytes that the path names; throws BAD_REQUEST. */
export function keyIn(text: string, encoding: 'utf8' | 'base64url'): Buffer {
  if (encoding === 'utf8') return Buffer.from(text);
  if (!BASE64URL.test(text)) {
    throw badRequest('the key is not base64url', 'Encode its bytes again, without padding.');
  }
  return Buffer.from(text, 'base64url');
}

/** How many replicas to wait for, as `r` or `w` in the query says it. Throws BAD_REQUEST. */
export function levelGiven(
  name: 'r' | 'w',
  text: string | undefined,
): ConsistencyLevel | undefined {
  const level = text === undefined ? undefined : levelIn(text);
  if (level !== undefined || text === undefined) return level;
  throw badRequest(`${name} cannot be "${text}"`, `${levelRule(name)}.`);
}

/** What a reader has seen already, and whatever is answered must cover. Throws BAD_CONTEXT. */
export function contextIn(headers: KeyHeaders, { number }: Keyspace): VersionVector | undefined {
  const context = headerOf(headers, 'x-kvorum-context');
  return context === undefined ? undefined : decodeContext(context, number);
}

/** Throws BAD_CONTEXT, or BAD_REQUEST where headers contradict each other. */
export function seenIn(headers: KeyHeaders, { number }: Keyspace): Seen {
  const context = headerOf(headers, 'x-kvorum-context');
  const match = headerOf(headers, 'if-match');
  const noneMatch = headerOf(headers, 'if-none-match');
  if ([context, match, noneMatch].filter((each) => each !== undefined).length > 1) {
    const fix = 'Send one of X-Kvorum-Context, If-Match and If-None-Match.';
    throw badRequest('the request names more than one state of the key', fix);
  }
  if (context !== undefined) {
    return { context: decodeContext(context, number), condition: undefined };
  }
  if (match === '*') return { context: undefined, condition: 'present' };
  if (match !== undefined) {
    return { context: decodeContext(contextOfTag(match), number), condition: 'unchanged' };
  }
  if (noneMatch === undefined) return { context: undefined, condition: undefined };
  if (noneMatch === '*') return { context: undefined, condition: 'absent' };
  throw badRequest('a write takes no If-None-Match but *', 'Send If-Match with the entity tag.');
}

export function tagOf(context: VersionVector, { number }: Keyspace): string {
  return `"${encodeContext(context, number)}"`;
}

/**
 * A header of ours that we do not know is a wish that would not be heeded: a misspelt context would
 * make a blind write of it. The same goes for standard ones that change what a PUT means. Throws
 * BAD_REQUEST.
 */
export function refuseUnheeded(headers: KeyHeaders): void {
  for (const name of Object.keys(headers)) {
    if (name.startsWith('x-kvorum-') && name !== 'x-kvorum-context') {
      throw badRequest(`there is no request header ${name}`, 'There is X-Kvorum-Context.');
    }
  }
  if (headers['content-range'] !== undefined) {
    throw badRequest('a value is written whole, without Content-Range', 'Send all of it.');
  }
  const coding = headerOf(headers, 'content-encoding');
  if (coding !== undefined && coding.toLowerCase() !== 'identity') {
    const fix = 'Send the bytes as they shall be stored, without Content-Encoding.';
    throw badRequest(`a body in Content-Encoding ${coding} is not decoded`, fix);
  }
}

/** Whether the caller of a read has this answer already. */
export function isKnown(headers: KeyHeaders, tag: string): boolean {
  const known = headerOf(headers, 'if-none-match');
  return known?.split(',').some((each) => strong(each.trim()) === tag) ?? false;
}

function contextOfTag(header: string): string {
  const tag = strong(header.trim());
  if (/^"[^"]*"$/.test(tag)) return tag.slice(1, -1);
  throw badRequest(
    'If-Match is not one entity tag',
    'Send the ETag of the answer, quotes included.',
  );
}

/** Proxies that compress an answer mark its tag as weak. */
function strong(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag;
}

/** Undefined: it was not sent. */
/** Undefined: it was not sent. */
export function headerOf(headers: KeyHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}
