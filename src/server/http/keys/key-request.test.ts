import { deepEqual, equal, throws } from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../../../base/errors.ts';
import type { KeyspaceNumber } from '../../../base/ids.ts';
import { encodeContext } from '../../../causality/context.ts';
import { actorOf } from '../../../causality/dot.ts';
import { DEFAULT_KEYSPACE } from '../../../replication/keyspace.ts';
import { ProblemError } from '../problem.ts';
import { isKnown, keyIn, refuseUnheeded, seenIn, tagOf } from './key-request.ts';

const VECTOR = [{ actor: actorOf(7, 1), counter: 3 }];
const TEXT = encodeContext(VECTOR, DEFAULT_KEYSPACE.number);
const isBadRequest = (error: unknown) =>
  error instanceof ProblemError && error.problem.code === 'BAD_REQUEST';

test('what a write has seen, and on which condition', () => {
  const nothing = { context: undefined, condition: undefined };
  const cases = [
    [{}, nothing],
    [{ 'x-kvorum-context': TEXT }, { context: VECTOR, condition: undefined }],
    [{ 'if-match': `"${TEXT}"` }, { context: VECTOR, condition: 'unchanged' }],
    [{ 'if-match': `W/"${TEXT}"` }, { context: VECTOR, condition: 'unchanged' }],
    [{ 'if-match': '*' }, { context: undefined, condition: 'present' }],
    [{ 'if-none-match': '*' }, { context: undefined, condition: 'absent' }],
  ] as const;
  for (const [headers, seen] of cases) deepEqual(seenIn(headers, DEFAULT_KEYSPACE), seen);
});

test('headers that would not be heeded are refused', () => {
  refuseUnheeded({ 'x-kvorum-context': TEXT, 'content-type': 'a/b', 'x-request-id': '1' });
  refuseUnheeded({ 'content-encoding': 'Identity' });
  for (const headers of [
    { 'x-kvorum-contxt': TEXT },
    { 'x-kvorum-receipt': '{}' },
    { 'content-range': 'bytes 0-1/2' },
    { 'content-encoding': 'gzip' },
  ]) {
    throws(() => refuseUnheeded(headers), isBadRequest);
  }
});

test('headers that contradict each other, or are none of ours, are refused', () => {
  const cases = [
    { 'x-kvorum-context': TEXT, 'if-match': `"${TEXT}"` },
    { 'if-match': '*', 'if-none-match': '*' },
    { 'if-match': TEXT },
    { 'if-match': `"${TEXT}", "${TEXT}"` },
    { 'if-none-match': `"${TEXT}"` },
  ];
  for (const headers of cases) throws(() => seenIn(headers, DEFAULT_KEYSPACE), isBadRequest);
});

test('a context that was cut, made up, or is of another keyspace is BAD_CONTEXT', () => {
  const elsewhere = encodeContext(VECTOR, 1 as KeyspaceNumber);
  for (const context of [TEXT.slice(1), 'AAAA', '', elsewhere]) {
    for (const headers of [{ 'x-kvorum-context': context }, { 'if-match': `"${context}"` }]) {
      throws(
        () => seenIn(headers, DEFAULT_KEYSPACE),
        (error) => hasCode(error, 'BAD_CONTEXT'),
        JSON.stringify(headers),
      );
    }
  }
});

test('an answer is known by its tag alone', () => {
  const tag = tagOf(VECTOR, DEFAULT_KEYSPACE);
  equal(tag, `"${TEXT}"`);
  equal(isKnown({ 'if-none-match': `"other", W/${tag}` }, tag), true);
  equal(isKnown({ 'if-none-match': '"other"' }, tag), false);
  equal(isKnown({}, tag), false);
});

test('keys are UTF-8, or any bytes as base64url', () => {
  deepEqual(keyIn('grün', 'utf8'), Buffer.from('grün'));
  deepEqual(keyIn('__8A', 'base64url'), Buffer.from([255, 255, 0]));
  throws(() => keyIn('a/b+', 'base64url'), isBadRequest);
});
