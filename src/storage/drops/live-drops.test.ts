import { deepEqual, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { EVERYTHING } from '../test-engine.ts';
import type { Drop } from './drop-map.ts';
import { LiveDrops } from './live-drops.ts';

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
  deepEqual(drops.flushed(4), []);
  deepEqual(drops.flushed(6), [at(5)]);
  deepEqual(drops.settled(9).map.drops(), [at(8)]);
  deepEqual(drops.flushed(6), [], 'the later one is in the log, and hides as much');
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
