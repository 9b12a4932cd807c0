import { deepEqual, equal, throws } from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../../base/errors.ts';
import type { KeyspaceNumber, Slot } from '../../base/ids.ts';
import { actorOf } from '../../causality/dot.ts';
import {
  floorPut,
  keyspaceFloorPut,
  markPut,
  markRemoval,
  REAPING_KEYSPACE,
  readReapingRecord,
} from './floor-record.ts';

const at = { keyspace: 1 as KeyspaceNumber, slot: 7 as Slot };
const floor = [{ actor: actorOf(5, 3), counter: 42, isClosed: true }] as const;

test('what the engine kept of reaping is what was kept', () => {
  const kept = floorPut(at, floor, true);
  deepEqual(readReapingRecord({ ...kept, sequence: 1 }), { kind: 'floor', ...at, floor });
  const all = keyspaceFloorPut(at.keyspace, floor, true);
  const slot = 0;
  const { keyspace } = at;
  const expected = { kind: 'keyspace-floor', keyspace, slot, floor };
  deepEqual(readReapingRecord({ ...all, sequence: 1 }), expected);
  const mark = markPut(at, 1_800_000_000_000);
  const sinceMs = 1_800_000_000_000;
  deepEqual(readReapingRecord({ ...mark, sequence: 1 }), { kind: 'mark', ...at, sinceMs });
  deepEqual([mark.key, mark.growth], [markRemoval(at).key, -markRemoval(at).growth]);
});

test('the records of docs/formats.md', () => {
  const hex = ({ keyspace, key, value }: ReturnType<typeof markPut>) => {
    equal(keyspace, REAPING_KEYSPACE);
    return `${key.toString('hex')} ${value.toString('hex')}`;
  };
  equal(hex(floorPut(at, floor, false)), '0001 0185808001032a');
  equal(hex(markPut(at, Date.UTC(2027, 0, 15, 8))), '0101 80a0f1c2b134');
  equal(hex(keyspaceFloorPut(at.keyspace, floor, true)), '0201 0185808001032a');
});

test('another record is BAD_BYTES', () => {
  const entry = { ...markPut(at, 1), key: Buffer.from([4, 1]), sequence: 1 };
  throws(
    () => readReapingRecord(entry),
    (error) => hasCode(error, 'BAD_BYTES'),
  );
});
