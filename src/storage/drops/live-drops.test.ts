import { deepEqual, ok } from 'node:assert/strict';
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

test('a drop is visible at once, heeded when durable, named by the manifest when flushed', () => {
  const drops = new LiveDrops([]);
  drops.add(at(5));
  drops.add(at(8));
  deepEqual(drops.visible.drops(), [at(8)]);
  ok(drops.settled(4).map.isEmpty);
  const settled = drops.settled(6);
  deepEqual(settled.map.drops(), [at(5)]);
  deepEqual(settled.upTo, 6);
  deepEqual(drops.flushed(TABLES, 4), []);
  deepEqual(drops.flushed(TABLES, 6), [at(5)]);
  deepEqual(drops.flushed([], 6), [], 'no table needs it');
  deepEqual(drops.settled(9).map.drops(), [at(8)]);
  deepEqual(drops.flushed(TABLES, 6), [], 'the later one is in the log, and hides as much');
  deepEqual(settled.map.drops(), [at(5)], 'whoever heeds a map keeps it');
});

test('what hides nothing is forgotten, but not before it is durable', () => {
  const drops = new LiveDrops([at(3)]);
  drops.add(at(8));
  drops.forget([], 3);
  deepEqual(drops.settled(7).map.drops(), [at(3)], 'a memtable is as old');
  drops.forget([], 4);
  ok(drops.settled(7).map.isEmpty);
  deepEqual(drops.visible.drops(), [at(8)]);
  drops.settled(8);
  drops.forget([], 9);
  ok(drops.visible.isEmpty);
});
