import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import { crc16, slotOf } from './slot.ts';

const require = createRequire(import.meta.url);
const clientSlotOf: (key: Buffer) => number = require('cluster-key-slot');

test('the check value of CRC16/XMODEM', () => {
  assert.equal(crc16(Buffer.from('123456789'), 0, 9), 0x31c3);
});

test('slots as redis-cli prints them', () => {
  const cases: [key: string, slot: number][] = [
    ['', 0],
    ['foo', 12_182],
    ['123456789', 0x31c3 % 16_384],
    ['bar', 5_061],
  ];
  for (const [key, slot] of cases) assert.equal(slotOf(Buffer.from(key)), slot, key);
});

test('the hash tag alone decides', () => {
  const cases: [key: string, hashed: string][] = [
    ['{user1000}.following', 'user1000'],
    ['{user1000}.followers', 'user1000'],
    ['before{tag}after', 'tag'],
    ['foo{}{bar}', 'foo{}{bar}'],
    ['foo{{bar}}zap', '{bar'],
    ['foo{bar}{zap}', 'bar'],
    ['foo}{bar', 'foo}{bar'],
    ['}{tag}', 'tag'],
    ['{', '{'],
    ['{}', '{}'],
    ['{}}', '{}}'],
  ];
  for (const [key, hashed] of cases) {
    const bytes = Buffer.from(hashed);
    assert.equal(slotOf(Buffer.from(key)), crc16(bytes, 0, bytes.length) % 16_384, key);
  }
});

// In `{}}` cluster-key-slot takes the second `}` for the end of the tag, against the specification
// (the first one counts, and an empty tag is none): keys that hold `{}` first are left out here.
test('the same slot as the clients compute, for any bytes', () => {
  const braces = fc.constantFrom(0x7b, 0x7d);
  const byte = fc.oneof(braces, fc.integer({ min: 0, max: 255 }));
  const keys = fc
    .array(byte, { maxLength: 40 })
    .map((bytes) => Buffer.from(bytes))
    .filter((key) => key[key.indexOf(0x7b) + 1] !== 0x7d || !key.includes('{'));
  fc.assert(
    fc.property(keys, (key) => slotOf(key) === clientSlotOf(key)),
    { numRuns: 5_000 },
  );
});
