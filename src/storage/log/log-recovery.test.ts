import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from '../../base/checksum.ts';
import { KvorumError } from '../../base/errors.ts';
import { type EngineOptions, openEngine } from '../open-engine.ts';
import { OWNER, put, scanAll, TestServer, textAt } from '../test-engine.ts';
import { batchChecksum, encodeSegmentHeader, LOG_FORMAT, segmentName } from './log-format.ts';
import { recoverLog } from './log-recovery.ts';

const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'];
const LAST = segmentName(3);
/** Two batches of one put to a segment; so much of the disk is kept that none is made ready. */
const SMALL_SEGMENTS: EngineOptions = {
  segmentBytesMax: 60,
  reserve: { kind: 'share', share: 0.9 },
};

/** Three segments with two batches each, all acknowledged. */
async function filledServer({ closes = false } = {}): Promise<TestServer> {
  const server = new TestServer();
  const engine = await server.restart(SMALL_SEGMENTS);
  await server.fill(engine, KEYS);
  equal(engine.stats().logSegments, 3);
  if (closes) await server.settle(engine.close());
  server.machine.crash();
  return server;
}

/** Where the second batch of a segment begins: both are of one length. */
function secondBatch(segment: Buffer): number {
  return 16 + (segment.length - 16) / 2;
}

/** The first batch of segment 3 once more, with the checksum of the second one's place. */
function secondCopyOfFirst(segment: Buffer): Buffer {
  const batch = Buffer.from(segment.subarray(16, secondBatch(segment)));
  batch.writeUInt32BE(batchChecksum(batch, 3, secondBatch(segment)), 4);
  return batch;
}

interface Case {
  readonly name: string;
  readonly file?: string;
  readonly closes?: boolean;
  readonly spoil: ((bytes: Buffer) => Buffer) | 'remove';
  /** What stands behind the last segment, under the name of the next one. */
  readonly next?: Buffer;
  /** The keys that are left, or the error. */
  readonly expect: string | { readonly code: string; readonly message: RegExp };
}

const rotten = (message: RegExp) => ({ code: 'CORRUPTION', message });

function flipped(bytes: Buffer, offset: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[offset] = (copy[offset] as number) ^ 0x10;
  return copy;
}

function withFormat(header: Buffer, format: number): Buffer {
  const copy = Buffer.from(header);
  copy.writeUInt32BE(format, 4);
  copy.writeUInt32BE(crc32(copy.subarray(0, 12)), 12);
  return copy;
}

const NEXT = segmentName(4);
/** A segment that was made ready, and may have been begun. */
function readySegment(...batch: number[]): Buffer {
  return Buffer.concat([encodeSegmentHeader(4), Buffer.from(batch), Buffer.alloc(5000)]);
}
const zerosBehind = (b: Buffer) => Buffer.concat([b, Buffer.alloc(5000)]);

const CASES: readonly Case[] = [
  { name: 'nothing wrong', spoil: (b) => b, expect: 'abcdef' },
  {
    name: 'zeros after the end',
    spoil: (b) => Buffer.concat([b, Buffer.alloc(9000)]),
    expect: 'abcdef',
  },
  { name: 'zeros for the last batch', spoil: (b) => b.fill(0, secondBatch(b)), expect: 'abcde' },
  {
    name: 'a batch that stands in the place of another',
    spoil: (b) => Buffer.concat([b.subarray(0, secondBatch(b)), b.subarray(16, secondBatch(b))]),
    expect: 'abcde',
  },
  { name: 'rot in the last batch', spoil: (b) => flipped(b, b.length - 3), expect: 'abcde' },
  {
    name: 'the same after a clean close',
    closes: true,
    spoil: (b) => flipped(b, b.length - 3),
    expect: rotten(/closed cleanly/),
  },
  {
    name: 'a shorter last segment after a clean close',
    closes: true,
    spoil: (b) => b.subarray(0, -1),
    expect: rotten(/closed cleanly/),
  },
  {
    name: 'an end between two batches after a clean close',
    closes: true,
    spoil: (b) => b.subarray(0, secondBatch(b)),
    expect: rotten(/log-0000000003.kvlog: the log ends with write 5, but was closed at write 6/),
  },
  {
    name: 'the same writes twice, each in its place',
    spoil: (b) => Buffer.concat([b.subarray(0, secondBatch(b)), secondCopyOfFirst(b)]),
    expect: rotten(/log-0000000003.kvlog: .*begins with write 5 instead of 6/),
  },
  {
    name: 'rot with a whole batch after it',
    spoil: (b) => flipped(b, 40),
    expect: rotten(/log-0000000003.kvlog: bytes 16 to \d+ are damaged, and a whole batch follows/),
  },
  {
    name: 'a wild length with a whole batch after it',
    spoil: (b) => flipped(b, 24),
    expect: rotten(/a whole batch follows/),
  },
  {
    name: 'a bad tail of an earlier segment',
    file: segmentName(1),
    spoil: (b) => b.subarray(0, -1),
    expect: rotten(/log-0000000001.kvlog: bytes \d+ to \d+ are damaged, and log-0000000002/),
  },
  {
    name: 'a missing middle segment',
    file: segmentName(2),
    spoil: 'remove',
    expect: rotten(/log-0000000002.kvlog: missing, though log-0000000003.kvlog exists/),
  },
  {
    name: 'a missing first segment',
    file: segmentName(1),
    spoil: 'remove',
    expect: rotten(/log-0000000001.kvlog: missing/),
  },
  {
    name: 'an earlier segment cut between batches',
    file: segmentName(2),
    spoil: (b) => b.subarray(0, secondBatch(b)),
    expect: rotten(/log-0000000003.kvlog: .*begins with write 5 instead of 4/),
  },
  { name: 'an empty last segment', spoil: (b) => b.subarray(0, 0), expect: 'abcd' },
  { name: 'half a header in the last segment', spoil: (b) => b.subarray(0, 9), expect: 'abcd' },
  { name: 'a header of zeros', spoil: () => Buffer.alloc(16), expect: 'abcd' },
  { name: 'a header and nothing else', spoil: (b) => b.subarray(0, 16), expect: 'abcd' },
  { name: 'a bad header before batches', spoil: (b) => flipped(b, 5), expect: rotten(/header/) },
  {
    name: 'a newer format',
    spoil: (b) => withFormat(b, LOG_FORMAT + 1),
    expect: { code: 'NEWER_FORMAT', message: /log-0000000003.kvlog has format 4/ },
  },
  {
    name: 'an older format',
    spoil: (b) => withFormat(b, 1),
    expect: { code: 'OLDER_FORMAT', message: /log-0000000003.kvlog has format 1/ },
  },
  {
    name: 'zeros behind the batches of an earlier segment',
    file: segmentName(2),
    spoil: zerosBehind,
    expect: 'abcdef',
  },
  {
    name: 'zeros for the last batch of an earlier segment',
    file: segmentName(2),
    spoil: (b) => b.fill(0, secondBatch(b)),
    expect: rotten(/log-0000000003.kvlog: .*begins with write 5 instead of 4/),
  },
  {
    name: 'zeros in the place of a batch before the last',
    spoil: (b) => b.fill(0, 16, secondBatch(b)),
    expect: rotten(/bytes 16 to \d+ are damaged, and a whole batch follows/),
  },
  {
    name: 'zeros behind the end after a clean close',
    closes: true,
    spoil: zerosBehind,
    expect: 'abcdef',
  },
  { name: 'a segment made ready', spoil: zerosBehind, next: readySegment(), expect: 'abcdef' },
  {
    name: 'a segment made ready that a clean close could not remove',
    closes: true,
    spoil: (b) => b,
    next: readySegment(),
    expect: 'abcdef',
  },
  {
    name: 'a torn batch before a segment made ready',
    spoil: (b) => zerosBehind(b.subarray(0, -1)),
    next: readySegment(),
    expect: 'abcde',
  },
  {
    name: 'a torn batch in a segment made ready',
    spoil: zerosBehind,
    next: readySegment(0xf5, 0x4b),
    expect: 'abcdef',
  },
  {
    name: 'rot in the last batch before a segment that was begun',
    spoil: (b) => flipped(b, b.length - 3),
    next: readySegment(0xf5, 0x4b),
    expect: rotten(/log-0000000003.kvlog: .*damaged, and log-0000000004.kvlog was begun after it/),
  },
  {
    name: 'rot in the last batch before a segment that was made on the spot',
    spoil: (b) => flipped(b, b.length - 3),
    next: encodeSegmentHeader(4),
    expect: rotten(/log-0000000003.kvlog: .*damaged, and log-0000000004.kvlog was begun after it/),
  },
  {
    name: 'rot in the last batch before half a segment',
    spoil: (b) => flipped(b, b.length - 3),
    next: Buffer.alloc(7),
    expect: rotten(/log-0000000003.kvlog: .*damaged, and log-0000000004.kvlog was begun after it/),
  },
  {
    name: 'a missing identity',
    file: 'identity',
    spoil: 'remove',
    expect: rotten(/identity: missing, though log-0000000001.kvlog exists/),
  },
  {
    name: 'rot in the identity',
    file: 'identity',
    spoil: (b) => flipped(b, 30),
    expect: rotten(/identity: its checksum/),
  },
];

for (const { name, file = LAST, closes = false, spoil, next, expect } of CASES) {
  test(`recovery: ${name}`, async () => {
    const server = await filledServer({ closes });
    const spoiled = spoil === 'remove' ? undefined : Buffer.from(spoil(server.bytesOf(file)));
    if (spoiled === undefined) await server.remove(file);
    else await server.replace(file, spoiled);
    if (next !== undefined) await server.replace(NEXT, next);
    const outcome = await server.restart().catch((error: KvorumError) => error);
    if (typeof expect === 'string') {
      ok(!(outcome instanceof Error), String(outcome));
      equal((await scanAll(outcome)).map(({ key }) => String(key)).join(''), expect);
      equal(outcome.durableSequence(), expect.length);
      ok(!server.machine.directory.names().includes(NEXT), 'nothing is kept for later');
      await server.fill(outcome, ['x', 'y', 'z']);
      const again = await server.restart(SMALL_SEGMENTS);
      equal((await scanAll(again)).map(({ key }) => String(key)).join(''), `${expect}xyz`);
      return;
    }
    ok(outcome instanceof KvorumError, 'it refuses');
    equal(outcome.code, expect.code);
    match(outcome.message, expect.message);
    if (spoiled !== undefined) deepEqual(server.bytesOf(file), spoiled, 'left as it was');
  });
}

test('a tail that is torn at any byte is cut, and the log goes on behind it', async () => {
  const whole = (await filledServer()).bytesOf(LAST);
  for (let length = secondBatch(whole); length < whole.length; length++) {
    const server = await filledServer();
    await server.replace(LAST, whole.subarray(0, length));
    const engine = await server.restart();
    // A zero at the end may be one that was there before.
    let bytesCut = length - secondBatch(whole);
    while (bytesCut > 0 && whole[secondBatch(whole) + bytesCut - 1] === 0) bytesCut -= 1;
    equal(engine.stats().bytesCut, bytesCut);
    equal(
      server.world.logLines().some(({ event }) => event === 'log-tail-cut'),
      bytesCut > 0,
    );
    equal(await textAt(engine, 'f'), undefined);
    await server.fill(engine, ['new']);
    const again = await server.restart();
    const keys = (await scanAll(again)).map(({ key }) => String(key));
    deepEqual(keys, ['a', 'b', 'c', 'd', 'e', 'new'], `cut at ${length}`);
    equal(again.stats().bytesCut, 0);
  }
});

test('a batch larger than the window of the reader is recovered', async () => {
  const server = new TestServer();
  const engine = await server.restart();
  const large = 'x'.repeat(9 * 1024 * 1024);
  const puts = [put('small', 'before'), put('large', large), put('tail', 'after')];
  await server.settle(engine.write(puts).durable);
  await server.fill(engine, ['z']);
  const again = await server.restart();
  equal(again.stats().batchesRecovered, 2);
  equal(await textAt(again, 'large'), large);
  equal(await textAt(again, 'tail'), 'after');
  equal(await textAt(again, 'z'), 'value of z');
});

test('a bug that a replay meets is no rot', async () => {
  const server = await filledServer();
  const bug = new Error('assertion failed: there is room');
  const target = {
    apply: () => {
      throw bug;
    },
    drop: () => undefined,
    noteTime: () => undefined,
  };
  const expectation = { closedAt: undefined, firstSegment: 1, flushedSequence: 0, isNamed: true };
  const recovering = recoverLog(server.machine.boot(), expectation, { target });
  await rejects(server.settle(recovering), (error) => error === bug);
});

test('a write whose sync failed does not poison the log of the next start', async () => {
  const server = new TestServer();
  const host = server.machine.boot();
  const engine = await server.settle(openEngine(host, OWNER));
  await server.fill(engine, ['a']);
  server.machine.directory.failNextSync(segmentName(1));
  await server.settle(engine.write([put('b', 'unsynced')]).durable.catch(() => 'poisoned'));
  await server.settle(engine.close().catch(() => 'poisoned'));
  // The process starts again, the machine does not: the page cache still shows "b".
  const restarted = await server.settle(openEngine(host, OWNER));
  equal(await textAt(restarted, 'b'), 'unsynced');
  await server.fill(restarted, ['c']);
  const afterPowerCut = await server.restart();
  equal(await textAt(afterPowerCut, 'b'), 'unsynced');
  equal(await textAt(afterPowerCut, 'c'), 'value of c');
});
