// Random histories of writes and merges on several replicas, each compared after every step with
// an oracle that needs no cleverness:
//   rule siblings: each sibling carries the set of all writes it descends from (causal histories,
//                  Schwarz and Mattern 1994); a sibling goes when another one's set contains it
//   rule latest:   a replica knows a set of writes, and its value is the newest of them

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Actor, actorOf, type Dot } from './dot.ts';
import { closed } from './pruning.ts';
import {
  EMPTY_OBJECT,
  keepLatest,
  latestOf,
  mergeObjects,
  type Sibling,
  type StoredObject,
  subsumes,
  versionOf,
  writeSibling,
} from './siblings.ts';
import { covers, descends, EMPTY_VECTOR, type VersionVector } from './version-vector.ts';

const REPLICAS = 4;
const NUMBERS = Array.from({ length: REPLICAS }, (_, number) => number + 1);
const CLIENTS = 3;

type Step =
  | { readonly kind: 'read'; readonly client: number; readonly at: number }
  | { readonly kind: 'write'; readonly client: number; readonly at: number; readonly time: number }
  | { readonly kind: 'blind write'; readonly at: number; readonly time: number }
  | { readonly kind: 'merge'; readonly from: number; readonly at: number }
  /** What some replica had many steps ago arrives only now. */
  | { readonly kind: 'late'; readonly age: number; readonly at: number }
  /** The replica goes on as a new actor. */
  | { readonly kind: 'crash'; readonly at: number }
  /** All replicas exchange what they have, and one of them closes what they confirm. */
  | { readonly kind: 'close'; readonly at: number };

const replica = fc.nat(REPLICAS - 1);
const client = fc.nat(CLIENTS - 1);
/** Few values: clocks stand still, go back and agree more often than in life. */
const time = fc.nat(12);

const anySteps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('read' as const), client, at: replica }),
    fc.record({ kind: fc.constant('write' as const), client, at: replica, time }),
    fc.record({ kind: fc.constant('blind write' as const), at: replica, time }),
    fc.record({ kind: fc.constant('merge' as const), from: replica, at: replica }),
    fc.record({ kind: fc.constant('late' as const), age: fc.nat(60), at: replica }),
    fc.record({ kind: fc.constant('crash' as const), at: replica }),
    fc.record({ kind: fc.constant('close' as const), at: replica }),
  ),
  { maxLength: 60 },
);

/** The dots of one replica's writes, in order. */
class Replica {
  object: StoredObject = EMPTY_OBJECT;
  #counter = 0;
  #incarnation = 1;
  readonly #number: number;

  constructor(number: number) {
    this.#number = number + 1;
  }

  get #actor() {
    return actorOf(this.#number, this.#incarnation);
  }

  crash(): void {
    this.#incarnation += 1;
    this.#counter = 0;
  }

  close(): void {
    const { context, siblings } = this.object;
    this.object = { context: closed(context, siblings, NUMBERS), siblings };
  }

  write(seen: VersionVector, time: number): void {
    const dot = { actor: this.#actor, counter: ++this.#counter };
    const value = Buffer.from(`${this.#actor}:${this.#counter}`);
    const sibling = { dot, time, expiresAt: 0, isTombstone: false, value };
    this.object = writeSibling(this.object, seen, sibling);
  }

  /** The sibling of the last write, as it was stored. */
  get written(): Sibling {
    return this.object.siblings.find(
      ({ dot }) => dot.actor === this.#actor && dot.counter === this.#counter,
    )!;
  }
}

function newReplicas(): Replica[] {
  return Array.from({ length: REPLICAS }, (_, number) => new Replica(number));
}

function idOf(sibling: Sibling): string {
  return sibling.value.toString();
}

function dotOf(id: string): Dot {
  const [actor, counter] = id.split(':').map(Number) as [Actor, number];
  return { actor, counter };
}

/** Sibling → everything that it descends from, itself included. */
type Histories = ReadonlyMap<string, ReadonlySet<string>>;

function mergeHistories(a: Histories, b: Histories): Histories {
  const all = new Map([...a, ...b]);
  const isReplaced = (id: string) => [...all].some(([other, past]) => other !== id && past.has(id));
  return new Map([...all].filter(([id]) => !isReplaced(id)));
}

function writeHistory(own: Histories, seen: Histories, id: string): Histories {
  const past = new Set([id, ...[...seen.values()].flatMap((history) => [...history])]);
  return new Map([...[...own].filter(([other]) => !past.has(other)), [id, past]]);
}

/** The objects of all replicas after every step; throws where one differs from the oracle. */
function runWithSiblings(steps: readonly Step[]): StoredObject[] {
  const replicas = newReplicas();
  const oracle: Histories[] = replicas.map(() => new Map());
  const clients = Array.from({ length: CLIENTS }, () => ({
    context: EMPTY_VECTOR,
    histories: new Map() as Histories,
  }));
  const states: StoredObject[] = [];
  const past: [StoredObject, Histories][] = [];
  const merge = (at: number, object: StoredObject, histories: Histories) => {
    replicas[at]!.object = mergeObjects(replicas[at]!.object, object);
    oracle[at] = mergeHistories(oracle[at]!, histories);
  };
  for (const step of steps) {
    const here = replicas[step.at]!;
    const known = oracle[step.at]!;
    if (step.kind === 'read') {
      clients[step.client] = { context: here.object.context, histories: known };
    } else if (step.kind === 'merge') {
      merge(step.at, replicas[step.from]!.object, oracle[step.from]!);
    } else if (step.kind === 'late') {
      const [object, histories] = past.at(-step.age - 1) ?? [EMPTY_OBJECT, new Map()];
      merge(step.at, object, histories);
    } else if (step.kind === 'crash') {
      here.crash();
    } else if (step.kind === 'close') {
      for (const [to, from] of exchanges()) merge(to, replicas[from]!.object, oracle[from]!);
      here.close();
    } else {
      const blind = { context: here.object.context, histories: known };
      const seen = step.kind === 'write' ? clients[step.client]! : blind;
      here.write(seen.context, step.time);
      oracle[step.at] = writeHistory(known, seen.histories, idOf(here.written));
    }
    assert.deepEqual(here.object.siblings.map(idOf).sort(), [...oracle[step.at]!.keys()].sort());
    states.push(here.object);
    past.push([here.object, oracle[step.at]!]);
  }
  return states;
}

/** All with the first, then the first with all: afterwards everybody has everything. */
function exchanges(): [to: number, from: number][] {
  const others = Array.from({ length: REPLICAS - 1 }, (_, i) => i + 1);
  return [
    ...others.map((from): [number, number] => [0, from]),
    ...others.map((to): [number, number] => [to, 0]),
  ];
}

interface Known {
  readonly writes: ReadonlySet<string>;
  readonly newest: Sibling | undefined;
}

/** The same under rule latest, where each replica knows a set of writes and the newest of them. */
function runWithLatest(steps: readonly Step[]): StoredObject[] {
  const replicas = newReplicas();
  const oracle: Known[] = replicas.map(() => ({ writes: new Set(), newest: undefined }));
  const contexts = Array<VersionVector>(CLIENTS).fill(EMPTY_VECTOR);
  const states: StoredObject[] = [];
  const past: [StoredObject, Known][] = [];
  const issued = new Set<string>();
  const merge = (at: number, object: StoredObject, other: Known) => {
    replicas[at]!.object = mergeLatest(replicas[at]!.object, object);
    const known = oracle[at]!;
    const writes = new Set([...known.writes, ...other.writes]);
    oracle[at] = { writes, newest: newerOf(known.newest, other.newest) };
  };
  for (const step of steps) {
    const here = replicas[step.at]!;
    const known = oracle[step.at]!;
    if (step.kind === 'read') {
      contexts[step.client] = here.object.context;
    } else if (step.kind === 'merge') {
      merge(step.at, replicas[step.from]!.object, oracle[step.from]!);
    } else if (step.kind === 'late') {
      const nothing: Known = { writes: new Set(), newest: undefined };
      merge(step.at, ...(past.at(-step.age - 1) ?? ([EMPTY_OBJECT, nothing] as const)));
    } else if (step.kind === 'crash') {
      here.crash();
    } else if (step.kind === 'close') {
      for (const [to, from] of exchanges()) merge(to, replicas[from]!.object, oracle[from]!);
      here.close();
    } else {
      const own = here.object.context;
      const asked = step.kind === 'write' ? contexts[step.client]! : own;
      here.write(descends(own, asked) ? asked : own, step.time);
      const { written } = here;
      here.object = keepLatest(here.object);
      issued.add(idOf(written));
      const writes = new Set([...known.writes, idOf(written)]);
      oracle[step.at] = { writes, newest: newerOf(known.newest, written) };
      assert.equal(latestOf(here.object), written, 'a write is the newest where it was written');
    }
    const { writes, newest } = oracle[step.at]!;
    assert.deepEqual(here.object.siblings.map(idOf), newest === undefined ? [] : [idOf(newest)]);
    for (const id of issued) {
      assert.equal(covers(here.object.context, dotOf(id)), writes.has(id), `knows of ${id}`);
    }
    states.push(here.object);
    past.push([here.object, oracle[step.at]!]);
  }
  return states;
}

function newerOf(a: Sibling | undefined, b: Sibling | undefined): Sibling | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const order = a.time - b.time || a.dot.actor - b.dot.actor || a.dot.counter - b.dot.counter;
  return order >= 0 ? a : b;
}

function mergeLatest(a: StoredObject, b: StoredObject): StoredObject {
  return keepLatest(mergeObjects(a, b));
}

const RULES = [
  { name: 'siblings', run: runWithSiblings, merge: mergeObjects<Sibling> },
  { name: 'latest', run: runWithLatest, merge: mergeLatest },
] as const;

for (const { name, run, merge } of RULES) {
  test(`rule ${name}: every replica has at every step what the oracle has`, () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        run(steps);
      }),
      { numRuns: 1_000 },
    );
  });

  test(`rule ${name}: merging is commutative, associative and idempotent`, () => {
    fc.assert(
      fc.property(anySteps, fc.nat(), fc.nat(), fc.nat(), (steps, i, j, k) => {
        const states = [EMPTY_OBJECT, ...run(steps)];
        const [a, b, c] = [i, j, k].map((n) => states[n % states.length]!) as [
          StoredObject,
          StoredObject,
          StoredObject,
        ];
        const ab = merge(a, b);
        assert.deepEqual(ab, merge(b, a));
        assert.deepEqual(merge(ab, c), merge(a, merge(b, c)));
        assert.equal(merge(ab, a), ab);
        assert.equal(merge(ab, b), ab);
        assert.equal(merge(a, a), a);
      }),
      { numRuns: 1_000 },
    );
  });

  test(`rule ${name}: subsumes agrees with merge, which returns what already knows all`, () => {
    fc.assert(
      fc.property(anySteps, fc.nat(), fc.nat(), (steps, i, j) => {
        const states = [EMPTY_OBJECT, ...run(steps)];
        const a = states[i % states.length]!;
        const b = states[j % states.length]!;
        const merged = merge(a, b);
        const changesNothing = subsumes(versionOf(a), versionOf(b));
        assert.equal(merged === a, changesNothing);
        if (!changesNothing) assert.notDeepEqual(merged, a);
        if (subsumes(b, a) && !changesNothing) assert.equal(merged, b);
      }),
      { numRuns: 1_000 },
    );
  });
}

test('a write that saw everything leaves exactly one sibling, everywhere and for ever', () => {
  fc.assert(
    fc.property(anySteps, (steps) => {
      const states = runWithSiblings(steps);
      const all = states.reduce(mergeObjects<Sibling>, EMPTY_OBJECT);
      const dot = { actor: actorOf(99, 1), counter: 1 };
      const value = Buffer.from('last');
      const last = { dot, time: 0, expiresAt: 0, isTombstone: false, value };
      const after = writeSibling(all, all.context, last);
      for (const state of states) assert.equal(mergeObjects(state, after), after);
      assert.deepEqual(after.siblings.map(idOf), ['last']);
      assert.ok(all.siblings.every(({ time }) => time < after.siblings[0]!.time));
    }),
  );
});

test('the oracle notices a merge that brings replaced siblings back', () => {
  // The canary: if the random histories never told right from wrong, the tests above say nothing.
  const broken = (a: StoredObject, b: StoredObject): StoredObject => {
    const { context } = mergeObjects(a, b);
    const dots = new Map([...a.siblings, ...b.siblings].map((s) => [idOf(s), s]));
    return { context, siblings: [...dots.values()] };
  };
  const samples = fc.sample(anySteps, { numRuns: 200, seed: 1 });
  const caught = samples.filter((steps) => {
    const states = runWithSiblings(steps);
    const right = states.reduce(mergeObjects<Sibling>, EMPTY_OBJECT);
    const wrong = states.reduce(broken, EMPTY_OBJECT);
    return wrong.siblings.length !== right.siblings.length;
  });
  assert.ok(caught.length > 20, `${caught.length} of 200 histories`);
});
