import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hasCode } from '../base/errors.ts';
import type { KeyspaceNumber } from '../base/ids.ts';
import { answerOf, casesOf, mutants, resealed } from '../base/test-fuzz.ts';
import { decodeContext, encodeContext, refuseFutureIncarnations } from './context.ts';
import { actorOf } from './dot.ts';
import { CUT, EMPTY_VECTOR, type VersionVector } from './version-vector.ts';

const KEYSPACE = 3 as KeyspaceNumber;
const VECTOR: VersionVector = [
  { actor: actorOf(5, 1), counter: 300 },
  { actor: actorOf(9, 2), counter: 7 },
];
const TEXT = encodeContext(VECTOR, KEYSPACE);

function writers(count: number): VersionVector {
  return Array.from({ length: count }, (_, i) => ({ actor: actorOf(i, 1), counter: i + 1 }));
}

test('a context survives its text', () => {
  const keyspaces = fc.nat(255).map((number) => number as KeyspaceNumber);
  fc.assert(
    fc.property(fc.nat(300), keyspaces, (count, keyspace) => {
      const text = encodeContext(writers(count), keyspace);
      assert.match(text, /^[\w-]+$/);
      assert.deepEqual(decodeContext(text, keyspace), writers(count));
    }),
  );
  assert.deepEqual(decodeContext(encodeContext(EMPTY_VECTOR, KEYSPACE), KEYSPACE), EMPTY_VECTOR);
});

const REFUSED = [
  ['empty', '', /too short/],
  ['cut', TEXT.slice(0, -4), /checksum|base64url/],
  ['quoted', `"${TEXT}"`, /base64url/],
  ['with a blank', `${TEXT} `, /base64url/],
  ['padded', `${TEXT}==`, /base64url/],
  ['of another keyspace', encodeContext(VECTOR, 4 as KeyspaceNumber), /keyspace number 4/],
  ['too long', encodeContext(writers(2_000), KEYSPACE), /8192/],
  ['not a context', 'hello-world-this-is-text', /checksum/],
] as const;

for (const [name, text, why] of REFUSED) {
  test(`a context is refused: ${name}`, () => {
    assert.throws(
      () => decodeContext(text, KEYSPACE),
      (error) => hasCode(error, 'BAD_CONTEXT') && why.test(error.message) && error.fix.length > 0,
    );
  });
}

test('room for five hundred writers', () => {
  const text = encodeContext(writers(500), KEYSPACE);
  assert.equal(decodeContext(text, KEYSPACE).length, 500);
});

test('whatever a client sends, the answer is a vector or BAD_CONTEXT', () => {
  const flip = fc.tuple(fc.nat(TEXT.length - 1), fc.constantFrom(...'ABCxyz019-_+/= é'));
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String()), fc.array(flip), (text, flips) => {
      const changed = [...TEXT];
      for (const [at, character] of flips) changed[at] = character;
      for (const sent of [text, changed.join('')]) {
        try {
          const vector = decodeContext(sent, KEYSPACE);
          assert.deepEqual(vector, VECTOR);
        } catch (error) {
          assert.ok(hasCode(error, 'BAD_CONTEXT'), String(error));
        }
      }
    }),
    { numRuns: 2_000 },
  );
});

test('what is wrong under a right checksum is a sound vector or BAD_CONTEXT', () => {
  const samples = [VECTOR, EMPTY_VECTOR, writers(20)].map((vector) =>
    Buffer.from(encodeContext(vector, KEYSPACE), 'base64url'),
  );
  const property = fc.property(mutants(samples), (bytes) => {
    const text = resealed(bytes).toString('base64url');
    const vector = answerOf(() => decodeContext(text, KEYSPACE), ['BAD_CONTEXT']);
    if (vector === undefined) return;
    assert.deepEqual(decodeContext(encodeContext(vector, KEYSPACE), KEYSPACE), vector);
  });
  fc.assert(property, casesOf(3_000));
});

test('a context of a life years from now is refused, one of a clock ahead is not', () => {
  const nowMs = Date.UTC(2027, 0, 1);
  const life = (year: number): VersionVector => {
    const incarnation = (Date.UTC(year, 0, 1) - Date.UTC(2026, 0, 1)) / 1000;
    return [{ actor: actorOf(5, incarnation), counter: 1 }];
  };
  for (const year of [2027, 2028, 2036]) refuseFutureIncarnations(life(year), nowMs);
  const cut: VersionVector = [{ actor: CUT, counter: 2 ** 40 }];
  for (const forged of [life(2038), life(2160), cut]) {
    assert.throws(
      () => refuseFutureIncarnations(forged, nowMs),
      (error) => hasCode(error, 'BAD_CONTEXT') && /years from now/.test(error.message),
    );
  }
});
