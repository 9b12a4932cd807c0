import { deepEqual, equal, throws } from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../../base/errors.ts';
import type { KeyspaceNumber, Slot } from '../../base/ids.ts';
import { readRefilled, refilledPut } from './refill-record.ts';

const KEYSPACE = 1 as KeyspaceNumber;

test('the slots that are full are those that were kept, as in docs/formats.md', () => {
  const full = new Set<number>([1, 16_383]);
  const { key, value } = refilledPut(KEYSPACE, (slot) => full.has(slot), true);
  equal(key.toString('hex'), '0301');
  equal(value.toString('hex'), `02${'00'.repeat(2_046)}80`);
  const slots = Array.from({ length: 16_384 }, (_, slot) => slot as Slot);
  deepEqual(slots.filter(readRefilled(value)), [1, 16_383]);
});

test('other bytes are BAD_BYTES', () => {
  throws(
    () => readRefilled(Buffer.alloc(2_047)),
    (error) => hasCode(error, 'BAD_BYTES'),
  );
});
