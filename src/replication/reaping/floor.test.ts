// Histories of one slot on three primaries: writes, deletes, copies that come late or never, nodes
// that go on as new actors, rounds that not all of them take the end of. Replicas that erase are
// held against replicas that go through the same and erase nothing.

import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Actor, actorOf, type Dot } from '../../causality/dot.ts';
import {
  EMPTY_OBJECT,
  mergeObjects,
  type Sibling,
  type StoredObject,
  writeSibling,
} from '../../causality/siblings.ts';
import { CUT, covers, EMPTY_VECTOR, type VersionVector } from '../../causality/version-vector.ts';
import { deadFrom, isForgettable, isUnder, raisedFloor } from './floor.ts';

const PRIMARIES = 3;
const KEYS = 2;

type Step =
  | { readonly kind: 'write'; readonly at: number; readonly key: number; readonly dies: boolean }
  | { readonly kind: 'send'; readonly from: number; readonly at: number; readonly key: number }
  /** A copy from many steps ago arrives only now. */
  | { readonly kind: 'late'; readonly age: number; readonly at: number }
  | { readonly kind: 'crash'; readonly at: number }
  | { readonly kind: 'erase'; readonly at: number }
  /** A round, of which `missing` does not get the end; PRIMARIES: all do. */
  | { readonly kind: 'round'; readonly missing: number };

const at = fc.nat(PRIMARIES - 1);
const key = fc.nat(KEYS - 1);
const anySteps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('write' as const), at, key, dies: fc.boolean() }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('send' as const), from: at, at, key }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('late' as const), age: fc.nat(40), at }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const), at }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('erase' as const), at }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('round' as const), missing: fc.nat(PRIMARIES) }),
    },
  ),
  { maxLength: 60 },
);

class Primary {
  readonly objects = new Map<number, StoredObject>();
  floor: VersionVector = EMPTY_VECTOR;
  #counter = 0;
  #incarnation = 1;
  readonly #number: number;
  readonly #erases: boolean;

  constructor(number: number, erases: boolean) {
    this.#number = number + 1;
    this.#erases = erases;
  }

  get last(): Dot {
    return { actor: this.#actor, counter: this.#counter };
  }

  get #actor(): Actor {
    return actorOf(this.#number, this.#incarnation);
  }

  objectOf(key: number): StoredObject {
    return this.objects.get(key) ?? { context: this.floor, siblings: [] };
  }

  write(key: number, isTombstone: boolean): void {
    this.#counter += 1;
    const before = this.objectOf(key);
    const facts = { dot: this.last, time: 1, expiresAt: 0, isTombstone };
    const sibling: Sibling = { ...facts, value: Buffer.alloc(0) };
    this.objects.set(key, writeSibling(before, before.context, sibling));
  }

  merge(key: number, copy: StoredObject): void {
    const merged = mergeObjects(this.objectOf(key), copy);
    if (this.objects.has(key) || merged.siblings.length > 0) this.objects.set(key, merged);
  }

  crash(): void {
    this.#incarnation += 1;
    this.#counter = 0;
  }

  raise(floor: VersionVector): void {
    this.floor = floor;
    this.erase();
  }

  erase(): void {
    if (!this.#erases) return;
    for (const [key, object] of this.objects) {
      if (isForgettable(object, this.floor, 0)) this.objects.delete(key);
    }
  }
}

class Slot {
  readonly primaries: Primary[];
  readonly #frames: [key: number, copy: StoredObject][] = [];

  constructor(erases: boolean) {
    this.primaries = Array.from({ length: PRIMARIES }, (_, number) => new Primary(number, erases));
  }

  take(step: Step): void {
    if (step.kind === 'round') this.#round(step.missing);
    else {
      const primary = this.primaries[step.at] as Primary;
      if (step.kind === 'write') primary.write(step.key, step.dies);
      else if (step.kind === 'crash') primary.crash();
      else if (step.kind === 'erase') primary.erase();
      else if (step.kind === 'late') this.#late(step.age, primary);
      else this.#send(step.key, this.primaries[step.from] as Primary, primary);
    }
  }

  levelAll(): void {
    for (let key = 0; key < KEYS; key++) {
      const merged = this.primaries
        .map((primary) => primary.objectOf(key))
        .reduce((one, other) => mergeObjects(one, other), EMPTY_OBJECT);
      for (const primary of this.primaries) primary.merge(key, merged);
    }
  }

  /** What lives of each key, by name. */
  living(): string[][] {
    return this.primaries.map((primary) => {
      const names: string[] = [];
      for (let key = 0; key < KEYS; key++) {
        for (const { dot, isTombstone } of primary.objectOf(key).siblings) {
          if (!isTombstone) names.push(`${key}: ${dot.actor}/${dot.counter}`);
        }
      }
      return names;
    });
  }

  #send(key: number, from: Primary, to: Primary): void {
    const copy = from.objectOf(key);
    this.#frames.push([key, copy]);
    to.merge(key, copy);
  }

  #late(age: number, to: Primary): void {
    const frame = this.#frames[this.#frames.length - 1 - age];
    if (frame !== undefined) to.merge(...frame);
  }

  #round(missing: number): void {
    const reached = this.primaries.map(({ last, floor }) => ({ last, floor }));
    this.levelAll();
    const floor = raisedFloor(reached);
    this.primaries.forEach((primary, place) => {
      if (place !== missing) primary.raise(floor);
    });
  }
}

test('who erases under floors shows what he would show who erases nothing', () => {
  fc.assert(
    fc.property(anySteps, (steps) => {
      const [erasing, keeping] = [new Slot(true), new Slot(false)];
      for (const step of steps) {
        erasing.take(step);
        keeping.take(step);
      }
      erasing.levelAll();
      keeping.levelAll();
      deepEqual(erasing.living(), keeping.living());
    }),
    { numRuns: 3_000 },
  );
});

test('after a round that all have taken nothing dead is left that was there when it began', () => {
  fc.assert(
    fc.property(anySteps, (steps) => {
      const slot = new Slot(true);
      for (const step of steps) slot.take(step);
      slot.take({ kind: 'round', missing: PRIMARIES });
      for (const { objects } of slot.primaries) {
        for (const object of objects.values()) equal(deadFrom(object), Number.POSITIVE_INFINITY);
      }
    }),
    { numRuns: 1_000 },
  );
});

test('a floor covers what was counted, and all earlier lives of primaries, of nobody else', () => {
  const old = [{ actor: actorOf(9, 4), counter: 7 }];
  const floor = raisedFloor([
    { last: { actor: actorOf(2, 5), counter: 0 }, floor: old },
    { last: { actor: actorOf(1, 3), counter: 8 }, floor: EMPTY_VECTOR },
  ]);
  for (const [number, incarnation, counter, isCovered] of [
    [1, 3, 8, true],
    [1, 3, 9, false],
    [1, 2, 99, true],
    [1, 4, 1, false],
    [2, 4, 1, true],
    [2, 5, 1, false],
    [9, 4, 7, true],
    [9, 3, 1, false],
    [7, 1, 1, false],
  ] as const) {
    equal(covers(floor, { actor: actorOf(number, incarnation), counter }), isCovered);
  }
});

test('a value is dead when all siblings are, each by the time that it names', () => {
  const dot = { actor: actorOf(1, 1), counter: 1 };
  const sibling = (isTombstone: boolean, expiresAt: number) => ({
    dot,
    time: 1,
    isTombstone,
    expiresAt,
  });
  const from = (...siblings: ReturnType<typeof sibling>[]) =>
    deadFrom({ context: [dot], siblings });
  equal(from(), 0);
  equal(from(sibling(true, 0)), 0);
  equal(from(sibling(false, 5)), 5);
  equal(from(sibling(false, 5), sibling(true, 0), sibling(false, 7)), 7);
  equal(from(sibling(false, 5), sibling(false, 0)), Number.POSITIVE_INFINITY);
});

test('a context that was cut is under a floor that covers the nodes it still names', () => {
  const entry = { actor: actorOf(3, 9), counter: 2 };
  const cut = [{ actor: CUT, counter: 8 }, entry];
  ok(isUnder(cut, [{ ...entry, isClosed: true }]));
  ok(!isUnder(cut, [{ actor: actorOf(3, 9), counter: 1, isClosed: true }]));
  ok(!isUnder([...cut, { actor: actorOf(4, 1), counter: 1 }], [{ ...entry, isClosed: true }]));
});
