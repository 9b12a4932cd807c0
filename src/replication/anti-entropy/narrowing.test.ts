import { deepEqual, equal, match } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type KeyspaceNumber, SLOT_COUNT, type Slot } from '../../base/ids.ts';
import { actorOf } from '../../causality/dot.ts';
import { CHANGES_SLOTS, type DigestTable, type Engine } from '../../storage/engine.ts';
import type { ClusterView } from '../cluster-view.ts';
import { DEFAULT_KEYSPACE } from '../keyspace.ts';
import { digestOf } from './key-digest.ts';
import { answerTo, narrowed, TURNS_MAX } from './narrowing.ts';
import { SharedSlots } from './shared-slots.ts';
import { leafOf, ROOT, type TreeNode } from './tree-shape.ts';

const KNOWN = [{ actor: actorOf(1, 1), counter: 1 }];

/** One side: the digests that its engine keeps, and the tree over every third slot or all. */
class Side {
  readonly words = new Int32Array(2 * SLOT_COUNT);
  readonly #changes = new Float64Array(SLOT_COUNT / CHANGES_SLOTS).fill(1);
  readonly shared: SharedSlots;

  constructor(isShared: (slot: Slot) => boolean) {
    const primaries = (_: unknown, slot: Slot) => (isShared(slot) ? [0, 1] : [0, 2]);
    const view = { self: 0, primaries } as unknown as ClusterView;
    this.shared = new SharedSlots(view, DEFAULT_KEYSPACE, 1);
  }

  /** A key there becomes another one: the number says which. */
  change(slot: number, key: number): void {
    const at = { keyspace: DEFAULT_KEYSPACE.number, slot: slot as Slot };
    const { high, low } = digestOf(7, { ...at, key: Buffer.from(`${slot} ${key}`) }, KNOWN);
    this.words[2 * slot] = (this.words[2 * slot] as number) ^ high;
    this.words[2 * slot + 1] = (this.words[2 * slot + 1] as number) ^ low;
    const place = Math.floor(slot / CHANGES_SLOTS);
    this.#changes[place] = (this.#changes[place] as number) + 1;
  }

  tree(): SharedSlots {
    const table: DigestTable = { words: this.words, changes: this.#changes };
    this.shared.refresh({ digests: (_: KeyspaceNumber) => table } as unknown as Engine);
    return this.shared;
  }
}

/** What `one` finds, how often it asked, and `meanwhile` after each answer. */
function found(one: Side, two: Side, from: readonly TreeNode[] = [ROOT], meanwhile = () => {}) {
  const all = new Map<Slot, string>();
  let turns = 0;
  for (let told = from; told.length > 0; turns++) {
    const tree = one.tree();
    const nodes = told.map((node) => tree.digestsOf(node));
    const answer = answerTo(two.tree(), nodes);
    meanwhile();
    const { next, differing } = narrowed(one.tree(), answer);
    for (const [slot, digests] of differing) all.set(slot, digests);
    told = next;
  }
  return { all, turns };
}

function ascending(slots: Iterable<number>): number[] {
  return [...slots].sort((a, b) => a - b);
}

const third = (slot: Slot) => slot % 3 === 0;
const everything = () => true;
const slots = fc.oneof(
  fc.nat(SLOT_COUNT - 1),
  fc.constantFrom(0, 1, 63, 64, 511, 512, 8_192, SLOT_COUNT - 1),
);
const changes = fc.array(fc.tuple(slots, fc.nat(3)), { maxLength: 60 });

test('exactly the shared slots that differ are found, in two turns, whatever is in them', () => {
  const sharing = fc.constantFrom(third, everything);
  const check = fc.property(sharing, changes, changes, changes, (isShared, same, mine, theirs) => {
    const [one, two] = [new Side(isShared), new Side(isShared)];
    const levels = [same, same, mine, theirs];
    // Trees are made in between, so that what changes later has to be seen.
    for (const [round, changed] of levels.entries()) {
      const sides = round < 2 ? [one, two] : round === 2 ? [one] : [two];
      for (const side of sides) for (const each of changed) side.change(...each);
      if (round % 2 === 0) found(one, two);
    }
    const differs = (slot: Slot) => {
      const places = [2 * slot, 2 * slot + 1];
      return isShared(slot) && places.some((at) => one.words[at] !== two.words[at]);
    };
    const expected = Array.from({ length: SLOT_COUNT }, (_, slot) => slot as Slot).filter(differs);
    const { all, turns } = found(one, two);
    deepEqual(ascending(all.keys()), expected);
    equal(turns <= TURNS_MAX, true);
    // Whoever asks for leaves is told of those that still differ.
    const again = found(one, two, expected.map(leafOf));
    deepEqual(again.all, all);
  });
  fc.assert(check, { numRuns: 60 });
});

test('what differs all the time is found while others are written', () => {
  const check = fc.property(changes, changes, (differing, busy) => {
    const [one, two] = [new Side(everything), new Side(everything)];
    for (const each of differing) one.change(...each);
    const constant = new Set(differing.map(([slot]) => slot as Slot));
    for (const slot of [...constant]) if (one.words[2 * slot] === 0) constant.delete(slot);
    for (const [slot] of busy) constant.delete(slot as Slot);
    const { all } = found(one, two, [ROOT], () => {
      for (const each of busy) one.change(...each);
    });
    for (const slot of constant) equal(all.has(slot), true, `slot ${slot}`);
  });
  fc.assert(check, { numRuns: 60 });
});

test('alike sides need one turn, and who has nothing is told of everything', () => {
  const [one, two] = [new Side(everything), new Side(everything)];
  for (const side of [one, two]) side.change(5, 1);
  deepEqual(found(one, two), { all: new Map(), turns: 1 });
  for (let slot = 0; slot < SLOT_COUNT; slot++) two.change(slot, 2);
  const { all, turns } = found(one, two);
  deepEqual([all.size, turns], [SLOT_COUNT, 2]);
  match(all.get(0 as Slot) ?? '', /^0{16} [0-9a-f]{16}$/);
});
