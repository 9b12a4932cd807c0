import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hasCode } from '../base/errors.ts';
import type { Address } from '../base/ids.ts';
import { answerOf, casesOf, mutants, refuseLargeAllocations } from '../base/test-fuzz.ts';
import { FrameReader, FrameWriter, frameOf } from './frame-stream.ts';
import { FRAME_BYTES_MAX } from './host.ts';
import { preambleOf, readPreamble } from './preamble.ts';

refuseLargeAllocations(2 * FRAME_BYTES_MAX);

function readAll(chunks: readonly Buffer[]): Buffer[] {
  const frames: Buffer[] = [];
  const reader = new FrameReader((frame) => frames.push(Buffer.from(frame)));
  for (const chunk of chunks) reader.read(chunk);
  return frames;
}

test('frames survive any cutting of the stream', () => {
  const payloads = fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 20 });
  const chunkSizes = fc.array(fc.integer({ min: 1, max: 4000 }), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(payloads, chunkSizes, (frames, sizes) => {
      const writer = new FrameWriter(16);
      for (const frame of frames) writer.write(frame);
      const chunks: Buffer[] = [];
      for (let at = 0, n = 0; at < writer.length; n++) {
        const size = sizes[n % sizes.length] as number;
        chunks.push(writer.view().subarray(at, at + size));
        at += size;
      }
      deepEqual(readAll(chunks), frames.map(Buffer.from));
    }),
  );
});

test('byte by byte works too', () => {
  const stream = Buffer.concat([frameOf(Buffer.from('one')), frameOf(Buffer.alloc(0))]);
  const bytes = Array.from(stream, (byte) => Buffer.from([byte]));
  deepEqual(readAll(bytes).map(String), ['one', '']);
});

test('no flipped bit passes for a frame', () => {
  const frame = frameOf(Buffer.from('a payload'));
  for (let bit = 0; bit < frame.length * 8; bit++) {
    const bad = Buffer.from(frame);
    bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
    const heard: Buffer[] = [];
    try {
      heard.push(...readAll([bad]));
    } catch (error) {
      equal(hasCode(error, 'BAD_BYTES'), true, String(error));
    }
    deepEqual(heard, [], `bit ${bit}`);
  }
});

test('a mutated stream gives frames that were sent, or BAD_BYTES', () => {
  const sent = ['', 'a', 'one and another', 'v'.repeat(3000)].map((text) => Buffer.from(text));
  const stream = Buffer.concat(sent.map((payload) => frameOf(payload)));
  const texts = new Set(sent.map(String));
  const property = fc.property(
    mutants([stream]),
    fc.integer({ min: 1, max: 4000 }),
    (bytes, cut) => {
      const heard: string[] = [];
      const reader = new FrameReader((frame) => heard.push(frame.toString()));
      answerOf(() => {
        reader.read(bytes.subarray(0, cut));
        reader.read(bytes.subarray(cut));
      }, ['BAD_BYTES']);
      for (const frame of heard) ok(texts.has(frame));
    },
  );
  fc.assert(property, casesOf(2_000));
});

test('a mutated preamble is one, or refused', () => {
  const samples = ['10.0.0.1:9001', '[::1]:1'].map((text) =>
    preambleOf(text as Address).subarray(8),
  );
  const property = fc.property(mutants(samples), (bytes) => {
    answerOf(() => readPreamble(bytes), ['BAD_BYTES', 'BAD_OPTION']);
  });
  fc.assert(property, casesOf(2_000));
});

test('a frame too long is refused by its header, and never sent', () => {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(FRAME_BYTES_MAX + 1);
  throws(
    () => readAll([header]),
    (error) => hasCode(error, 'BAD_BYTES'),
  );
  throws(() => new FrameWriter().write(Buffer.alloc(FRAME_BYTES_MAX + 1)), /too long/);
});

test('a preamble names its sender; anything else is refused', () => {
  const payload = preambleOf('10.0.0.1:9001' as Address).subarray(8);
  equal(readPreamble(payload), '10.0.0.1:9001');
  const otherFormat = Buffer.from(payload);
  otherFormat[5] = 99;
  throws(() => readPreamble(otherFormat), /format 99/);
  const cases = [Buffer.alloc(0), Buffer.from('GET / HTTP/1.1'), payload.subarray(0, -1)];
  for (const bytes of cases) throws(() => readPreamble(bytes));
});
