import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hasCode } from './errors.ts';
import { compress, compressedBytesMax, decompress } from './lz4.ts';

function blockOf(bytes: Uint8Array): Buffer {
  const to = Buffer.alloc(compressedBytesMax(bytes.length));
  return to.subarray(0, compress(bytes, to));
}

/** Bytes that repeat themselves at many distances. */
const repetitive = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 60 })))
  .map((parts) => Buffer.concat(parts.flatMap(([part, times]) => Array(times).fill(part))));

test('what was compressed comes back, and never takes more than was said', () => {
  fc.assert(
    fc.property(fc.oneof(repetitive, fc.uint8Array({ maxLength: 3000 })), (bytes) => {
      const block = blockOf(bytes);
      ok(block.length <= compressedBytesMax(bytes.length));
      deepEqual(decompress(block, bytes.length), Buffer.from(bytes));
    }),
  );
});

test('long repetitions, long literals and distances beyond 64 KiB come back', () => {
  const noise = Buffer.from(
    Uint32Array.from({ length: 40_000 }, (_, n) => n * 2_654_435_761).buffer,
  );
  const cases = [
    Buffer.alloc(1_000_000, 'a'),
    noise,
    Buffer.concat([noise, noise]),
    Buffer.alloc(0),
  ];
  for (const bytes of cases) deepEqual(decompress(blockOf(bytes), bytes.length), bytes);
  ok(blockOf(Buffer.alloc(1_000_000, 'a')).length < 4_000);
});

test('a block as the description of the format draws it', () => {
  // "abcd" as literals, then 8 bytes from 4 before, then the last five.
  const block = Buffer.from([0x44, ...Buffer.from('abcd'), 4, 0, 0x50, ...Buffer.from('vwxyz')]);
  equal(decompress(block, 17).toString(), 'abcdabcdabcdvwxyz');
});

test('what is no block, or one of another length, is BAD_BYTES', () => {
  const isBad = (error: unknown) => hasCode(error, 'BAD_BYTES');
  const block = blockOf(Buffer.from('one and one and one and one and two'));
  throws(() => decompress(block, 34), isBad);
  throws(() => decompress(block, 36), isBad);
  const wrong: Record<string, number[]> = {
    'nothing at all': [],
    'literals beyond the end': [0x50, 1, 2],
    'a length without end': [0xf0, 255, 255],
    'a distance of nothing': [0x10, 1, 0, 0, 0x50, 1, 2, 3, 4, 5],
    'a distance before the start': [0x10, 1, 2, 0, 0x50, 1, 2, 3, 4, 5],
    'an end within a distance': [0x10, 1, 1],
    'an end behind a match': [0x10, 1, 1, 0],
  };
  for (const [what, bytes] of Object.entries(wrong)) {
    throws(() => decompress(Buffer.from(bytes), 10), isBad, what);
  }
});

test('bytes of chance are BAD_BYTES or as long as was asked', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(2000), (bytes, length) => {
      try {
        equal(decompress(bytes, length).length, length);
      } catch (error) {
        ok(hasCode(error, 'BAD_BYTES'), String(error));
      }
    }),
  );
});

test('a changed block is BAD_BYTES or as long as was asked', () => {
  const bytes = Buffer.from('the same words, the same words, and the same words again '.repeat(9));
  const block = blockOf(bytes);
  for (let at = 0; at < block.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const changed = Buffer.from(block);
      changed[at] = (changed[at] as number) ^ (1 << bit);
      try {
        equal(decompress(changed, bytes.length).length, bytes.length);
      } catch (error) {
        ok(hasCode(error, 'BAD_BYTES'), String(error));
      }
    }
  }
});
