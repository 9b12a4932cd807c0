import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { answerOf, casesOf, mutants, refuseLargeAllocations } from '../base/test-fuzz.ts';
import { type GossipMessage, messageBytes, readGossip, writeGossip } from './gossip-message.ts';
import type { Heartbeat } from './heartbeat.ts';

refuseLargeAllocations(1024 * 1024);

const N7: Heartbeat = {
  member: 7,
  generation: 1_000_000,
  version: 300,
  hasLeft: false,
  epoch: 3,
  load: { isDiskFull: true, freePercent: 4, lateMs: 2, requestsPerSecond: 200 },
};

const plain = { noNullPrototype: true };

const stamp = fc.record(
  {
    member: fc.nat(2 ** 21),
    generation: fc.nat({ max: 2 ** 40 }),
    version: fc.nat({ max: 2 ** 50 }),
    hasLeft: fc.boolean(),
  },
  plain,
);
const load = fc.record(
  {
    isDiskFull: fc.boolean(),
    freePercent: fc.nat(255),
    lateMs: fc.nat(),
    requestsPerSecond: fc.nat(),
  },
  plain,
);
const heartbeat = fc.tuple(stamp, fc.nat(), load).map(([stamped, epoch, carried]): Heartbeat => {
  return { ...stamped, epoch, load: carried };
});
const message: fc.Arbitrary<GossipMessage> = fc.oneof(
  fc.record(
    {
      kind: fc.constant('digest' as const),
      sentMs: fc.nat({ max: 2 ** 45 }),
      stamps: fc.array(stamp),
    },
    plain,
  ),
  fc.record(
    {
      kind: fc.constant('answer' as const),
      heartbeats: fc.array(heartbeat),
      wanted: fc.array(stamp),
    },
    plain,
  ),
  fc.record({ kind: fc.constant('closing' as const), heartbeats: fc.array(heartbeat) }, plain),
);

function written(each: GossipMessage): Buffer {
  const w = new ByteWriter();
  writeGossip(w, each);
  return w.copy();
}

function read(bytes: Buffer): GossipMessage {
  const r = new ByteReader(bytes);
  const each = readGossip(r);
  r.end();
  return each;
}

test('what was written is read, and is no longer than was reckoned', () => {
  const property = fc.property(message, (each) => {
    const bytes = written(each);
    deepEqual(read(bytes), each);
    ok(bytes.length <= messageBytes(each), `${bytes.length} of ${messageBytes(each)}`);
  });
  fc.assert(property, casesOf(300));
});

test('the gossip of docs/formats.md', () => {
  const { member, generation, version, hasLeft } = N7;
  const stamps = [{ member, generation, version, hasLeft }];
  const hex = (each: GossipMessage) => written(each).toString('hex');
  equal(hex({ kind: 'digest', sentMs: 5, stamps }), '010501' + '07c0843dd804');
  equal(hex({ kind: 'answer', heartbeats: [], wanted: stamps }), '020001' + '07c0843dd804');
  equal(hex({ kind: 'closing', heartbeats: [N7] }), '0301' + '07c0843dd804' + '03010402c801');
});

test('mutated gossip is some, or BAD_BYTES', () => {
  const samples = fc.sample(message, { numRuns: 20, seed: 1 }).map(written);
  const property = fc.property(mutants(samples), (bytes) => {
    answerOf(() => read(bytes), ['BAD_BYTES']);
  });
  fc.assert(property, casesOf(5_000));
});
