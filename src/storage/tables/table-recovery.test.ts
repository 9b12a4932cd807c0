import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from '../../base/checksum.ts';
import { hasCode, KvorumError } from '../../base/errors.ts';
import { segmentName } from '../log/log-format.ts';
import type { EngineOptions } from '../open-engine.ts';
import { FOOTER_BYTES } from '../sstable/sstable-format.ts';
import { put, scanAll, TestServer, textAt } from '../test-engine.ts';
import { FOOTER_BYTES as VALUES_FOOTER_BYTES } from '../values/value-format.ts';
import { decodeManifest, encodeManifest, MANIFEST_NAME } from './manifest.ts';

/** Three writes a memtable. */
const TINY: EngineOptions = {
  memtableBytesMax: 150,
  segmentBytesMax: 10_000,
  largeValueBytes: 20,
};
const KEYS = ['a', 'b', 'c', 'd', 'e'];
const LAST = segmentName(2);
/** a b c */
const FIRST_TABLE = 'table-0000000001.kvtable';
/** The value of c */
const FIRST_VALUES = 'values-0000000002.kvvalues';

function textOf(key: string): string {
  return `value of ${key}`.repeat(key === 'c' ? 3 : 1);
}

/** Table 1 with a b c, c by a pointer to value file 2, the log with d e; then the power is cut. */
async function filledServer(): Promise<TestServer> {
  const server = new TestServer();
  const engine = await server.restart(TINY);
  for (const key of KEYS) await server.settle(engine.write([put(key, textOf(key))]).durable);
  await server.world.runUntil(() => engine.stats().sealedMemtables === 0);
  await server.world.runFor(50);
  server.machine.crash();
  return server;
}

interface Row {
  readonly name: string;
  readonly file: string;
  /** Undefined: the file is removed. */
  readonly spoil: (bytes: Buffer | undefined) => Buffer | undefined;
  /** Keys that are answered, keys that are refused, or the error with which it does not open. */
  readonly expect: Readonly<Record<'answers' | 'refuses', string>> | RegExp;
}

function flipped(bytes: Buffer | undefined, offset: number): Buffer {
  const copy = Buffer.from(bytes as Buffer);
  const at = offset < 0 ? copy.length + offset : offset;
  copy[at] = (copy[at] as number) ^ 0x10;
  return copy;
}

function withFormat(bytes: Buffer | undefined, format: number): Buffer {
  const copy = Buffer.from(bytes as Buffer);
  copy.writeUInt32BE(format, 4);
  copy.writeUInt32BE(crc32(copy.subarray(0, -4)), copy.length - 4);
  return copy;
}

/** Of a table or a value file: both end with format, checksum of the footer, and magic. */
function withFileFormat(bytes: Buffer | undefined, format: number, footerBytes: number): Buffer {
  const copy = Buffer.from(bytes as Buffer);
  const footer = copy.subarray(-footerBytes);
  footer.writeUInt32BE(format, footerBytes - 12);
  footer.writeUInt32BE(crc32(footer.subarray(0, -8)), footerBytes - 8);
  return copy;
}

const ALL = { answers: 'abcde', refuses: '' };

const ROWS: readonly Row[] = [
  { name: 'nothing wrong', file: MANIFEST_NAME, spoil: (b) => b, expect: ALL },
  {
    name: 'a half-written manifest beside the good one',
    file: 'manifest.new',
    spoil: () => Buffer.from('KV'),
    expect: ALL,
  },
  {
    name: 'a table that the manifest does not name',
    file: 'table-0000000099.kvtable',
    spoil: () => Buffer.from('half'),
    expect: ALL,
  },
  {
    name: 'an obsolete segment',
    file: segmentName(0),
    spoil: () => Buffer.from('any'),
    expect: ALL,
  },
  {
    name: 'a lost manifest',
    file: MANIFEST_NAME,
    spoil: () => undefined,
    expect: /CORRUPTION manifest: missing, though table-/,
  },
  {
    name: 'rot in the manifest',
    file: MANIFEST_NAME,
    spoil: (b) => flipped(b, 20),
    expect: /CORRUPTION manifest: its checksum/,
  },
  {
    name: 'an empty manifest',
    file: MANIFEST_NAME,
    spoil: () => Buffer.alloc(0),
    expect: /CORRUPTION manifest/,
  },
  {
    name: 'a manifest of a newer format',
    file: MANIFEST_NAME,
    spoil: (b) => withFormat(b, 5),
    expect: /NEWER_FORMAT manifest has format 5/,
  },
  {
    name: 'a manifest of an older format',
    file: MANIFEST_NAME,
    spoil: (b) => withFormat(b, 1),
    expect: /OLDER_FORMAT manifest has format 1/,
  },
  {
    name: 'a table of an older format',
    file: FIRST_TABLE,
    spoil: (b) => withFileFormat(b, 1, FOOTER_BYTES),
    expect: /OLDER_FORMAT table-0000000001.kvtable has format 1/,
  },
  {
    name: 'the segment that the manifest names is lost',
    file: LAST,
    spoil: () => undefined,
    expect: /CORRUPTION log-0000000002.kvlog: missing, though the manifest names it/,
  },
  {
    name: 'its header is lost',
    file: LAST,
    spoil: (b) => (b as Buffer).subarray(0, 9),
    expect: /CORRUPTION log-0000000002.kvlog: its header/,
  },
  {
    name: 'a table is missing',
    file: FIRST_TABLE,
    spoil: () => undefined,
    expect: { answers: 'de', refuses: 'abc' },
  },
  {
    name: 'rot in the footer of a table',
    file: FIRST_TABLE,
    spoil: (b) => flipped(b, -10),
    expect: { answers: 'de', refuses: 'abc' },
  },
  {
    name: 'half a table',
    file: FIRST_TABLE,
    spoil: (b) => (b as Buffer).subarray(0, 70),
    expect: { answers: 'de', refuses: 'abc' },
  },
  {
    name: 'rot in a block of a table',
    file: FIRST_TABLE,
    spoil: (b) => flipped(b, 10),
    expect: { answers: 'de', refuses: 'abc' },
  },
  {
    name: 'a value file that no table refers to',
    file: 'values-0000000099.kvvalues',
    spoil: () => Buffer.from('half'),
    expect: ALL,
  },
  {
    name: 'a value file of a newer format',
    file: FIRST_VALUES,
    spoil: (b) => withFileFormat(b, 2, VALUES_FOOTER_BYTES),
    expect: /NEWER_FORMAT values-0000000002.kvvalues has format 2/,
  },
  {
    name: 'a value file is missing',
    file: FIRST_VALUES,
    spoil: () => undefined,
    expect: { answers: 'abde', refuses: 'c' },
  },
  {
    name: 'rot in the footer of a value file',
    file: FIRST_VALUES,
    spoil: (b) => flipped(b, -10),
    expect: { answers: 'abde', refuses: 'c' },
  },
  {
    name: 'half a value file',
    file: FIRST_VALUES,
    spoil: (b) => (b as Buffer).subarray(0, 30),
    expect: { answers: 'abde', refuses: 'c' },
  },
  {
    name: 'rot in a large value',
    file: FIRST_VALUES,
    spoil: (b) => flipped(b, 20),
    expect: { answers: 'abde', refuses: 'c' },
  },
];

for (const { name, file, spoil, expect } of ROWS) {
  test(`recovery of tables: ${name}`, async () => {
    const server = await filledServer();
    const spoiled = spoil(server.machine.directory.bytesOf(file));
    if (spoiled === undefined) await server.remove(file);
    else await server.replace(file, Buffer.from(spoiled));
    const outcome = await server.restart(TINY).catch((error: KvorumError) => error);
    if (expect instanceof RegExp) {
      ok(outcome instanceof KvorumError, 'it refuses');
      match(`${outcome.code} ${outcome.message}`, expect);
      if (spoiled !== undefined) deepEqual(server.bytesOf(file), spoiled, 'left as it was');
      return;
    }
    ok(!(outcome instanceof Error), String(outcome));
    let answers = '';
    let refuses = '';
    for (const key of KEYS) {
      const text: string | undefined = await server.settle(textAt(outcome, key)).catch((error) => {
        ok(hasCode(error, 'CORRUPTION'), String(error));
        return 'refused';
      });
      if (text === 'refused') refuses += key;
      else if (text === textOf(key)) answers += key;
      else ok(false, `${key} is ${text}: never wrong and never missing`);
    }
    deepEqual({ answers, refuses }, expect);
    const names = server.machine.directory.names();
    if (expect === ALL && file !== MANIFEST_NAME) ok(!names.includes(file), `${file} is gone`);
  });
}

test('a damaged table is reported, and its keys come back when they are written', async () => {
  const server = await filledServer();
  await server.remove(FIRST_TABLE);
  const engine = await server.restart(TINY);
  deepEqual(engine.stats().damaged, [
    { file: FIRST_TABLE, extent: 'whole', fromKeyspace: 0, fromSlot: 7, toKeyspace: 0, toSlot: 7 },
  ]);
  const error = await server.settle(scanAll(engine)).catch((error) => error);
  ok(hasCode(error, 'CORRUPTION'), 'a scan does not step over it');
  await server.fill(engine, ['b']);
  equal(await server.settle(textAt(engine, 'b')), 'value of b');
  ok(engine.stats().corruptReads > 0);
  const again = await server.restart(TINY);
  equal(again.stats().damaged.length, 1, 'it is not forgotten');
  equal(await server.settle(textAt(again, 'b')), 'value of b');
});

test('compaction goes on without a table with a bad block, and reads still notice', async () => {
  const server = await filledServer();
  await server.replace(FIRST_TABLE, flipped(server.bytesOf(FIRST_TABLE), 10));
  const engine = await server.restart(TINY);
  for (let round = 0; round < 6; round++) {
    const keys = ['d', 'e', 'f', 'g', 'h'].map((key) => put(key, `${key} ${round}`));
    for (const each of keys) await server.settle(engine.write([each]).durable);
    await server.world.runFor(200);
  }
  ok(engine.stats().compactions > 0, 'it compacts what is sound');
  for (const open of [async () => engine, () => server.restart(TINY)]) {
    const reader = await open();
    equal(await server.settle(textAt(reader, 'f')), 'f 5');
    const error = await server.settle(textAt(reader, 'a')).catch((error) => error);
    ok(hasCode(error, 'CORRUPTION'), String(error));
  }
});

test('every bit of a manifest matters', async () => {
  const server = await filledServer();
  const bytes = server.bytesOf(MANIFEST_NAME);
  deepEqual(encodeManifest(decodeManifest(bytes)), bytes);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const copy = Buffer.from(bytes);
    copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7));
    let code = 'none';
    try {
      decodeManifest(copy);
    } catch (error) {
      code = (error as KvorumError).code;
    }
    equal(code, 'CORRUPTION', `bit ${bit}`);
  }
});
