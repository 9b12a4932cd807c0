import { deepEqual, equal, throws } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SLOT_COUNT, type Slot } from '../../base/ids.ts';
import type { Change, Engine } from '../../storage/engine.ts';
import type { ClusterView } from '../cluster-view.ts';
import { DEFAULT_KEYSPACE } from '../keyspace.ts';
import { RefillBook } from './refill-book.ts';

const LAST = (SLOT_COUNT - 1) as Slot;
const { number } = DEFAULT_KEYSPACE;
/** Node 0 is a primary of even slots, with node 1, and from slot 100 on with node 2 as well. */
const primaries = (_: unknown, slot: Slot) => {
  if (slot % 2 === 1) return [1, 2];
  return slot < 100 ? [1, 0] : [2, 0, 1];
};
const VIEW = { self: 0, primaries, keyspace: () => DEFAULT_KEYSPACE } as unknown as ClusterView;

/** An engine that keeps what is written about refilling, and a book of a life on it. */
class Disk {
  value: Buffer | undefined;
  /** It takes no writes now. */
  isBusy = false;

  async book(): Promise<RefillBook> {
    const write = ([change]: readonly Change[]) => {
      if (this.isBusy) throw new Error('not now');
      this.value = change?.kind === 'put' ? change.value : undefined;
    };
    const get = () => (this.value === undefined ? undefined : { value: this.value, sequence: 1 });
    const engine = { write, get } as unknown as Engine;
    const book = new RefillBook({ engine, view: VIEW, keyspaces: [DEFAULT_KEYSPACE] });
    await book.load();
    return book;
  }
}

type Step = readonly ['level', 1 | 2, number, number, number[]] | readonly ['begin', number[]];

const slots = fc.oneof(fc.nat(LAST), fc.constantFrom(0, 98, 100, LAST - 1));
const some = fc.array(slots, { maxLength: 4 });
const ranges = fc.oneof(fc.constant([0, LAST] as const), fc.tuple(slots, slots));
const steps = fc.array(
  fc.oneof(
    fc
      .tuple(fc.constantFrom(1 as const, 2 as const), ranges, some)
      .map(([member, [from, to], but]): Step => ['level', member, from, to, but]),
    some.map((slots): Step => ['begin', slots]),
  ),
  { maxLength: 10 },
);

test('a slot is refilled when it was level with each other, and one knows with whom', async () => {
  const check = fc.asyncProperty(steps, async (steps) => {
    const disk = new Disk();
    const book = await disk.book();
    const waiting = new Map<Slot, Set<number>>();
    const expect = (slot: Slot) => {
      if (slot % 2 === 0) waiting.set(slot, new Set(slot < 100 ? [1] : [1, 2]));
    };
    for (let slot = 0; slot < SLOT_COUNT; slot++) expect(slot as Slot);
    for (const step of steps) {
      if (step[0] === 'begin') {
        book.begin(DEFAULT_KEYSPACE, step[1] as Slot[]);
        for (const slot of step[1]) expect(slot as Slot);
        continue;
      }
      const [, member, fromSlot, toSlot, but] = step;
      const range = { fromSlot: fromSlot as Slot, toSlot: toSlot as Slot };
      let news = 0;
      for (const [slot, members] of waiting) {
        if (slot < fromSlot || slot > toSlot || but.includes(slot)) continue;
        if (members.delete(member)) news += 1;
        if (members.size === 0) waiting.delete(slot);
      }
      equal(book.noteLevel(DEFAULT_KEYSPACE, member, new Set(but as Slot[]), range), news);
    }
    equal(book.slotsWaiting, waiting.size);
    const members = [1, 2];
    const isWaited = (member: number) => [...waiting.values()].some((each) => each.has(member));
    deepEqual(
      members.map((member) => book.waitsFor(member)),
      members.map(isWaited),
    );
    // In a later life a slot that is not full is to be level with all again.
    const later = await disk.book();
    for (let slot = 0 as Slot; slot < SLOT_COUNT; slot++) {
      const at = { keyspace: number, slot };
      equal(book.isRefilling(at), waiting.has(slot));
      equal(later.isRefilling(at), waiting.has(slot));
    }
  });
  await fc.assert(check, { numRuns: 30 });
});

test('what could not be written down is with what comes next', async () => {
  const disk = new Disk();
  const book = await disk.book();
  const nothing = new Set<Slot>();
  book.noteLevel(DEFAULT_KEYSPACE, 1, nothing);
  disk.isBusy = true;
  throws(() => book.noteLevel(DEFAULT_KEYSPACE, 2, nothing), /not now/);
  equal(book.slotsWaiting, 0);
  equal((await disk.book()).slotsWaiting, 8_142);
  disk.isBusy = false;
  equal(book.noteLevel(DEFAULT_KEYSPACE, 2, nothing), 0, 'nothing new');
  equal((await disk.book()).slotsWaiting, 0);
});
