import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actorOf } from '../causality/dot.ts';
import { EMPTY_OBJECT, type ObjectVersion, writeSibling } from '../causality/siblings.ts';
import { ofAll, type Places } from './levels/need.ts';
import { ReadQuorum } from './read/read-quorum.ts';
import { areAllWithoutPast } from './refill/without-past.ts';
import { WriteQuorum } from './write-quorum.ts';

const HERE: Places = { dataCenterOf: () => 'here' };

// Each character is one answer: `+` durable, `s` by a fallback in its place, `-` failed; then the
// state after it.
const WRITES: [w: number, asked: number, answers: string, states: string[]][] = [
  [2, 3, '++', ['waiting', 'reached']],
  [2, 3, '-++', ['waiting', 'waiting', 'reached']],
  [2, 3, '--', ['waiting', 'impossible']],
  [1, 3, '+--', ['reached', 'reached', 'reached']],
  [3, 3, '-', ['impossible']],
  [1, 1, '+', ['reached']],
  [2, 3, '+s', ['waiting', 'reached']],
  [2, 3, 'ss+', ['waiting', 'waiting', 'reached']],
  [1, 3, 's-+', ['waiting', 'waiting', 'reached']],
  [2, 3, 'ss-', ['waiting', 'waiting', 'impossible']],
];

for (const [w, asked, answers, states] of WRITES) {
  test(`W=${w} of ${asked}, answers ${answers}: ${states.join(', ')}`, () => {
    const primaries = Array.from({ length: asked }, (_, member) => member + 5);
    const quorum = new WriteQuorum(ofAll(w), primaries, HERE, true);
    for (const [index, answer] of [...answers].entries()) {
      if (answer === '+') quorum.addAck(index + 5);
      else if (answer === 's') quorum.addStandIn(index + 5, index + 50);
      else quorum.addFailure(index + 5);
      assert.equal(quorum.state(), states[index]);
    }
    assert.equal(quorum.isComplete(), answers.length === asked);
    assert.equal(quorum.isEverywhere(), answers === '+'.repeat(asked));
  });
}

test('fallbacks that hold a write are named, behind the primaries that do', () => {
  const quorum = new WriteQuorum(ofAll(2), [5, 6, 7], HERE, true);
  quorum.addStandIn(6, 9);
  quorum.addAck(7);
  assert.deepEqual(quorum.acked, [7, 9]);
  assert.deepEqual(quorum.standIns, [9]);
});

test('where the coordinator stands in no primary has to hold the write', () => {
  const quorum = new WriteQuorum(ofAll(2), [5, 6, 7], HERE, false);
  assert.ok(quorum.waitsOnlyFor(5) === false);
  quorum.addStandIn(5, 9);
  assert.equal(quorum.state(), 'waiting');
  quorum.addFailure(7);
  assert.ok(quorum.waitsOnlyFor(6) && !quorum.waitsOnlyFor(5));
  quorum.addStandIn(6, 10);
  assert.equal(quorum.state(), 'reached');
  assert.deepEqual(quorum.acked, [9, 10]);
});

/** A version in which node 1 wrote `counter` times, each write knowing the one before. */
function written(counter: number): ObjectVersion {
  const sibling = { time: counter, expiresAt: 0, isTombstone: false, value: Buffer.alloc(0) };
  const dot = { actor: actorOf(1, 1), counter };
  return counter === 0 ? EMPTY_OBJECT : writeSibling(EMPTY_OBJECT, [], { ...sibling, dot });
}

test('a read is decided at R and names the only source that completes us', () => {
  const quorum = new ReadQuorum(ofAll(2), HERE);
  quorum.addVersion(0, written(1));
  assert.equal(quorum.isDecided(), false);
  quorum.addVersion(1, written(3));
  assert.equal(quorum.isDecided(), true);
  assert.deepEqual(quorum.sources(written(1)), [1]);
  assert.deepEqual(quorum.sources(written(3)), []);
});

test('those who know less than the answer are stale, also those who know nothing', () => {
  const quorum = new ReadQuorum(ofAll(3), HERE);
  quorum.addVersion(0, written(2));
  quorum.addVersion(1, undefined);
  quorum.addVersion(2, written(1));
  assert.deepEqual(quorum.stale(quorum.merged()), [1, 2]);
});

test('a key that nobody knows has neither sources nor stale members', () => {
  const quorum = new ReadQuorum(ofAll(2), HERE);
  quorum.addVersion(0, undefined);
  quorum.addVersion(1, undefined);
  assert.deepEqual(quorum.sources(EMPTY_OBJECT), []);
  assert.deepEqual(quorum.stale(quorum.merged()), []);
});

test('who is lost after it answered does not count any more', () => {
  const quorum = new ReadQuorum(ofAll(2), HERE);
  quorum.addVersion(0, written(1));
  quorum.addVersion(1, written(2));
  quorum.addFailure(1);
  assert.equal(quorum.isDecided(), false);
  quorum.addVersion(2, written(1));
  assert.equal(quorum.isDecided(), true);
  assert.deepEqual(quorum.sources(written(1)), []);
});

test('who is being refilled counts only when nobody else is left, and gives values', () => {
  const quorum = new ReadQuorum(ofAll(2), HERE);
  quorum.addRefilling(0, written(3));
  quorum.addVersion(1, written(1));
  assert.deepEqual([quorum.isDecided(), quorum.isFull(), quorum.refilling], [false, false, 1]);
  const none = { kind: 'no-answer', needed: 2, got: 1, isRefilling: true };
  assert.deepEqual(quorum.noAnswer(), none);
  assert.deepEqual(quorum.sources(written(1)), [0]);
  quorum.countRefilling();
  assert.equal(quorum.isDecided(), true);
});

test('one that is refilled and then lost leaves the others as they were', () => {
  const quorum = new ReadQuorum(ofAll(1), HERE);
  quorum.addRefilling(0, undefined);
  quorum.addVersion(1, undefined);
  quorum.addFailure(0);
  assert.deepEqual([quorum.isDecided(), quorum.refilling], [true, 0]);
});

// A row: N, W, how many that are being refilled are left alone, and whether they are believed.
const WITHOUT_PAST: [n: number, w: number, refilling: number, areBelieved: boolean][] = [
  [3, 2, 1, false],
  [3, 2, 2, true],
  [3, 1, 1, false],
  [3, 3, 2, false],
  [5, 2, 2, false],
  [5, 3, 3, true],
  [2, 1, 1, false],
];

for (const [n, w, refilling, areBelieved] of WITHOUT_PAST) {
  test(`${refilling} of N=${n}, W=${w}: ${areBelieved ? '' : 'not '}believed alone`, () => {
    assert.equal(areAllWithoutPast(refilling, { n, w }), areBelieved);
  });
}
