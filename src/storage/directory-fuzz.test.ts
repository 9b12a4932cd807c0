// A small data directory of which one file is mutated: what it answers is right, or CORRUPTION, or
// it does not open and says why. Nothing is ever missing or wrong, neither at once nor after the
// compactions of a while, and what `kvorum doctor` calls sound answers everything.
//
// One thing no one can tell: where the node was not closed cleanly, a bad end of the log may be a
// torn one that was never acknowledged. Then writes are missing at the end, and only there.

import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteWriter } from '../base/bytes.ts';
import type { ErrorCode } from '../base/errors.ts';
import type { Slot } from '../base/ids.ts';
import { casesOf, expectCode, mutants, resealed } from '../base/test-fuzz.ts';
import { checkDirectory } from './directory-check.ts';
import type { Engine, SlotRange, Written } from './engine.ts';
import {
  BATCH_HEADER_BYTES,
  BATCH_MAGIC,
  batchChecksum,
  SEGMENT_HEADER_BYTES,
  segmentNumberOf,
} from './log/log-format.ts';
import type { EngineOptions } from './open-engine.ts';
import { writePiece } from './sstable/piece.ts';
import { decodeFooter, encodeFooter, FOOTER_BYTES } from './sstable/sstable-format.ts';
import { tableNumberOf } from './table-info.ts';
import { EVERYTHING, put, removal, scanAll, TestServer, textAt } from './test-engine.ts';

/**
 * Some ten writes a memtable: tables at several levels, and a few writes in the log. The last
 * values are large ones.
 */
const TINY: EngineOptions = {
  memtableBytesMax: 900,
  tableBytesTarget: 2_000,
  largeValueBytes: 35,
  verifies: 'all',
};
const WRITES = 131;
const KEYS = 25;
const REFUSALS: readonly ErrorCode[] = ['CORRUPTION', 'NEWER_FORMAT', 'OLDER_FORMAT'];

const keyOf = (n: number) => `key ${n % KEYS}`;
/** Every second key is in a slot that is dropped twice: long ago, and by the last write of all. */
const slotOf = (n: number) => 7 + ((n % KEYS) % 2);
const DROPPED: SlotRange = { ...EVERYTHING, fromSlot: 8 as Slot };
const DROPS = [60, WRITES];
const textOf = (n: number) => (n % 9 === 5 ? undefined : `${n} `.repeat(10));

interface Base {
  readonly name: string;
  readonly files: ReadonlyMap<string, Buffer>;
  readonly wasClosed: boolean;
}

async function baseOf(wasClosed: boolean): Promise<Base> {
  const server = new TestServer();
  const engine = await server.restart(TINY);
  for (let n = 1; n < WRITES; n++) await server.settle(make(engine, n).durable);
  await server.world.runFor(1_000);
  ok(engine.stats().compactions > 0 && engine.stats().logBytes > 200);
  await server.settle(make(engine, WRITES).durable);
  if (wasClosed) await server.settle(engine.close());
  server.machine.crash();
  const names = server.machine.directory.names();
  const files = new Map(names.map((name) => [name, server.bytesOf(name)]));
  return { name: wasClosed ? 'closed cleanly' : 'not closed', files, wasClosed };
}

function make(engine: Engine, n: number): Written {
  if (DROPS.includes(n)) return engine.drop(DROPPED);
  const [key, slot, text] = [keyOf(n), slotOf(n), textOf(n)];
  return engine.write([text === undefined ? removal(key, slot) : put(key, text, slot)]);
}

/** What each key holds when only the first `writes` were made. */
function stateAfter(writes: number): Map<string, string | undefined> {
  const state = new Map<string, string | undefined>();
  for (let n = 0; n < KEYS; n++) state.set(keyOf(n), undefined);
  for (let n = 1; n <= writes; n++) {
    if (!DROPS.includes(n)) state.set(keyOf(n), textOf(n));
    else for (let key = 1; key < KEYS; key += 2) state.set(keyOf(key), undefined);
  }
  return state;
}

/** Keys that were answered, and with what; the others were refused as they should. */
async function answers(server: TestServer, engine: Engine) {
  const found = new Map<string, string | undefined>();
  for (let n = 0; n < KEYS; n++) {
    try {
      found.set(keyOf(n), await server.settle(textAt(engine, keyOf(n), slotOf(n))));
    } catch (error) {
      expectCode(error, ['CORRUPTION']);
    }
  }
  return found;
}

function isPartOf(found: ReadonlyMap<string, unknown>, state: ReadonlyMap<string, unknown>) {
  return [...found].every(([key, text]) => state.get(key) === text);
}

/** The number of first writes that explain what was found; undefined: nothing does. */
function explanationOf(found: ReadonlyMap<string, unknown>, fewest: number): number | undefined {
  for (let writes = WRITES; writes >= fewest; writes--) {
    if (isPartOf(found, stateAfter(writes))) return writes;
  }
  return undefined;
}

async function serverWith(files: ReadonlyMap<string, Buffer>): Promise<TestServer> {
  const server = new TestServer();
  for (const [name, bytes] of files) await server.replace(name, bytes);
  return server;
}

async function isSound(server: TestServer): Promise<boolean> {
  server.machine.crash();
  const report = await server.settle(checkDirectory(server.machine.boot()));
  return report.isSound;
}

/** Throws unless the directory with `file` as `bytes` is honest about itself. */
async function check(base: Base, file: string, bytes: Buffer): Promise<'refused' | 'opened'> {
  const server = await serverWith(new Map([...base.files, [file, bytes]]));
  const mayBeTorn = segmentNumberOf(file) !== undefined && !base.wasClosed;
  const isCalledSound = await isSound(server);
  let engine: Engine;
  try {
    engine = await server.restart(TINY);
  } catch (error) {
    expectCode(error, REFUSALS);
    ok(!isCalledSound, `doctor called it sound: ${error}`);
    return 'refused';
  }
  const found = await answers(server, engine);
  const writes = explanationOf(found, mayBeTorn ? 0 : WRITES);
  ok(writes !== undefined, `wrong or missing: ${JSON.stringify([...found])}`);
  if (isCalledSound) equal(found.size, KEYS);
  await server.world.runFor(500);
  const later = await answers(server, engine);
  ok(isPartOf(later, stateAfter(writes)), 'compaction made it wrong');
  if (found.size === KEYS) {
    const listed = (await server.settle(scanAll(engine))).map(({ key }) => key.toString());
    const living = [...stateAfter(writes)].filter(([, text]) => text !== undefined);
    deepEqual(listed.sort(), living.map(([key]) => key).sort());
  }
  return 'opened';
}

/**
 * A mutant of a file whose checksums are right all the same, as a bug of a writer would leave it.
 * Nobody can know what it should have said; it must only end in answers or in refusals.
 */
function sealedMutant(name: string, original: Buffer): fc.Arbitrary<Buffer> {
  const number = segmentNumberOf(name);
  if (number !== undefined) return sealedSegment(number, original);
  const table = tableNumberOf(name);
  if (table !== undefined) return sealedTable(table, original);
  return mutants([original]).map(resealed);
}

/** The first batch of the segment mutated, and nothing behind it. */
function sealedSegment(number: number, segment: Buffer): fc.Arbitrary<Buffer> {
  const head = segment.subarray(0, SEGMENT_HEADER_BYTES);
  const payloadAt = SEGMENT_HEADER_BYTES + BATCH_HEADER_BYTES;
  const payload = segment.subarray(payloadAt, payloadAt + segment.readUInt32BE(payloadAt - 4));
  return mutants([payload]).map((mutant) => {
    const batch = Buffer.concat([Buffer.alloc(BATCH_HEADER_BYTES), mutant]);
    batch.writeUInt32BE(BATCH_MAGIC, 0);
    batch.writeUInt32BE(mutant.length, 8);
    batch.writeUInt32BE(batchChecksum(batch, number, SEGMENT_HEADER_BYTES), 4);
    return Buffer.concat([head, batch]);
  });
}

/** Filter, index or properties of the table mutated, and the footer put right. */
function sealedTable(number: number, table: Buffer): fc.Arbitrary<Buffer> {
  const { blocksBytes, filterBytes, indexBytes, propertiesBytes } = decodeFooter(
    table.subarray(-FOOTER_BYTES),
    number,
    table.length,
  );
  const ends = [0, blocksBytes, filterBytes, indexBytes, propertiesBytes];
  for (let part = 1; part < ends.length; part++) ends[part]! += ends[part - 1]!;
  const parts = ends.slice(1).map((end, part) => table.subarray(ends[part], end));
  return fc.integer({ min: 1, max: 3 }).chain((which) => {
    const payload = parts[which]!.subarray(1, -4);
    return mutants([payload]).map((mutant) => {
      const piece = new ByteWriter();
      writePiece(piece, mutant, { number, offset: ends[which]! }, false);
      const changed = parts.with(which, piece.copy());
      const [blocks, filter, index, properties] = changed.map(({ length }) => length);
      const layout = {
        blocksBytes: blocks!,
        filterBytes: filter!,
        indexBytes: index!,
        propertiesBytes: properties!,
      };
      return Buffer.concat([...changed, encodeFooter(layout, number)]);
    });
  });
}

/** Opens, answers and works for a while, or refuses in words; nothing else is asked of it. */
async function endures(base: Base, file: string, bytes: Buffer): Promise<void> {
  const server = await serverWith(new Map([...base.files, [file, bytes]]));
  await isSound(server);
  try {
    const engine = await server.restart(TINY);
    await answers(server, engine);
    await server.world.runFor(200);
    await answers(server, engine);
    engine.stats();
  } catch (error) {
    expectCode(error, [...REFUSALS, 'FOREIGN_DIRECTORY']);
  }
}

for (const wasClosed of [true, false]) {
  const base = await baseOf(wasClosed);
  const names = [...base.files.keys()];

  test(`${base.name}: nothing wrong, nothing refused`, async () => {
    const [name = ''] = names;
    equal(await check(base, name, base.files.get(name) as Buffer), 'opened');
  });

  test(`${base.name}: a mutated file costs answers, and never makes them wrong`, async () => {
    const counts = { refused: 0, opened: 0 };
    const one = fc.constantFrom(...names).chain((name) => {
      const original = base.files.get(name) as Buffer;
      const others = [...base.files.values()];
      return mutants([original, original, original, ...others]).map((bytes) => ({ name, bytes }));
    });
    const property = fc.asyncProperty(one, async ({ name, bytes }) => {
      counts[await check(base, name, bytes)] += 1;
    });
    await fc.assert(property, casesOf(800));
    ok(counts.opened > 10 && counts.refused > 10, JSON.stringify(counts));
  });

  test(`${base.name}: wrong bytes with right checksums end in answers or refusals`, async () => {
    const one = fc.constantFrom(...names).chain((name) => {
      const sealed = sealedMutant(name, base.files.get(name) as Buffer);
      return sealed.map((bytes) => ({ name, bytes }));
    });
    const property = fc.asyncProperty(one, ({ name, bytes }) => endures(base, name, bytes));
    await fc.assert(property, casesOf(800));
  });
}
