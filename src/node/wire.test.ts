import { deepEqual } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteWriter } from '../base/bytes.ts';
import type { KeyspaceNumber, Slot } from '../base/ids.ts';
import { answerOf, casesOf, mutants, refuseLargeAllocations } from '../base/test-fuzz.ts';
import type { HybridTime } from '../causality/hybrid-clock.ts';
import { type FrameHeader, readFrame, writeReplyFrame, writeRequestFrame } from './wire.ts';

refuseLargeAllocations(1024 * 1024);

const HEADER: FrameHeader = {
  ...{ clusterTag: 0xfedcba98, sender: 7, epoch: 3, questionId: 0xffffffff },
  time: (1_800_000_000_000 * 2048) as HybridTime,
};
const AT = { keyspace: 0 as KeyspaceNumber, slot: 12_182 as Slot, key: Buffer.from('foo') };
const REQUEST = { kind: 'store-copy', ...AT, object: Buffer.from('any bytes') } as const;
const REPLY = { kind: 'refused', code: 'DISK_FULL', why: 'full', fix: 'Free it.' } as const;

function written(write: (w: ByteWriter) => void): Buffer {
  const w = new ByteWriter();
  write(w);
  return w.copy();
}

const FRAMES = [
  written((w) => writeRequestFrame(w, HEADER, REQUEST)),
  written((w) => writeReplyFrame(w, HEADER, REPLY)),
];

test('a frame says who speaks, and what', () => {
  const [request, reply] = FRAMES.map((frame) => readFrame(frame));
  deepEqual(request, { kind: 'request', header: HEADER, request: REQUEST });
  deepEqual(reply, { kind: 'reply', header: HEADER, reply: REPLY });
});

test('a mutated frame is one, or BAD_BYTES', () => {
  const property = fc.property(mutants(FRAMES), (bytes) => {
    answerOf(() => readFrame(bytes), ['BAD_BYTES']);
  });
  fc.assert(property, casesOf(5_000));
});
