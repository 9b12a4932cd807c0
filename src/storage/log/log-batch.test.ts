import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteWriter } from '../../base/bytes.ts';
import { hasCode } from '../../base/errors.ts';
import type { Slot } from '../../base/ids.ts';
import type { Change } from '../engine.ts';
import type { ByteSpan } from '../memtable/change-view.ts';
import { VALUE } from '../table-entry.ts';
import { EVERYTHING, put, removal } from '../test-engine.ts';
import { LogBatch, replayBatch } from './log-batch.ts';
import { BATCH_HEADER_BYTES } from './log-format.ts';

/** Above 32 bits. */
const TIME = 2 ** 41 + 1 + 2 ** 39;
const bad = (error: unknown) => hasCode(error, 'BAD_BYTES');

function payloadOf(firstSequence: number, writes: readonly (readonly Change[])[]): Buffer {
  const batch = new LogBatch(firstSequence, new ByteWriter(), false);
  writes.forEach((changes, n) => {
    batch.add(changes, n * TIME);
  });
  return Buffer.from(batch.sealedFor(1, 16).subarray(BATCH_HEADER_BYTES));
}

function textOf({ bytes, from, length }: ByteSpan): string {
  return bytes.toString('latin1', from, from + length);
}

/** What is handed over, as text. */
function replayed(payload: Buffer, after: number): string[] {
  const lines: string[] = [];
  replayBatch(payload, after, {
    noteTime: (time) => lines.push(`time ${time}`),
    drop: ({ keyspace, fromSlot, toSlot }, sequence) => {
      lines.push(`${sequence}: ${keyspace}/${fromSlot}-${toSlot} dropped`);
    },
    apply: ({ growth, key, kind, value }, sequence) => {
      const what = kind === VALUE ? `= ${textOf(value)}` : `removed${textOf(value)}`;
      lines.push(`${sequence}: ${key.slot}/${textOf(key)} ${what}, ${growth}`);
    },
  });
  return lines;
}

test('what was added is handed over in order, but for what tables hold already', () => {
  const payload = payloadOf(5, [
    [put('a', 'x', 1, 1), removal('b', 16_383)],
    [],
    [removal('a', 1, -1), put('', '', 0)],
  ]);
  const newest = 'time 5497558138882';
  const lines = ['5: 1/a = x, 1', '5: 16383/b removed, 0', '7: 1/a removed, -1', '7: 0/ = , 0'];
  deepEqual(replayed(payload, 0), [newest, ...lines]);
  deepEqual(replayed(payload, 6), [newest, ...lines.slice(2)]);
  deepEqual(replayed(payload, 7), [newest]);
});

test('the head of an entry is one of those that mean something', () => {
  const payload = payloadOf(1, [[removal('a')]]);
  const headAt = payload.length - 6;
  equal(payload[headAt], 1);
  const meanings: Readonly<Record<number, string>> = {
    // A removal in a slot that stays as large as it is, grows, or shrinks.
    1: '1: 7/a removed, 0',
    5: '1: 7/a removed, 1',
    9: '1: 7/a removed, -1',
    // What follows read as a range of slots.
    2: '1: 0/7-353 dropped',
  };
  for (let head = 0; head < 256; head++) {
    payload[headAt] = head;
    const meaning = meanings[head];
    if (meaning === undefined) throws(() => replayed(payload, 0), bad, `head ${head}`);
    else deepEqual(replayed(payload, 0), ['time 0', meaning]);
  }
});

test('a drop names slots that there are', () => {
  const range = (fromSlot: number, toSlot: number) => {
    return { ...EVERYTHING, fromSlot: fromSlot as Slot, toSlot: toSlot as Slot };
  };
  const replay = (from: number, to: number) => {
    const batch = new LogBatch(9, new ByteWriter(), false);
    batch.addDrop(range(from, to));
    return replayed(Buffer.from(batch.sealedFor(1, 16).subarray(BATCH_HEADER_BYTES)), 0);
  };
  deepEqual(replay(0, 16_383), ['time 0', '9: 0/0-16383 dropped']);
  deepEqual(replay(7, 7), ['time 0', '9: 0/7-7 dropped']);
  throws(() => replay(7, 6), bad);
  throws(() => replay(0, 16_384), bad);
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
