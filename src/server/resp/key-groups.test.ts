import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { KeyGroups, keyHash, type Link } from './key-groups.ts';

interface Group extends Link<Group> {
  readonly name: string;
}

test('finds what a Map finds, whatever comes and goes', () => {
  const step = fc.tuple(fc.boolean(), fc.nat(300));
  const property = fc.property(fc.array(step, { maxLength: 600 }), fc.nat(), (steps, seed) => {
    const groups = new KeyGroups<Group>(seed);
    const model = new Map<number, Group>();
    for (const [isAdding, number] of steps) {
      const hash = keyHash(Buffer.from(`key:${number}`));
      const known = model.get(hash);
      assert.equal(groups.find(hash), known);
      if (isAdding && known === undefined) {
        const group: Group = { hash, name: `${number}`, following: undefined };
        groups.add(group);
        model.set(hash, group);
      } else if (!isAdding && known !== undefined) {
        groups.remove(known);
        model.delete(hash);
      }
    }
    for (const [hash, group] of model) assert.equal(groups.find(hash), group);
  });
  fc.assert(property, { numRuns: 500 });
});

test('hashes of a hundred thousand usual keys hardly meet', () => {
  const hashes = new Set<number>();
  for (let i = 0; i < 100_000; i++) hashes.add(keyHash(Buffer.from(`user:${i}:session`)));
  // 2^30 values: about five meetings are expected of a perfect hash.
  assert.ok(hashes.size > 99_900);
});

test('long keys differ by their ends and their length', () => {
  const long = Buffer.alloc(1_000, 'k');
  const [first, last] = [Buffer.from(long), Buffer.from(long)];
  first[0] = 0;
  last[999] = 0;
  const hashes = [long, first, last, Buffer.alloc(1_001, 'k')].map(keyHash);
  assert.equal(new Set(hashes).size, 4);
});
