import { deepEqual, notDeepEqual } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { KeyspaceNumber, Slot } from '../../base/ids.ts';
import { actorOf } from '../../causality/dot.ts';
import type { VersionVector } from '../../causality/version-vector.ts';
import { digestChange, digestOf } from './key-digest.ts';

const keys = fc.record({
  keyspace: fc.constantFrom(0, 1).map((number) => number as KeyspaceNumber),
  slot: fc.constant(0 as Slot),
  key: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
});
const contexts: fc.Arbitrary<VersionVector> = fc
  .uniqueArray(fc.tuple(fc.nat(3), fc.nat(2)), { selector: String, maxLength: 4 })
  .chain((actors) => {
    const sorted = actors
      .map(([node, incarnation]) => actorOf(node + 1, incarnation + 1))
      .sort(order);
    return fc.tuple(...sorted.map((actor) => fc.nat(3).map((n) => ({ actor, counter: n + 1 }))));
  });

function order(a: number, b: number): number {
  return a - b;
}

test('changes of a key, one after another, leave the digest of what it knows in the end', () => {
  const check = fc.property(fc.nat(2 ** 32 - 1), keys, fc.array(contexts), (seed, at, steps) => {
    let [high, low] = [0, 0];
    let known: VersionVector = [];
    for (const next of steps) {
      const change = digestChange(seed, at, known, next);
      [high, low] = [high ^ change.high, low ^ change.low];
      known = next;
    }
    deepEqual({ high, low }, digestOf(seed, at, known));
  });
  fc.assert(check);
});

test('another key, keyspace, context or cluster has another digest', () => {
  const copies = fc.tuple(fc.nat(3), keys, contexts);
  const check = fc.property(copies, copies, (a, b) => {
    fc.pre(a[2].length > 0 && JSON.stringify(a) !== JSON.stringify(b));
    notDeepEqual(digestOf(...a), digestOf(...b));
  });
  fc.assert(check, { numRuns: 2_000 });
});

test('who knows nothing of a key adds nothing', () => {
  const at = { keyspace: 0 as KeyspaceNumber, slot: 0 as Slot, key: Buffer.from('k') };
  deepEqual(digestOf(7, at, []), { high: 0, low: 0 });
});
