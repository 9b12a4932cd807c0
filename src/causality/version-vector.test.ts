// Vectors are drawn as "a2 b1": actor a up to counter 2, actor b up to 1. A' is the second life of
// node a, A" its third; a dot behind an entry closes it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { hasCode } from '../base/errors.ts';
import { actorOf } from './dot.ts';
import {
  covers,
  descends,
  EMPTY_VECTOR,
  isAheadOf,
  lastIncarnationOf,
  mergeVectors,
  readVector,
  type VectorEntry,
  type VersionVector,
  withDot,
  writeVector,
} from './version-vector.ts';

function dot(drawn: string): VectorEntry {
  const [, node = '', life = '', counter, end] = /^([a-z])(['"]?)(\d+)(\.?)$/.exec(drawn) ?? [];
  const actor = actorOf(node.charCodeAt(0), ['', "'", '"'].indexOf(life) + 1);
  return { actor, counter: Number(counter), ...(end === '.' ? { isClosed: true as const } : {}) };
}

function vector(drawn: string): VersionVector {
  return drawn.split(' ').filter(Boolean).map(dot);
}

const anyVector: fc.Arbitrary<VersionVector> = fc
  .uniqueArray(
    fc.tuple(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 4 }),
      fc.nat(3),
    ),
    { maxLength: 8, selector: ([node, incarnation]) => `${node}/${incarnation}` },
  )
  .map((drawn) =>
    drawn
      .map(([node, incarnation, counter, die]): VersionVector => {
        const entry = { actor: actorOf(node, incarnation), counter };
        return [die === 0 ? { ...entry, isClosed: true } : entry];
      })
      .reduce(mergeVectors, EMPTY_VECTOR),
  );

function bytesOf(value: VersionVector): Buffer {
  const w = new ByteWriter();
  writeVector(w, value);
  return w.copy();
}

const MERGES = [
  // a, b, merged, a descends from b, b descends from a
  ['', '', '', true, true],
  ['a1', '', 'a1', true, false],
  ['', 'a1', 'a1', false, true],
  ['a2', 'a1', 'a2', true, false],
  ['a1', 'b1', 'a1 b1', false, false],
  ['a2 c1', 'a1 b1', 'a2 b1 c1', false, false],
  ['a2 b1 c3', 'c3', 'a2 b1 c3', true, false],
  ['b1', 'a1 b1 c1', 'a1 b1 c1', false, true],
  ['a2 b1', 'a1 b2', 'a2 b2', false, false],
  ["a'1.", 'a9', "a'1.", true, false],
  ["a'1.", "a9 a'2", "a'2.", false, false],
  ["a'1.", "a'1", "a'1.", true, false],
  ["a'1.", 'a9 b1', "a'1. b1", false, false],
  ["a'1.", 'a"1', `a'1. a"1`, false, false],
  ["a'1.", 'a"1.', 'a"1.', false, true],
  ["a9. a'2", "a'1.", "a'2.", false, false],
] as const;

for (const [a, b, merged, aDescends, bDescends] of MERGES) {
  test(`"${a}" merged with "${b}" is "${merged}"`, () => {
    assert.deepEqual(mergeVectors(vector(a), vector(b)), vector(merged));
    assert.equal(descends(vector(a), vector(b)), aDescends);
    assert.equal(descends(vector(b), vector(a)), bDescends);
  });
}

test('a vector covers every write of an actor up to its counter, and none of other actors', () => {
  const known = vector('a2 c3');
  for (const inside of ['a1', 'a2', 'c1', 'c3']) assert.ok(covers(known, dot(inside)), inside);
  for (const outside of ['a3', 'b1', 'c4', 'd1']) assert.ok(!covers(known, dot(outside)), outside);
});

test('incarnations of one node are different actors', () => {
  const old = { actor: actorOf(7, 1), counter: 9 };
  const fresh = { actor: actorOf(7, 2), counter: 1 };
  assert.ok(!covers([old], fresh));
  assert.ok(!covers([{ ...old, isClosed: true }], fresh));
  assert.ok(covers([{ ...fresh, isClosed: true }], { ...old, counter: 1_000 }));
  assert.deepEqual(withDot([old], fresh), [old, fresh]);
});

test('who is ahead of a node: a later write of its life, or a later life', () => {
  const known = vector("a2 b'3.");
  for (const behind of ['a1', "b'2", 'b9', 'a0']) assert.ok(isAheadOf(known, dot(behind)), behind);
  for (const level of ['a2', "a'1", "b'3", 'b"1', 'c1']) {
    assert.ok(!isAheadOf(known, dot(level)), level);
  }
  assert.equal(lastIncarnationOf(known, 'b'.charCodeAt(0)), 2);
  assert.equal(lastIncarnationOf(known, 'c'.charCodeAt(0)), 0);
});

test('merging is commutative, associative and idempotent, and makes a sorted vector', () => {
  fc.assert(
    fc.property(anyVector, anyVector, anyVector, (a, b, c) => {
      const ab = mergeVectors(a, b);
      assert.deepEqual(ab, mergeVectors(b, a));
      assert.deepEqual(mergeVectors(ab, c), mergeVectors(a, mergeVectors(b, c)));
      assert.equal(mergeVectors(a, a), a);
      assert.equal(mergeVectors(ab, b), ab);
      assert.ok(descends(ab, a) && descends(ab, b));
      assert.ok(ab.every((entry, i) => i === 0 || ab[i - 1]!.actor < entry.actor));
    }),
  );
});

test('what changes nothing returns the same reference', () => {
  fc.assert(
    fc.property(anyVector, anyVector, (a, b) => {
      assert.equal(mergeVectors(a, b) === a, descends(a, b));
      if (descends(b, a) && !descends(a, b)) assert.equal(mergeVectors(a, b), b);
      for (const { actor, counter } of b) {
        assert.equal(withDot(a, { actor, counter }) === a, covers(a, { actor, counter }));
      }
    }),
  );
});

test('withDot covers the dot and nothing else that is new', () => {
  fc.assert(
    fc.property(anyVector, anyVector, (a, b) => {
      for (const { actor, counter } of b) {
        const dot = { actor, counter };
        assert.deepEqual(withDot(a, dot), mergeVectors(a, [dot]));
        for (const other of a) assert.ok(covers(withDot(a, dot), other));
      }
    }),
  );
});

test('a vector survives its bytes, at most 5 of them a writer in a small cluster', () => {
  fc.assert(
    fc.property(anyVector, (value) => {
      assert.deepEqual(readVector(new ByteReader(bytesOf(value))), value);
    }),
  );
  assert.equal(readVector(new ByteReader(Buffer.from([0]))), EMPTY_VECTOR);
  assert.ok(bytesOf([{ actor: actorOf(100, 3), counter: 2_000_000 }]).length <= 1 + 5);
});

test('a closed entry has 2^21 added to its node number, as docs/formats.md shows', () => {
  const bytes = Buffer.from('018580800103' + '02', 'hex');
  assert.deepEqual(readVector(new ByteReader(bytes)), [
    { actor: actorOf(5, 3), counter: 2, isClosed: true },
  ]);
});

const MALFORMED = [
  ['unsorted', [2, 9, 1, 1, 5, 1, 1]],
  ['the same actor twice', [2, 5, 1, 1, 5, 1, 2]],
  ['counter 0', [1, 5, 1, 0]],
  ['more entries than bytes', [3, 5, 1, 1, 6, 1, 1]],
  ['too many entries', [0x91, 0x4e, ...Array(30_003).fill(1)]],
  ['node number of 23 bits', [1, 0x80, 0x80, 0x80, 2, 1, 1]],
  ['an entry under a closed one', [2, 5, 1, 1, 0x85, 0x80, 0x80, 1, 2, 1]],
  ['a cut that is closed', [1, 0x80, 0x80, 0x80, 1, 0, 1]],
  ['incarnation of 33 bits', [1, 5, 0x80, 0x80, 0x80, 0x80, 0x10, 1]],
  ['cut short', [1, 5, 1]],
  ['nothing', []],
] as const;

for (const [name, bytes] of MALFORMED) {
  test(`reading a vector refuses: ${name}`, () => {
    const reader = new ByteReader(Buffer.from(bytes));
    assert.throws(
      () => readVector(reader),
      (error) => hasCode(error, 'BAD_BYTES'),
    );
  });
}
