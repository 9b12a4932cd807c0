import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { BlockCache } from './block-cache.ts';

const block = (fill: string) => Buffer.alloc(800, fill);
/** Room for so many blocks of 800 bytes and what is around them. */
const roomFor = (blocks: number) => new BlockCache(1000 * blocks);

test('SIEVE: hit blocks are spared once, the hand goes on where it stopped', () => {
  const cache = roomFor(4);
  const shelf = cache.shelf(1, 1001);
  const present = () =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter((n) => shelf.peek(n) !== undefined).join('');
  for (const n of [0, 1, 2, 3]) shelf.put(n, block('x'));
  shelf.get(0);
  shelf.get(2);
  shelf.put(4, block('x'));
  equal(present(), '0234');
  shelf.put(5, block('x'));
  equal(present(), '0245');
  shelf.put(6, block('x'));
  equal(present(), '0256');
  shelf.put(7, block('x'));
  equal(present(), '0267');
  equal(cache.stats().bytes, 4000);
});

test('the budget holds for any sizes, and a block above it is not kept', () => {
  const cache = new BlockCache(10_000);
  const shelf = cache.shelf(1, 1001);
  let kept = 0;
  for (let n = 0; n < 500; n++) {
    shelf.put(n, Buffer.alloc((n * 37) % 5000));
    if (n % 3 === 0) shelf.get((n * 7) % (n + 1));
    ok(cache.stats().bytes <= 10_000);
    kept = cache.stats().blocks;
  }
  ok(kept >= 2);
  shelf.put(1000, Buffer.alloc(10_000));
  equal(shelf.peek(1000), undefined);
  equal(cache.stats().blocks, kept);
});

test('tables do not see the blocks of others, and drop takes only its own', () => {
  const cache = roomFor(10);
  const [one, two] = [cache.shelf(1, 1001), cache.shelf(2, 40)];
  for (const n of [0, 1, 2]) {
    one.put(n, block('1'));
    two.put(n, block('2'));
  }
  equal(two.get(0)?.toString('latin1', 0, 1), '2');
  cache.drop(1);
  cache.drop(1);
  deepEqual([one.peek(0), two.peek(2)?.length], [undefined, 800]);
  one.put(0, block('x'));
  equal(cache.stats().blocks, 3);
  equal(cache.stats().hits, 1);
  for (let n = 10; n < 40; n++) two.put(n, block('2'));
  equal(cache.stats().blocks, 10);
});
