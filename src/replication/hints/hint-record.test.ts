import { deepEqual, equal, notDeepEqual } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { KeyspaceNumber, Slot } from '../../base/ids.ts';
import { HINTS_KEYSPACE, type Hint, hintKeyOf, hintPut, readHint } from './hint-record.ts';

const places = fc.tuple(fc.nat(253), fc.nat(16_383), fc.uint8Array({ maxLength: 64 }));
const hints = fc
  .tuple(fc.nat(2 ** 21 - 1), fc.nat(2 ** 31 - 1), places)
  .map(([target, sinceMs, [keyspace, slot, key]]): Hint => {
    const at = { keyspace: keyspace as KeyspaceNumber, slot: slot as Slot, key: Buffer.from(key) };
    return { target, at, sinceMs };
  });

test('a hint that the engine kept is the hint that was kept', () => {
  const check = fc.property(hints, (hint) => {
    const put = hintPut(hint);
    equal(put.keyspace, HINTS_KEYSPACE);
    deepEqual(readHint({ ...put, sequence: 1 }), hint);
  });
  fc.assert(check);
});

test('two targets, keyspaces or keys never share a record', () => {
  const check = fc.property(hints, hints, (a, b) => {
    const names = [a, b].map(({ target, at }) => [target, at.keyspace, at.key]);
    if (Buffer.from(JSON.stringify(names[0])).equals(Buffer.from(JSON.stringify(names[1])))) return;
    notDeepEqual(hintKeyOf(a.target, a.at).key, hintKeyOf(b.target, b.at).key);
  });
  fc.assert(check);
});

test('the hint of docs/formats.md', () => {
  const at = { keyspace: 1 as KeyspaceNumber, slot: 0 as Slot, key: Buffer.from('k') };
  const put = hintPut({ target: 7, at, sinceMs: Date.UTC(2027, 0, 15, 8) });
  equal(`${put.key.toString('hex')} ${put.value.toString('hex')}`, '00000007016b 80a0f1c2b134');
});
