import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { Filter, FilterWriter } from './filter.ts';
import { hashOfTableKey } from './key-hash.ts';

function filterOf(hashes: Iterable<number>, expectedKeys: number): Buffer {
  const writer = new FilterWriter(expectedKeys);
  for (const hash of hashes) writer.add(hash);
  return Buffer.concat([...writer.finish()]);
}

function hashesFrom(start: number, count: number): number[] {
  const key = Buffer.alloc(11);
  return Array.from({ length: count }, (_, index) => {
    key.writeUInt32BE(start + index, 3);
    return hashOfTableKey(key);
  });
}

test('no key of any number of keys is missed, and few others pass', () => {
  const sizes = [0, 1, 2, 3, 4, 5, 7, 10, 20, 33, 100, 101, 500, 1000, 4321, 20_000, 150_000];
  for (const size of sizes) {
    for (const expected of new Set([0, size, 3 * size + 1])) {
      const hashes = hashesFrom(0, size);
      const filter = new Filter(filterOf(hashes, expected));
      for (const hash of hashes) ok(filter.mayContain(hash), `${size} keys, ${expected} expected`);
      const absent = hashesFrom(1_000_000, 20_000).filter((hash) => filter.mayContain(hash));
      ok(absent.length < 140, `${absent.length} of 20000 for ${size} keys`);
    }
  }
});

test('9 bits a key when there are many', () => {
  const bytes = filterOf(hashesFrom(0, 200_000), 200_000).length;
  ok((8 * bytes) / 200_000 < 9.2, `${(8 * bytes) / 200_000} bits`);
});

test('equal hashes cost nothing but time', () => {
  const hashes = [...hashesFrom(0, 5000), ...hashesFrom(0, 5000), ...hashesFrom(7, 3)];
  const filter = new Filter(filterOf(hashes, 10_000));
  for (const hash of hashes) ok(filter.mayContain(hash));
  const one = new Filter(filterOf(Array(1000).fill(12_345), 1000));
  ok(one.mayContain(12_345));
});

test('hashes that differ in few bits are told apart', () => {
  const patterns = [(n: number) => n, (n: number) => n * 2 ** 32, (n: number) => n * 2 ** 20];
  for (const pattern of patterns) {
    const hashes = Array.from({ length: 30_000 }, (_, n) => pattern(n));
    const filter = new Filter(filterOf(hashes, 30_000));
    for (const hash of hashes) ok(filter.mayContain(hash));
  }
});

test('the same keys make the same filter', () => {
  deepEqual(filterOf(hashesFrom(5, 3000), 3000), filterOf(hashesFrom(5, 3000), 3000));
});

test('the hash of a key is the same for ever', () => {
  const hashes = ['', 'a', 'abc', 'abcd', 'a longer key'].map((key) =>
    hashOfTableKey(Buffer.from(key)),
  );
  deepEqual(
    hashes,
    [5045967150216293, 3243424145870655, 3455844656736028, 7564649213274009, 6189371591439166],
  );
});

test('keys that differ a little have hashes that differ a lot', () => {
  const seen = new Set<number>();
  let flips = 0;
  for (let n = 0; n < 2000; n++) {
    const key = Buffer.from(`key ${n}`);
    const hash = hashOfTableKey(key);
    seen.add(hash);
    const bit = n % (8 * key.length);
    key[bit >> 3] = (key[bit >> 3] as number) ^ (1 << (bit & 7));
    flips += differingBits(hash, hashOfTableKey(key));
  }
  equal(seen.size, 2000);
  ok(Math.abs(flips / 2000 - 26.5) < 0.5, `${flips / 2000} of 53 bits`);
});

function differingBits(a: number, b: number): number {
  return [...(BigInt(a) ^ BigInt(b)).toString(2)].filter((bit) => bit === '1').length;
}
