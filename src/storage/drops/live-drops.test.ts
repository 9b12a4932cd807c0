import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { keyAt } from '../compaction/key-region.ts';
import type { TableInfo } from '../table-info.ts';
import { EVERYTHING } from '../test-engine.ts';
import type { Drop } from './drop-map.ts';
import { LiveDrops } from './live-drops.ts';

/** One over all slots that heeded nothing. */
const TABLES: readonly TableInfo[] = [
  {
    ...{
      number: 1,
      level: 0,
      bytes: 1,
      entries: 1,
      values: [],
      removals: 0,
      sequenceMin: 1,
      sequenceMax: 2,
    },
    firstKey: keyAt(0),
    lastKey: keyAt(16_383),
    droppedUpTo: 0,
  },
];

function at(sequence: number): Drop {
  return { ...EVERYTHING, sequence };
}

test('a drop is visible at once, and settled with the manifest that is past it', () => {
  const drops = new LiveDrops([], 2);
  drops.add(at(5));
  drops.add(at(8));
  deepEqual(drops.visible.drops(), [at(8)]);
  deepEqual(drops.upTo(6).drops(), [at(5)]);
  ok(drops.settled.isEmpty && drops.settledUpTo === 2 && !drops.areSettled);
  drops.settle(6, TABLES);
  const { settled } = drops;
  deepEqual(settled.drops(), [at(5)]);
  equal(drops.settledUpTo, 6);
  deepEqual(drops.visible.drops(), [at(8)]);
  ok(!drops.areSettled);
  drops.settle(9, TABLES);
  deepEqual(drops.settled.drops(), [at(8)]);
  deepEqual(settled.drops(), [at(5)], 'whoever heeds a map keeps it');
  ok(drops.areSettled);
});

test('what no table needs is forgotten, but not before it is settled', () => {
  const drops = new LiveDrops([at(3)], 3);
  drops.add(at(8));
  drops.settle(7, TABLES);
  deepEqual(drops.settled.drops(), [at(3)]);
  drops.settle(7, []);
  ok(drops.settled.isEmpty);
  deepEqual(drops.visible.drops(), [at(8)]);
  drops.settle(8, []);
  ok(drops.visible.isEmpty);
});
