// Objects are drawn as "context | siblings": "a2 b1 | a2" knows a1, a2 and b1 and keeps a2.
// What merging must do in any order of events is in convergence.test.ts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actorOf, type Dot, nodeNumberOf } from './dot.ts';
import {
  EMPTY_OBJECT,
  isLive,
  keepLatest,
  latestOf,
  liveSiblings,
  mergeObjects,
  type Sibling,
  type StoredObject,
  subsumes,
  versionOf,
  writeSibling,
} from './siblings.ts';
import { EMPTY_VECTOR, type VersionVector } from './version-vector.ts';

function dot(drawn: string): Dot {
  return { actor: actorOf(drawn.charCodeAt(0), 1), counter: Number(drawn.slice(1)) };
}

function dots(drawn: string): VersionVector {
  return drawn.trim().split(' ').filter(Boolean).map(dot);
}

function sibling(drawn: string, facts: Partial<Sibling> = {}): Sibling {
  const value = Buffer.from(`value of ${drawn}`);
  return { dot: dot(drawn), time: 1, expiresAt: 0, isTombstone: false, value, ...facts };
}

function object(drawn: string): StoredObject {
  const [context, siblings] = drawn.split('|');
  const kept = siblings!.trim().split(' ').filter(Boolean);
  return { context: dots(context!), siblings: kept.map((name) => sibling(name)) };
}

function draw({ context, siblings }: StoredObject): string {
  const name = (d: Dot) => `${String.fromCharCode(nodeNumberOf(d.actor))}${d.counter}`;
  return `${context.map(name).join(' ')} | ${siblings.map((s) => name(s.dot)).join(' ')}`;
}

const WRITES = [
  // what, before, seen by the writer, written, after
  ['the first write', ' | ', '', 'a1', 'a1 | a1'],
  ['a blind write replaces all', 'a1 b1 | a1 b1', 'a1 b1', 'a2', 'a2 b1 | a2'],
  ['a writer that had seen one of two', 'a1 b1 | a1 b1', 'b1', 'a2', 'a2 b1 | a1 a2'],
  ['a writer that had seen nothing', 'a1 | a1', '', 'a2', 'a2 | a1 a2'],
  ['a writer that had seen an older state', 'a2 | a2', 'a1', 'a3', 'a3 | a2 a3'],
  ['a writer that had seen more than we', 'a1 | a1', 'a1 b4', 'a2', 'a2 b4 | a2'],
  ['the order of siblings is that of dots', 'b1 | b1', '', 'a1', 'a1 b1 | a1 b1'],
] as const;

for (const [what, before, seen, written, after] of WRITES) {
  test(`write: ${what}`, () => {
    assert.equal(draw(writeSibling(object(before), dots(seen), sibling(written))), after);
  });
}

const MERGES = [
  // what, a, b, merged
  ['two that knew nothing of each other', 'a1 | a1', 'b1 | b1', 'a1 b1 | a1 b1'],
  ['a descendant replaces', 'a1 | a1', 'a1 b1 | b1', 'a1 b1 | b1'],
  ['what was replaced does not return', 'a2 b1 | a2', 'b1 c1 | b1 c1', 'a2 b1 c1 | a2 c1'],
  ['shared siblings stay', 'a1 b1 | a1 b1', 'a1 b1 c1 | a1 b1 c1', 'a1 b1 c1 | a1 b1 c1'],
  ['each replaced one of the two', 'a2 b1 | a2 b1', 'a1 b2 | a1 b2', 'a2 b2 | a2 b2'],
  ['with nothing', 'a1 | a1', ' | ', 'a1 | a1'],
] as const;

for (const [what, a, b, merged] of MERGES) {
  test(`merge: ${what}`, () => {
    assert.equal(draw(mergeObjects(object(a), object(b))), merged);
    assert.equal(draw(mergeObjects(object(b), object(a))), merged);
  });
}

test('a merge that brings nothing new returns the very same object', () => {
  const older = object('a1 | a1');
  const newer = object('a1 b1 | b1');
  assert.equal(mergeObjects(newer, older), newer);
  assert.equal(mergeObjects(older, newer), newer);
  const twin = object('a1 b1 | b1');
  assert.equal(mergeObjects(newer, twin), newer);
  assert.equal(mergeObjects(EMPTY_OBJECT, newer), newer);
});

test('subsumes: everything known, nothing kept that the other knows to be replaced', () => {
  assert.ok(subsumes(object('a1 b1 | b1'), object('a1 | a1')));
  assert.ok(subsumes(object('a1 b1 | b1'), object('a1 b1 | b1')));
  assert.ok(!subsumes(object('a1 | a1'), object('a1 b1 | b1')));
  assert.ok(!subsumes(object('a1 | a1'), object('b1 | b1')));
});

test('a dot cannot be used twice', () => {
  assert.throws(() => writeSibling(object('a2 | a2'), EMPTY_VECTOR, sibling('a2')), /fresh/);
  assert.throws(() => writeSibling(object('a1 | a1'), dots('a9'), sibling('a2')), /fresh/);
});

test('interleaved blind writers through one coordinator leave one sibling', () => {
  let state = EMPTY_OBJECT;
  for (let i = 1; i <= 1_000; i++) state = writeSibling(state, state.context, sibling(`a${i}`));
  assert.equal(draw(state), 'a1000 | a1000');
});

test('two clients that take turns without reading never see more than two siblings', () => {
  // riak_kv#746: each sends the context of its own last answer; with vectors alone this explodes.
  let state = EMPTY_OBJECT;
  const seen = [EMPTY_VECTOR, EMPTY_VECTOR];
  for (let i = 1; i <= 100; i++) {
    state = writeSibling(state, seen[i % 2]!, sibling(`a${i}`));
    seen[i % 2] = state.context;
    assert.ok(state.siblings.length <= 2);
  }
});

test('clients that read before they write leave one sibling per concurrent writer', () => {
  let state = EMPTY_OBJECT;
  let counter = 0;
  for (const writers of [1, 7, 3, 20, 1]) {
    const seen = state.context;
    for (let i = 0; i < writers; i++) state = writeSibling(state, seen, sibling(`a${++counter}`));
    assert.equal(state.siblings.length, writers);
  }
});

test('a write is newer than what it replaces, however far ahead that clock was', () => {
  const ahead = writeSibling(EMPTY_OBJECT, EMPTY_VECTOR, sibling('b1', { time: 9_000 }));
  const after = writeSibling(ahead, ahead.context, sibling('a1', { time: 5 }));
  assert.equal(after.siblings[0]!.time, 9_001);
  const unhurried = writeSibling(ahead, ahead.context, sibling('a1', { time: 10_000 }));
  assert.equal(unhurried.siblings[0]!.time, 10_000);
});

test('rule latest keeps the greatest time, and the greatest dot among equal times', () => {
  const siblings = [
    sibling('a1', { time: 5 }),
    sibling('b1', { time: 7 }),
    sibling('c1', { time: 7 }),
    sibling('d1', { time: 6 }),
  ];
  const four = { context: dots('a1 b1 c1 d1'), siblings };
  assert.equal(draw(keepLatest(four)), 'a1 b1 c1 d1 | c1');
  assert.equal(latestOf(four), siblings[2]);
  const one = object('a1 | a1');
  assert.equal(keepLatest(one), one);
  assert.equal(latestOf(EMPTY_OBJECT), undefined);
});

test('rule latest: a circle of writes ends alike in every order of merging', () => {
  // b's clock is ahead. Its write w replaces nothing, s is concurrent, and t replaces w on a node
  // whose clock is behind both; the coordinator of t took in w before it wrote (see keepLatest).
  const w = writeSibling(EMPTY_OBJECT, EMPTY_VECTOR, sibling('b1', { time: 110 }));
  const s = writeSibling(EMPTY_OBJECT, EMPTY_VECTOR, sibling('c1', { time: 105 }));
  const t = writeSibling(w, w.context, sibling('a1', { time: 100 }));
  const latest = (x: StoredObject, y: StoredObject) => keepLatest(mergeObjects(x, y));
  for (const [x, y, z] of [
    [w, s, t],
    [s, t, w],
    [t, w, s],
    [s, w, t],
    [w, t, s],
    [t, s, w],
  ]) {
    assert.equal(draw(latest(latest(x!, y!), z!)), 'a1 b1 c1 | a1');
  }
});

test('live siblings are neither deleted nor expired, the newest first', () => {
  const siblings = [
    sibling('a1', { time: 1 }),
    sibling('b1', { time: 4, isTombstone: true, value: Buffer.alloc(0) }),
    sibling('c1', { time: 3, expiresAt: 2_000 }),
    sibling('d1', { time: 2, expiresAt: 1_000 }),
  ];
  const [a, b, c, d] = siblings;
  const four = { context: dots('a1 b1 c1 d1'), siblings };
  assert.deepEqual(liveSiblings(four, 999), [c, d, a]);
  assert.deepEqual(liveSiblings(four, 1_000), [c, a]);
  assert.deepEqual(liveSiblings(four, 3_000), [a]);
  assert.ok(!isLive(b!, 0));
});

test('a version has the facts and not the values', () => {
  const version = versionOf(object('a1 b1 | a1 b1'));
  assert.ok(version.siblings.every((facts) => !('value' in facts)));
  assert.ok(subsumes(version, object('a1 b1 | a1 b1')));
});
