import { deepEqual, equal, throws } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { hasCode } from '../base/errors.ts';
import type { KeyspaceNumber, Slot } from '../base/ids.ts';
import { answerOf, casesOf, mutants, refuseLargeAllocations } from '../base/test-fuzz.ts';
import type { HybridTime } from '../causality/hybrid-clock.ts';
import { MESSAGE_BYTES_MAX, Outbox } from './outbox.ts';
import {
  FRAME_HEADER_BYTES_MAX,
  type FrameHeader,
  type Message,
  readHeader,
  readMessage,
  setTime,
  writeHeader,
  writeMessage,
} from './wire.ts';

refuseLargeAllocations(1024 * 1024);

const HEADER: FrameHeader = {
  ...{ clusterTag: 0xfedcba98, sender: 7, epoch: 3 },
  time: (1_800_000_000_000 * 2048 + 5) as HybridTime,
};
const AT = { keyspace: 0 as KeyspaceNumber, slot: 12_182 as Slot, key: Buffer.from('foo') };
const COPY = { kind: 'store-copy', ...AT, object: Buffer.from('any bytes') } as const;
const MESSAGES: readonly Message[] = [
  {
    kind: 'request',
    questionId: 0xffffffff,
    request: { kind: 'store-copy', ...AT, object: Buffer.from('any bytes') },
  },
  {
    kind: 'reply',
    questionId: 9,
    reply: { kind: 'refused', code: 'DISK_FULL', why: 'full', fix: 'Free it.' },
  },
  { kind: 'gossip', questionId: 4, gossip: { kind: 'closing', heartbeats: [] } },
  { kind: 'request', questionId: 0, request: { kind: 'read-version', ...AT } },
  { kind: 'relay', questionId: 5, targets: [1, 2 ** 21 - 1], request: COPY },
  { kind: 'relay', questionId: 6, targets: [], request: COPY },
  { kind: 'relayed', questionId: 7, asker: 2 ** 21 - 1, request: COPY },
];

function written(messages: readonly Message[]): Buffer {
  const w = new ByteWriter();
  writeHeader(w, HEADER);
  for (const message of messages) writeMessage(w, message);
  setTime(w, HEADER.time);
  return w.copy();
}

function read(frame: Buffer): { header: FrameHeader; messages: Message[] } {
  const r = new ByteReader(frame);
  const header = readHeader(r);
  const messages: Message[] = [];
  while (r.left > 0) messages.push(readMessage(r));
  return { header, messages };
}

function bytesOf(message: Message): string {
  const w = new ByteWriter();
  writeMessage(w, message);
  return w.copy().toString('hex');
}

test('a frame says who speaks, and what, in its order', () => {
  deepEqual(read(written(MESSAGES)), { header: HEADER, messages: MESSAGES });
});

test('the frame of docs/formats.md', () => {
  const counted: Message = { kind: 'reply', questionId: 258, reply: { kind: 'count', count: 5 } };
  const header = '0d 000d18c2e2800005 fedcba98 00000007 03';
  equal(written([counted]).toString('hex'), `${header} 02 00000102 06 05`.replaceAll(' ', ''));
});

test('the relay of docs/formats.md, and what is passed on of it', () => {
  const request = { ...COPY, object: Buffer.from('any') };
  const relay: Message = { kind: 'relay', questionId: 258, targets: [9], request };
  const relayed: Message = { kind: 'relayed', questionId: 258, asker: 7, request };
  const copy = '00 00 2f96 03 666f6f 03 616e79';
  const texts = [`04 00000102 01 00000009 ${copy}`, `05 00000102 00000007 ${copy}`];
  for (const [index, message] of [relay, relayed].entries()) {
    equal(bytesOf(message), texts[index]?.replaceAll(' ', ''));
  }
});

test('the comparison of docs/formats.md', () => {
  const nodes = (digest: string) => [{ node: 2_344, digests: Buffer.from(digest, 'hex') }];
  const asked = { kind: 'compare-digests', keyspace: AT.keyspace, from: 7 } as const;
  const told = { kind: 'digests', nodes: nodes('00000102fffffffe') } as const;
  const request = { ...asked, nodes: nodes('00000102ffffffff') };
  equal(
    bytesOf({ kind: 'request', questionId: 258, request }),
    '01 00000102 08 00 00000007 01 0928 00000102ffffffff'.replaceAll(' ', ''),
  );
  equal(
    bytesOf({ kind: 'reply', questionId: 258, reply: told }),
    '02 00000102 08 01 0928 00000102fffffffe'.replaceAll(' ', ''),
  );
});

test('the prints of docs/formats.md, and the answer', () => {
  const toHash = 2 ** 32 - 1;
  const prints = Buffer.from('a1b2c3', 'hex');
  const printed = { slot: 7 as Slot, fromHash: 0, toHash, prints };
  const { keyspace } = AT;
  const request = { kind: 'compare-keys', keyspace, salt: 3, parts: [printed] } as const;
  const answered = { toHash, digest: { high: 0, low: 0 }, places: [0], keys: [] };
  equal(
    bytesOf({ kind: 'request', questionId: 258, request }),
    '01 00000102 0e 00 00000003 01 0007 00000000 ffffffff 01 a1b2c3'.replaceAll(' ', ''),
  );
  equal(
    bytesOf({ kind: 'reply', questionId: 258, reply: { kind: 'keys', parts: [answered] } }),
    '02 00000102 0e 01 ffffffff 0000000000000000 01 00 00'.replaceAll(' ', ''),
  );
});

test('only a copy to be stored is passed on', () => {
  const question = { kind: 'relay', questionId: 1, targets: [3] } as const;
  const request = { kind: 'read-version', ...AT } as unknown as typeof COPY;
  throws(
    () => read(written([{ ...question, request }])),
    (error) => hasCode(error, 'BAD_BYTES'),
  );
});

test('a mutated frame is one, or BAD_BYTES', () => {
  const frames = MESSAGES.map((message) => written([message])).concat(written(MESSAGES));
  const property = fc.property(mutants(frames), (bytes) => {
    answerOf(() => read(bytes), ['BAD_BYTES']);
  });
  fc.assert(property, casesOf(5_000));
});

test('an outbox makes one frame of all that it was given, then another', () => {
  const outbox = new Outbox(HEADER);
  const frames = MESSAGES.map((_, count) => {
    for (const message of MESSAGES.slice(0, count + 1)) {
      const w = new ByteWriter();
      writeMessage(w, message);
      outbox.add(w);
    }
    return Buffer.from(outbox.take(HEADER.time));
  });
  deepEqual(
    frames.map((frame) => read(frame).messages.length),
    MESSAGES.map((_, before) => before + 1),
  );
  deepEqual(read(frames.at(-1) as Buffer), { header: HEADER, messages: MESSAGES });
});

test('a header is no longer than outboxes reckon, and a frame never too long', () => {
  const w = new ByteWriter();
  writeHeader(w, { ...HEADER, epoch: Number.MAX_SAFE_INTEGER });
  equal(w.length, FRAME_HEADER_BYTES_MAX);
  equal(MESSAGE_BYTES_MAX + 64 * 1024 + FRAME_HEADER_BYTES_MAX, 16 * 1024 * 1024);
});
