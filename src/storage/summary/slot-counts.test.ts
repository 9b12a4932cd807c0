import { deepEqual, equal, throws } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { hasCode } from '../../base/errors.ts';
import type { KeyspaceNumber, Slot } from '../../base/ids.ts';
import type { Growth } from '../engine.ts';
import { SlotCounts } from './slot-counts.ts';

const place = (keyspace: number, slot: number) => {
  return { keyspace: keyspace as KeyspaceNumber, slot: slot as Slot };
};

function bytesOf(counts: SlotCounts): Buffer {
  const writer = new ByteWriter();
  counts.writeTo(writer);
  return writer.copy();
}

const keyspaces = fc.constantFrom(0, 1, 255);
const slots = fc.oneof(fc.constantFrom(0, 1, 16_383), fc.nat(16_383));
const growths = fc.constantFrom<Growth>(-1, 0, 1, 1, 1);

test('counts are sums, a copy stays as it was, and bytes bring back what they held', () => {
  const steps = fc.array(fc.tuple(keyspaces, slots, growths), { maxLength: 300 });
  const property = fc.property(steps, (steps) => {
    const counts = new SlotCounts();
    const sums = new Map<string, number>();
    for (const [keyspace, slot, growth] of steps) {
      const sum = sums.get(`${keyspace} ${slot}`) ?? 0;
      if (sum + growth < 0) continue;
      counts.grow(place(keyspace, slot), growth);
      sums.set(`${keyspace} ${slot}`, sum + growth);
    }
    const copies = [counts.copy(), SlotCounts.readFrom(new ByteReader(bytesOf(counts)))];
    for (const [keyspace, slot] of steps) counts.grow(place(keyspace, slot), 1);
    for (const [name, sum] of sums) {
      const [keyspace = 0, slot = 0] = name.split(' ').map(Number);
      const at = place(keyspace, slot);
      deepEqual(
        copies.map((copy) => copy.of(at.keyspace, at.slot)),
        [sum, sum],
        name,
      );
    }
    const total = [...sums.values()].reduce((all, sum) => all + sum, 0);
    deepEqual(
      copies.map((copy) => copy.total()),
      [total, total],
    );
    deepEqual(...(copies.map(bytesOf) as [Buffer, Buffer]));
  });
  fc.assert(property, { numRuns: 200 });
});

test('16,384 slots of up to 127 keys each take 32 KiB, and none takes two bytes', () => {
  const counts = new SlotCounts();
  equal(bytesOf(counts).length, 1);
  for (let slot = 0; slot < 16_384; slot++) {
    for (let key = 0; key <= slot % 127; key++) counts.grow(place(0, slot), 1);
  }
  equal(bytesOf(counts).length, 1 + 1 + 3 + 2 * 16_384);
});

test('bytes that no counts have are refused with BAD_BYTES', () => {
  const bad = (error: unknown) => hasCode(error, 'BAD_BYTES');
  const rows = [
    [],
    [1],
    [1, 0, 2, 5, 1],
    [1, 0, 1, 0x80, 0x80, 0x01, 1],
    [1, 0, 2, 0xff, 0x7f, 1, 0, 1],
  ];
  for (const row of rows) {
    throws(() => SlotCounts.readFrom(new ByteReader(Buffer.from(row))), bad, String(row));
  }
});
