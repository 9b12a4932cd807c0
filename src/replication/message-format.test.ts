import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { hasCode } from '../base/errors.ts';
import type { KeyspaceNumber, NodeId, Slot } from '../base/ids.ts';
import { answerOf, casesOf, mutants, refuseLargeAllocations } from '../base/test-fuzz.ts';
import { actorOf } from '../causality/dot.ts';
import { readReply, readRequest, writeReply, writeRequest } from './message-format.ts';
import type { Reply, Request } from './messages.ts';

refuseLargeAllocations(1024 * 1024);

const keyspace = 1 as KeyspaceNumber;
const slot = 12_182 as Slot;
const key = Buffer.from('foo');
const at = { keyspace, slot, key };
const dot = { actor: actorOf(3, 9), counter: 4 };
const context = [dot];
const version = { context, siblings: [{ dot, time: 5, expiresAt: 6, isTombstone: false }] };
const value = { value: Buffer.from('bar'), expiresAt: 7, dot, time: 5 };
const nodes = ['a'.repeat(40), 'b'.repeat(40)] as NodeId[];
const receipt = { nodes, fallbacks: nodes.slice(1), durability: 'interval', epoch: 3 } as const;

const REQUESTS: Request[] = [
  { kind: 'store-copy', ...at, object: Buffer.from('any bytes') },
  { kind: 'read-version', ...at },
  { kind: 'read-object', ...at },
  ...([undefined, 200, 'one', 'quorum', 'local-quorum', 'each-quorum', 'all'] as const).map(
    (r): Request => ({ kind: 'coordinate-get', keyspace, key, r, home: undefined, after: context }),
  ),
  { kind: 'coordinate-get', keyspace, key, r: 2, home: 'east', after: undefined },
  {
    kind: 'coordinate-write',
    sentMs: 1_800_000_000_000,
    keyspace,
    key,
    condition: 'absent',
    returnPrevious: true,
    w: 3,
    home: 'east',
    before: 2 ** 52,
    context,
    change: { kind: 'put', expiresAt: 'keep', value: Buffer.from('v') },
  },
  {
    kind: 'coordinate-write',
    sentMs: 1_800_000_000_000,
    keyspace,
    key,
    condition: undefined,
    returnPrevious: false,
    w: undefined,
    home: undefined,
    before: undefined,
    context: undefined,
    change: { kind: 'expire', expiresAt: 2 ** 45 },
  },
  ...(['default', 0, 2 ** 45] as const).map(
    (expiresAt): Request => ({
      kind: 'coordinate-write',
      sentMs: 1,
      keyspace,
      key,
      condition: 'present',
      returnPrevious: false,
      w: undefined,
      home: undefined,
      before: undefined,
      context: undefined,
      change: { kind: 'put', expiresAt, value: Buffer.from('v') },
    }),
  ),
  { kind: 'list-slots', keyspace, from: { slot, hash: 2 ** 32 - 1 }, toSlot: slot, count: 10 },
  { kind: 'count-keys', keyspace, slots: Buffer.alloc(2_048, 0x5a) },
  { kind: 'begin-flush', keyspace, token: 2 ** 32 - 1 },
  { kind: 'flush', keyspace, token: 1, floor: context },
  { kind: 'open-round', keyspace, slot, floor: context },
  { kind: 'raise-floor', keyspace, slot, token: 2 ** 32 - 1, floor: context, nowMs: 2 ** 45 },
  {
    kind: 'compare-digests',
    keyspace,
    from: 7,
    nodes: [{ node: 0, digests: Buffer.alloc(256, 0x5a) }],
  },
  { kind: 'compare-buckets', keyspace, slot, buckets: Buffer.alloc(256, 0x5a) },
  {
    kind: 'compare-keys',
    ...{ keyspace, salt: 2 ** 32 - 1 },
    parts: [{ slot, fromHash: 0, toHash: 2 ** 32 - 1, prints: Buffer.alloc(6, 0x5a) }],
  },
  { kind: 'store-hint', keyspace, slot, key, target: 2 ** 21 - 1, object: Buffer.from('object') },
];

const REPLIES: Reply[] = [
  { kind: 'stored', context },
  { kind: 'version', version },
  { kind: 'version', version: undefined },
  { kind: 'version', version, isRefilling: true },
  { kind: 'object', object: Buffer.from('o') },
  { kind: 'object', object: undefined },
  { kind: 'got', outcome: { kind: 'found', context, receipt, values: [value, value] } },
  {
    kind: 'got',
    outcome: {
      kind: 'found',
      context,
      receipt,
      values: [value],
      merge: { kind: 'merged', siblingsCount: 300 },
    },
  },
  {
    kind: 'got',
    outcome: {
      kind: 'found',
      context,
      receipt,
      values: [value, value],
      merge: { kind: 'unmerged', why: 'no milk' },
    },
  },
  { kind: 'got', outcome: { kind: 'missing', context, receipt } },
  { kind: 'got', outcome: { kind: 'no-answer', needed: 2, got: 1 } },
  { kind: 'got', outcome: { kind: 'no-answer', needed: 2, got: 1, dataCenter: 'west' } },
  { kind: 'got', outcome: { kind: 'no-answer', needed: 2, got: 2, isBehind: true } },
  { kind: 'got', outcome: { kind: 'no-answer', needed: 2, got: 1, isRefilling: true } },
  { kind: 'wrote', outcome: { kind: 'ok', dot, context, previous: value, receipt } },
  { kind: 'wrote', outcome: { kind: 'condition-failed', previous: undefined } },
  { kind: 'wrote', outcome: { kind: 'indeterminate', needed: 2, got: 1 } },
  { kind: 'listing', next: { slot, hash: 1 }, entries: [{ slot, hash: 2, key, version }] },
  { kind: 'listing', next: undefined, entries: [], isRefilling: true },
  { kind: 'opened', token: 7, last: dot, wallMs: 2 ** 45, floor: [] },
  { kind: 'raised' },
  { kind: 'position', token: 2 ** 32 - 1, last: dot },
  { kind: 'flushed' },
  { kind: 'count', count: 123_456_789_012 },
  { kind: 'digests', nodes: [{ node: 289, digests: Buffer.alloc(64, 0x5a) }] },
  { kind: 'buckets', differing: 0x8000_0001 },
  {
    kind: 'keys',
    parts: [
      {
        ...{ toHash: 2 ** 32 - 1, digest: { high: -2, low: 3 }, places: [0, 1, 300] },
        keys: [{ key, version }],
      },
    ],
  },
  { kind: 'refused', code: 'DISK_FULL', why: 'full', fix: 'Free it.' },
];

for (const request of REQUESTS) {
  test(`a ${request.kind} request survives the wire`, () => {
    assert.deepEqual(overTheWire(writeRequest, readRequest, request), request);
  });
}

for (const reply of REPLIES) {
  test(`a ${reply.kind} reply survives the wire`, () => {
    assert.deepEqual(overTheWire(writeReply, readReply, reply), reply);
  });
}

test('any bytes are a message or BAD_BYTES, never anything else', () => {
  const bytes = fc.uint8Array({ maxLength: 60 });
  fc.assert(
    fc.property(bytes, (raw) => {
      for (const read of [readRequest, readReply]) {
        try {
          read(new ByteReader(Buffer.from(raw)));
        } catch (error) {
          assert.ok(hasCode(error, 'BAD_BYTES'), String(error));
        }
      }
    }),
    { numRuns: 5_000 },
  );
});

test('a mutated message is one, or BAD_BYTES', () => {
  const requests = REQUESTS.map((request) => encoded(writeRequest, request));
  const replies = REPLIES.map((reply) => encoded(writeReply, reply));
  const readers = [
    ['request', requests, readRequest],
    ['reply', replies, readReply],
  ] as const;
  for (const [what, samples, read] of readers) {
    fc.assert(
      fc.property(mutants(samples), (bytes) => {
        const message = answerOf(() => read(new ByteReader(bytes)), ['BAD_BYTES']);
        assert.ok(message === undefined || typeof message.kind === 'string', what);
      }),
      casesOf(5_000),
    );
  }
});

test('a message cut short is BAD_BYTES at every length', () => {
  for (const request of REQUESTS) {
    const bytes = encoded(writeRequest, request);
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(
        () => readRequest(new ByteReader(bytes.subarray(0, length))),
        (error) => hasCode(error, 'BAD_BYTES'),
      );
    }
  }
});

function overTheWire<T>(
  write: (w: ByteWriter, message: T) => void,
  read: (r: ByteReader) => T,
  message: T,
): T {
  const r = new ByteReader(encoded(write, message));
  const arrived = read(r);
  r.end();
  return arrived;
}

function encoded<T>(write: (w: ByteWriter, message: T) => void, message: T): Buffer {
  const w = new ByteWriter();
  write(w, message);
  return w.copy();
}
