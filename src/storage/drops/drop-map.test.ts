import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { KeyspaceNumber, Slot } from '../../base/ids.ts';
import { keyAt, placeOf } from '../compaction/key-region.ts';
import type { TableInfo } from '../table-info.ts';
import { type Drop, NO_DROPS } from './drop-map.ts';

const KEYSPACES = [0, 1, 255];
const SLOTS = [0, 1, 2, 7, 8, 500, 16_382, 16_383];

function drop(keyspace: number, from: number, to: number, sequence: number): Drop {
  const [fromSlot, toSlot] = [from as Slot, to as Slot];
  return { keyspace: keyspace as KeyspaceNumber, fromSlot, toSlot, sequence };
}

function table(keyspaceAndSlots: readonly [number, number, number, number], upTo = 0): TableInfo {
  const [firstKeyspace, firstSlot, lastKeyspace, lastSlot] = keyspaceAndSlots;
  return {
    ...{
      number: 1,
      level: 0,
      bytes: 1,
      entries: 1,
      values: [],
      removals: 0,
      sequenceMin: 1,
      sequenceMax: 5,
    },
    firstKey: Buffer.concat([keyAt(firstKeyspace * 16_384 + firstSlot), Buffer.from('x')]),
    lastKey: Buffer.concat([keyAt(lastKeyspace * 16_384 + lastSlot), Buffer.from('x')]),
    droppedUpTo: upTo,
  };
}

const slotPairs = fc.tuple(fc.constantFrom(...SLOTS), fc.constantFrom(...SLOTS));
const ranges = fc.record({ keyspace: fc.constantFrom(...KEYSPACES), slots: slotPairs });
const histories = fc.array(ranges, { maxLength: 12 }).map((each) => {
  return each.map(({ keyspace, slots }, index) => {
    return drop(keyspace, Math.min(...slots), Math.max(...slots), 10 * index + 10);
  });
});

/** The last drop of a slot, the obvious way. */
function lastOf(history: readonly Drop[], keyspace: number, slot: number): number {
  const own = history.filter((each) => {
    return each.keyspace === keyspace && each.fromSlot <= slot && slot <= each.toSlot;
  });
  return own.at(-1)?.sequence ?? 0;
}

test('any history says of any slot when it was dropped last, by any way of saying it', () => {
  const property = fc.property(histories, fc.nat(12), (history, cut) => {
    const map = NO_DROPS.with(history.slice(0, cut)).with(history.slice(cut));
    const again = NO_DROPS.with(map.drops());
    equal(map.isEmpty, history.length === 0);
    for (const keyspace of [...KEYSPACES, 3]) {
      for (const slot of SLOTS) {
        const at = { keyspace: keyspace as KeyspaceNumber, slot: slot as Slot };
        const last = lastOf(history, keyspace, slot);
        equal(map.sequenceAt(at), last);
        equal(again.sequenceAt(at), last);
        const key = keyAt(keyspace * 16_384 + slot);
        equal(map.hides(key, last), false);
        equal(map.hides(key, Math.max(0, last - 1)), last > 0);
      }
    }
    for (const [index, each] of map.drops().entries()) {
      const before = map.drops()[index - 1];
      const follows = before?.keyspace === each.keyspace && before.toSlot + 1 === each.fromSlot;
      ok(!follows || before.sequence !== each.sequence, 'as few as say the same');
    }
  });
  fc.assert(property, { numRuns: 200 });
});

test('a map never changes', () => {
  const map = NO_DROPS.with([drop(0, 5, 9, 10)]);
  map.with([drop(0, 5, 5, 20), drop(0, 7, 7, 21), drop(1, 0, 0, 22)]);
  deepEqual(map.drops(), [drop(0, 5, 9, 10)]);
  ok(NO_DROPS.isEmpty);
});

test('a table is hidden when every place of it was dropped after its last write', () => {
  const map = NO_DROPS.with([drop(0, 10, 16_383, 9), drop(1, 0, 16_383, 9), drop(2, 0, 3, 9)]);
  ok(map.hidesTable(table([0, 10, 2, 3])));
  ok(!map.hidesTable(table([0, 9, 2, 3])));
  ok(!map.hidesTable(table([0, 10, 2, 4])));
  ok(!map.hidesTable({ ...table([0, 10, 2, 3]), sequenceMax: 10 }));
  ok(!NO_DROPS.with([drop(0, 0, 16_383, 9), drop(2, 0, 9, 9)]).hidesTable(table([0, 0, 2, 3])));
  const span = { from: placeOf(keyAt(5)), to: 20 };
  equal(map.firstKept(span, 5), 5);
  equal(map.firstKept({ from: 12, to: 20 }, 5), 20);
  equal(map.firstKept({ from: 12, to: 20 }, 9), 12);
});

test('the hidden share of a table counts what was dropped since it was written', () => {
  const map = NO_DROPS.with([drop(0, 0, 9, 7), drop(0, 10, 14, 9), drop(1, 0, 4, 9)]);
  equal(map.hiddenShare(table([0, 0, 0, 19])), 15 / 20);
  equal(map.hiddenShare(table([0, 0, 0, 19], 7)), 5 / 20);
  equal(map.hiddenShare(table([0, 0, 0, 19], 9)), 0);
  equal(map.hiddenShare(table([0, 16_380, 1, 5])), 5 / 10);
  equal(map.hiddenShare(table([3, 0, 3, 5])), 0);
  equal(map.hiddenShare(table([0, 16_380, 5, 9])), 5 / (4 + 16_384 + 10));
});

test('a drop is needed while a table over its slots did not heed it', () => {
  const map = NO_DROPS.with([drop(0, 0, 9, 10), drop(1, 0, 9, 20)]);
  const needed = (...tables: readonly TableInfo[]) => {
    const drops = map.neededBy(tables).drops();
    return drops.map((each) => `${each.keyspace}/${each.fromSlot}-${each.toSlot}`).join(' ');
  };
  equal(needed(), '');
  equal(needed(table([0, 5, 0, 100])), '0/5-9');
  equal(needed(table([0, 5, 0, 100], 10)), '');
  equal(needed(table([0, 5, 1, 3], 10)), '1/0-3');
  equal(needed(table([0, 5, 1, 3], 10), table([0, 2, 0, 2])), '0/2-2 1/0-3');
});
