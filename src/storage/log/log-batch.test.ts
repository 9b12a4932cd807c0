import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteWriter } from '../../base/bytes.ts';
import { hasCode } from '../../base/errors.ts';
import type { Change, EngineKey } from '../engine.ts';
import { put, removal } from '../test-engine.ts';
import { LogBatch, replayBatch } from './log-batch.ts';
import { BATCH_HEADER_BYTES } from './log-format.ts';

const bad = (error: unknown) => hasCode(error, 'BAD_BYTES');

function payloadOf(firstSequence: number, writes: readonly (readonly Change[])[]): Buffer {
  const batch = new LogBatch(firstSequence, new ByteWriter(), false);
  for (const changes of writes) batch.add(changes);
  return Buffer.from(batch.sealedFor(1, 16).subarray(BATCH_HEADER_BYTES));
}

/** What is handed over, as text. */
function replayed(payload: Buffer, after: number): string[] {
  const lines: string[] = [];
  const name = ({ slot, key }: EngineKey) => `${slot}/${key}`;
  replayBatch(payload, after, {
    put: (at, value, sequence) => lines.push(`${sequence}: ${name(at)} = ${value}`),
    remove: (at, sequence) => lines.push(`${sequence}: ${name(at)} removed`),
  });
  return lines;
}

test('what was added is handed over in order, but for what tables hold already', () => {
  const payload = payloadOf(5, [
    [put('a', 'x', 1), removal('b', 16_383)],
    [],
    [removal('a', 1), put('', '', 0)],
  ]);
  const lines = ['5: 1/a = x', '5: 16383/b removed', '7: 1/a removed', '7: 0/ = '];
  deepEqual(replayed(payload, 0), lines);
  deepEqual(replayed(payload, 6), lines.slice(2));
  deepEqual(replayed(payload, 7), []);
});

test('the head of an entry is one of those that mean something', () => {
  const payload = payloadOf(1, [[removal('a')]]);
  const headAt = payload.length - 6;
  equal(payload[headAt], 1);
  for (let head = 0; head < 256; head++) {
    payload[headAt] = head;
    // A removal in a slot that grows, stays or shrinks.
    if ([0b0001, 0b0101, 0b1001].includes(head))
      deepEqual(replayed(payload, 0), ['1: 7/a removed']);
    else throws(() => replayed(payload, 0), bad, `head ${head}`);
  }
});

test('random payloads end, and throw BAD_BYTES only', () => {
  const bytes = fc.array(fc.constantFrom(0, 1, 2, 3, 4, 5, 127, 128, 255), { maxLength: 40 });
  const property = fc.property(bytes, (random) => {
    try {
      replayed(Buffer.from(random), 0);
    } catch (error) {
      ok(bad(error), String(error));
    }
  });
  fc.assert(property, { numRuns: 3000 });
});
