import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import { SlotMap } from './slot-map.ts';

const row = (from: number, to: number, port: number) => [from, to, [Buffer.from('h'), port, null]];

test('a key goes to the owner of its slot', () => {
  const map = new SlotMap([row(0, 8191, 1), row(8192, 12_287, 2), row(12_288, 16_383, 1)]);
  deepEqual(map.addresses, ['h:1', 'h:2']);
  // Slots by the Redis Cluster specification: foo 12182, bar 5061, hello 866, a 15495.
  const owners = { foo: 'h:2', bar: 'h:1', hello: 'h:1', a: 'h:1' };
  for (const [key, owner] of Object.entries(owners)) {
    equal(map.ownerOf(Buffer.from(key)), owner, key);
  }
});

test('slots without a node, and replies that are no map, have no owner', () => {
  equal(new SlotMap([row(0, 100, 1)]).ownerOf(Buffer.from('foo')), undefined);
  for (const reply of [null, 'OK', [], [[0, 16_383]]]) {
    equal(new SlotMap(reply).ownerOf(Buffer.from('foo')), undefined);
  }
});
