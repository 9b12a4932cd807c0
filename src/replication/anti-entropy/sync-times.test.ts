import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SLOT_COUNT, type Slot } from '../../base/ids.ts';
import type { ClusterView } from '../cluster-view.ts';
import { DEFAULT_KEYSPACE } from '../keyspace.ts';
import { SharedSlots } from './shared-slots.ts';
import { SyncTimes } from './sync-times.ts';

const LAST = SLOT_COUNT - 1;
/** All slots belong to node 0 and this one; slots from 100 on to node 2 as well. */
const ONE = 1;
const primaries = (_: unknown, slot: Slot) => (slot < 100 ? [0, 1] : [0, 1, 2]);
const VIEW = { self: 0, primaries } as unknown as ClusterView;
const KEYSPACES = [DEFAULT_KEYSPACE];

function newTimes(): SyncTimes {
  const shared = [0, 1, 2].map((member) => new SharedSlots(VIEW, DEFAULT_KEYSPACE, member));
  const slotsSharedWith = (member: number) => shared[member] as SharedSlots;
  return new SyncTimes(VIEW, { slotsSharedWith });
}

const slots = fc.oneof(fc.nat(LAST), fc.constantFrom(0, 99, 100, LAST));
const ends = fc.tuple(slots, slots).map((ends) => ends.sort((a, b) => a - b));
const ranges = fc.oneof(fc.constant([0, LAST]), ends);
const exceptions = fc.array(slots, { maxLength: 5 });
const notes = fc.array(fc.tuple(fc.constantFrom(1, 2), ranges, exceptions), { maxLength: 8 });

test('each slot is in sync as of the last comparison in which it was no exception', () => {
  const check = fc.property(notes, (notes) => {
    const times = newTimes();
    const model = [1, 2].map(() => new Float64Array(SLOT_COUNT));
    for (const [i, [member, [from, to], but]] of notes.entries()) {
      const range = { fromSlot: from as Slot, toSlot: to as Slot };
      const excepted = new Set(but.filter((slot) => member === ONE || slot >= 100) as Slot[]);
      const compared = { member, keyspace: DEFAULT_KEYSPACE, ...range };
      const inRange = [...excepted].filter(
        (slot) => slot >= range.fromSlot && slot <= range.toSlot,
      );
      times.note(compared, new Set(inRange), 1_000 + i);
      for (let slot = from as number; slot <= (to as number); slot++) {
        if (!excepted.has(slot as Slot)) (model[member - 1] as Float64Array)[slot] = 1_000 + i;
      }
    }
    const [one, two] = model as [Float64Array, Float64Array];
    equal(times.oldestMs(KEYSPACES, 1), Math.min(...one));
    equal(times.oldestMs(KEYSPACES, 2), Math.min(...two.subarray(100)));
    const found = times.slotsOf(DEFAULT_KEYSPACE).flatMap(({ fromSlot, toSlot, inSyncMs }) => {
      return Array.from({ length: toSlot - fromSlot + 1 }, () => inSyncMs);
    });
    const expected = Array.from(one, (ms, slot) =>
      slot < 100 ? ms : Math.min(ms, two[slot] ?? 0),
    );
    deepEqual(found, expected);
  });
  fc.assert(check, { numRuns: 30 });
});

test('a node that shares no slot is in sync as of never', () => {
  equal(newTimes().oldestMs([], 1), 0);
});
