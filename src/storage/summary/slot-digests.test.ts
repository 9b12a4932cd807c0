import { deepEqual, equal, throws } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { hasCode } from '../../base/errors.ts';
import type { KeyspaceNumber, Slot } from '../../base/ids.ts';
import { SlotDigests } from './slot-digests.ts';

const place = (keyspace: number, slot: number) => {
  return { keyspace: keyspace as KeyspaceNumber, slot: slot as Slot };
};

function at(digests: SlotDigests, keyspace: number, slot: number) {
  const words = digests.of(keyspace as KeyspaceNumber)?.words ?? new Int32Array(2 * 16_384);
  return [words[2 * slot], words[2 * slot + 1]];
}

function bytesOf(digests: SlotDigests): Buffer {
  const writer = new ByteWriter();
  digests.writeTo(writer);
  return writer.copy();
}

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const changes = fc.array(
  fc.tuple(fc.constantFrom(0, 7), fc.constantFrom(0, 1, 16_383), word, word),
);

test('digests are the same in whatever order changes came, copied, and from their bytes', () => {
  const check = fc.property(changes, fc.infiniteStream(fc.nat()), (changes, dice) => {
    const folded = (order: typeof changes) => {
      const digests = new SlotDigests();
      for (const [keyspace, slot, high, low] of order) {
        digests.fold(place(keyspace, slot), high, low);
      }
      return digests;
    };
    const shuffled = changes
      .map((change) => ({ change, at: dice.next().value }))
      .sort((a, b) => a.at - b.at)
      .map(({ change }) => change);
    const digests = folded(changes);
    const others = [
      folded(shuffled),
      digests.copy(),
      SlotDigests.readFrom(new ByteReader(bytesOf(digests))),
    ];
    for (const other of others) {
      for (const [keyspace, slot] of changes) {
        deepEqual(at(other, keyspace, slot), at(digests, keyspace, slot));
      }
    }
  });
  fc.assert(check, { numRuns: 200 });
});

test('what is folded in twice is gone, and a cleared slot has none', () => {
  const digests = new SlotDigests();
  const { keyspace, slot } = place(3, 5);
  const of = () => at(digests, keyspace, slot);
  digests.fold({ keyspace, slot }, 1, -2);
  digests.fold({ keyspace, slot }, 1, -2);
  deepEqual(of(), [0, 0]);
  digests.fold({ keyspace, slot }, 1, -2);
  digests.clear({ keyspace, fromSlot: 6 as Slot, toSlot: 9 as Slot });
  deepEqual(of(), [1, -2]);
  digests.clear({ keyspace, fromSlot: 5 as Slot, toSlot: 5 as Slot });
  deepEqual(of(), [0, 0]);
  equal(bytesOf(new SlotDigests()).length, 1);
});

test('who remembers the numbers of changes sees which slots have another digest', () => {
  const digests = new SlotDigests();
  const { keyspace, slot } = place(3, 130);
  const known = () => Float64Array.from(digests.of(keyspace)?.changes ?? []);
  const changedSince = (before: Float64Array) => {
    const changes = known();
    return [...changes.keys()].filter((place) => changes[place] !== before[place]);
  };
  digests.fold({ keyspace, slot }, 1, 1);
  equal(changedSince(new Float64Array(256)).length, 256);
  const first = known();
  digests.fold({ keyspace, slot }, 0, 0);
  deepEqual(changedSince(first), []);
  digests.fold({ keyspace, slot }, 0, 1);
  deepEqual(changedSince(first), [2]);
  const second = known();
  digests.clear({ keyspace, fromSlot: slot, toSlot: slot });
  equal(changedSince(second).includes(2), true);
});

test('bytes that no digests have are refused with BAD_BYTES', () => {
  const bad = (error: unknown) => hasCode(error, 'BAD_BYTES');
  const digest = [0, 0, 0, 0, 0, 0, 0, 1];
  const rows = [
    [],
    [1],
    [1, 0, 1, 5, 0, 0, 0, 0, 0, 0, 0, 0],
    [1, 0, 1, 0x80, 0x80, 0x01, ...digest],
    [1, 0, 2, 0xff, 0x7f, ...digest, 0, ...digest],
  ];
  for (const row of rows) {
    throws(() => SlotDigests.readFrom(new ByteReader(Buffer.from(row))), bad, String(row));
  }
});
