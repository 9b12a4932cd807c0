import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { actorOf } from './dot.ts';
import { decodeObject, encodeObject } from './object-format.ts';
import { ACTORS_MAX, closed, hasEarlierIncarnations, trimmed } from './pruning.ts';
import {
  EMPTY_OBJECT,
  mergeObjects,
  type Sibling,
  type StoredObject,
  subsumes,
  writeSibling,
} from './siblings.ts';
import { CUT, covers, cutOf, descends, type VersionVector } from './version-vector.ts';

const NODES = 3;

function entry(node: number, incarnation: number, counter = 1) {
  return { actor: actorOf(node, incarnation), counter };
}

function sibling(node: number, incarnation: number, counter = 1): Sibling {
  const value = Buffer.from(`${node}/${incarnation}:${counter}`);
  return {
    dot: entry(node, incarnation, counter),
    time: 1,
    expiresAt: 0,
    isTombstone: false,
    value,
  };
}

test('the last life of each node speaks for those before', () => {
  const context = [entry(1, 1), entry(1, 5), entry(2, 3), entry(3, 1), entry(3, 2), entry(3, 4, 9)];
  assert.ok(hasEarlierIncarnations(context));
  const shorter = closed(context, [], [1, 2, 3]);
  assert.deepEqual(shorter, [
    { ...entry(1, 5), isClosed: true },
    entry(2, 3),
    { ...entry(3, 4, 9), isClosed: true },
  ]);
  assert.ok(!hasEarlierIncarnations(shorter));
  assert.equal(closed(shorter, [], [1, 2, 3]), shorter);
  assert.ok(descends(shorter, context) && !descends(context, shorter));
  assert.ok(covers(shorter, entry(3, 3, 1_000)) && !covers(shorter, entry(3, 5)));
});

test('no life is closed over a sibling of an earlier one', () => {
  const context = [entry(1, 1), entry(1, 5), entry(2, 3), entry(2, 4)];
  const kept = closed(context, [sibling(1, 1), sibling(2, 4)], [1, 2]);
  assert.deepEqual(kept, [entry(1, 1), entry(1, 5), { ...entry(2, 4), isClosed: true }]);
});

test('no life is closed of a node that is no primary', () => {
  const context = [entry(1, 1), entry(1, 5), entry(4, 3), entry(4, 4)];
  const kept = closed(context, [], [1, 2, 3]);
  assert.deepEqual(kept, [{ ...entry(1, 5), isClosed: true }, entry(4, 3), entry(4, 4)]);
});

/** An object that `lives` coordinators wrote, one after the other. */
function written(lives: readonly (readonly [node: number, incarnation: number])[]): StoredObject {
  return lives.reduce<StoredObject>(
    (object, [node, incarnation]) =>
      writeSibling(object, object.context, sibling(node, incarnation)),
    EMPTY_OBJECT,
  );
}

const manyLives = Array.from({ length: ACTORS_MAX + 20 }, (_, i) => {
  return [1 + (i % NODES), 10 + i] as const;
});

test('a context that grows too long is cut, and says so; what is left is the newest', () => {
  const whole = written(manyLives.slice(0, ACTORS_MAX));
  assert.equal(whole.context.length, ACTORS_MAX);
  assert.equal(cutOf(whole.context), 0);
  const { context, siblings } = written(manyLives);
  assert.equal(context.length, ACTORS_MAX + 1);
  assert.equal(cutOf(context), 10 + 20);
  assert.deepEqual(siblings.length, 1);
  const [cut, ...entries] = context;
  assert.equal(cut?.actor, CUT);
  const lives = manyLives.slice(20).map(([node, incarnation]) => entry(node, incarnation).actor);
  assert.deepEqual(
    entries.map(({ actor }) => actor),
    lives.sort((a, b) => a - b),
  );
});

test('the cut does not make copies differ: neither repairs the other', () => {
  const before = written(manyLives.slice(0, ACTORS_MAX));
  const after = written(manyLives);
  assert.equal(mergeObjects(before, after), after);
  assert.equal(mergeObjects(after, before), after);
  assert.ok(subsumes(after, before));
  assert.ok(!subsumes(before, after));
});

test('what a cut cannot tell from a new write stays, and can be replaced', () => {
  const [first] = manyLives;
  const stale = written([first!]);
  const merged = mergeObjects(written(manyLives), stale);
  assert.deepEqual(merged.siblings.map(({ value }) => `${value}`).sort(), ['1/10:1', '3/129:1']);
  assert.deepEqual(decodeObject(encodeObject(merged)), merged);
  assert.equal(mergeObjects(merged, stale), merged);
  const resolved = writeSibling(merged, merged.context, sibling(2, 500));
  assert.equal(resolved.siblings.length, 1);
});

test('the last life of a node is never cut, however old', () => {
  const quiet = Array.from({ length: ACTORS_MAX + 5 }, (_, i) => entry(100 + i, 1));
  assert.equal(trimmed(quiet, []), quiet);
});

type Step = { readonly at: number; readonly from: number; readonly kind: number };

/** Replicas that crash before most of their writes, until contexts are cut. */
const anySteps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({ at: fc.nat(NODES - 1), from: fc.nat(NODES - 1), kind: fc.nat(5) }),
  { minLength: 150, maxLength: 400, size: 'max' },
);

interface Run {
  readonly replicas: readonly StoredObject[];
  readonly newest: readonly string[];
}

function run(steps: readonly Step[]): Run {
  const replicas: StoredObject[] = Array.from({ length: NODES }, () => EMPTY_OBJECT);
  let incarnation = 1;
  for (const { at, from, kind } of steps) {
    if (kind === 0) replicas[at] = mergeObjects(replicas[at]!, replicas[from]!);
    else {
      incarnation += 1;
      const { context } = replicas[at]!;
      replicas[at] = writeSibling(replicas[at]!, context, sibling(at + 1, incarnation));
    }
  }
  // What a replica has of its own and nobody else knows has been replaced by nobody.
  const newest = replicas.flatMap(({ siblings }, i) =>
    siblings
      .filter(({ dot }) => replicas.every((each, j) => i === j || !covers(each.context, dot)))
      .map(({ value }) => `${value}`),
  );
  return { replicas, newest };
}

function exchanged(replicas: readonly StoredObject[], order: readonly number[]): StoredObject {
  return order.map((i) => replicas[i]!).reduce(mergeObjects<Sibling>);
}

test('replicas with cut contexts end up alike in any order, and lose nothing', () => {
  let cuts = 0;
  const orders = [
    [0, 1, 2],
    [2, 1, 0],
    [1, 2, 0, 1, 2],
  ];
  const property = fc.property(anySteps, (steps) => {
    const { replicas, newest } = run(steps);
    const [first, ...others] = orders.map((order) => exchanged(replicas, order));
    for (const other of others) assert.deepEqual(other, first);
    const values = first!.siblings.map(({ value }) => `${value}`);
    for (const value of newest) assert.ok(values.includes(value), value);
    for (const own of replicas) {
      assert.equal(mergeObjects(first!, own), first);
      assert.ok(subsumes(first!, own));
    }
    assert.deepEqual(decodeObject(encodeObject(first!)), first);
    if (cutOf(first!.context) > 0) cuts += 1;
  });
  fc.assert(property, { numRuns: 100 });
  assert.ok(cuts > 20, `${cuts} of 100 were cut`);
});

test('a context is not cut below what its siblings need', () => {
  const siblings = Array.from({ length: ACTORS_MAX + 10 }, (_, i) => sibling(1, 1 + i));
  const context: VersionVector = siblings.map(({ dot }) => dot);
  assert.equal(trimmed(context, siblings).length, ACTORS_MAX + 10);
});
