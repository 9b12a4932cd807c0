// What stands behind the checksums of every file format, mutated: each parser answers, or throws
// the codes that it names, within bounded memory. Whole files, whose checksums then do not fit,
// are in directory-fuzz.test.ts.

import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteWriter } from '../base/bytes.ts';
import { crc32 } from '../base/checksum.ts';
import type { ErrorCode } from '../base/errors.ts';
import { SLOT_COUNT } from '../base/ids.ts';
import { compress, compressedBytesMax, decompress } from '../base/lz4.ts';
import { answerOf, casesOf, mutants, refuseLargeAllocations, resealed } from '../base/test-fuzz.ts';
import type { SlotRange } from './engine.ts';
import { decodeIdentity, encodeIdentity } from './identity-file.ts';
import { LogBatch, replayBatch } from './log/log-batch.ts';
import { BATCH_HEADER_BYTES } from './log/log-format.ts';
import { ChangeView } from './memtable/change-view.ts';
import { entriesOf, findInBlock } from './sstable/block.ts';
import { BlockIndex, IndexWriter } from './sstable/block-index.ts';
import { BlockWriter } from './sstable/block-writer.ts';
import { Filter, FilterWriter } from './sstable/filter.ts';
import { hashOfTableKey } from './sstable/key-hash.ts';
import { decodeProperties, encodeProperties } from './sstable/table-properties.ts';
import { entriesUpTo, entry, removal as removed } from './sstable/test-table.ts';
import { Summary } from './summary/summary.ts';
import type { TableEntry } from './table-entry.ts';
import { decodeManifest, encodeManifest } from './tables/manifest.ts';
import { EVERYTHING, OWNER, put, removal } from './test-engine.ts';
import {
  decodeFooter as decodeValueFooter,
  encodeFooter as encodeValueFooter,
} from './values/value-format.ts';
import { decodePointer, encodePointer } from './values/value-pointer.ts';

refuseLargeAllocations(16 * 1024 * 1024);

const FEW = [entry('\0\0\x07a', '1', 5), entry('\0\0\x07ab', 'x'.repeat(90)), removed('\0\0\x08z')];
const MANY = entriesUpTo(60, 12);
/** What all blocks of an index take together. */
const BLOCKS_BYTES = 6_000;
const FORMATS: readonly ErrorCode[] = ['CORRUPTION', 'NEWER_FORMAT', 'OLDER_FORMAT'];

interface Parser {
  readonly name: string;
  readonly samples: readonly Buffer[];
  readonly codes: readonly ErrorCode[];
  /** Reads what is whole, so that it is right, or nothing at all. */
  readonly read: (bytes: Buffer) => unknown;
}

function manifestOf(tables: number): Buffer {
  const infos = Array.from({ length: tables }, (_, n) => {
    const keys = { firstKey: Buffer.from(`\0\0\x07${n}`), lastKey: Buffer.from(`\0\0\x08${n}`) };
    const counts = {
      bytes: 1000 + n,
      entries: 9,
      removals: 2,
      sequenceMin: n + 1,
      sequenceMax: 300,
      droppedUpTo: n,
      values: Array.from({ length: n }, (_, file) => ({ file: 9 * file, values: 3, bytes: 1e6 })),
    };
    return { number: n + 1, level: n % 3, ...keys, ...counts };
  });
  const list = infos.map((info) => ({ info, isSuspect: info.number === 2 }));
  const summary = new Summary();
  for (let n = 0; n < 3 * tables; n++) summary.apply(new ChangeView().of(put('k', '', 5 * n, 1)));
  summary.noteTime(2 ** 52);
  const head = { flushedSequence: 300, firstSegment: 4, nextTable: 99 };
  const drops = infos.map(({ number }) => ({ ...EVERYTHING, sequence: 300 - number }));
  return encodeManifest({ ...head, tables: list, drops, summary });
}

function batchOf(writes: number): Buffer {
  const batch = new LogBatch(7, new ByteWriter(), false);
  for (let n = 0; n < writes; n++) {
    batch.add([put(`k${n}`, 'v'.repeat(n * 20)), removal(`gone ${n}`)], 2 ** 52);
    if (n % 2 === 1) batch.addDrop(EVERYTHING);
  }
  return Buffer.from(batch.sealedFor(3, 16).subarray(BATCH_HEADER_BYTES));
}

function blockOf(entries: readonly TableEntry[]): Buffer {
  const writer = new BlockWriter();
  let last = Buffer.alloc(0);
  for (const each of entries) {
    let shared = 0;
    while (shared < last.length && last[shared] === each.key[shared]) shared += 1;
    writer.add(each, shared);
    last = Buffer.from(each.key);
  }
  return Buffer.from(writer.finish());
}

function indexOf(entries: readonly TableEntry[]): Buffer {
  const writer = new IndexWriter();
  for (const { key } of entries) {
    writer.begin(key);
    writer.end(BLOCKS_BYTES / entries.length);
  }
  return writer.encode();
}

function filterOf(entries: readonly TableEntry[]): Buffer {
  const writer = new FilterWriter(entries.length, 20);
  for (const { key } of entries) writer.add(hashOfTableKey(key));
  return Buffer.concat([...writer.finish()]);
}

function lz4Of(bytes: Buffer): Buffer {
  const to = Buffer.alloc(compressedBytesMax(bytes.length));
  return to.subarray(0, compress(bytes, to));
}

const PROPERTIES = {
  ...{ entries: 60, removals: 3, sequenceMin: 1, sequenceMax: 300, rawBytes: 4_000 },
  ...{ firstKey: Buffer.from('\0\0\x07a'), lastKey: Buffer.from('\0\0\x08z') },
  values: [5, 700].map((file) => ({ file, values: 3, bytes: 2 ** 30 })),
};
const POINTER = { file: 700, offset: 2 ** 30, pieceBytes: 9_005, valueBytes: 20_000 };
const IDENTITY = { ...OWNER, incarnation: 28_000_000, closedAt: 2 ** 41 };
const BLOCKS = [blockOf(FEW), blockOf(MANY)];
const TEXT = Buffer.from('the same words, and the same words again '.repeat(20));

const PARSERS: readonly Parser[] = [
  {
    name: 'identity',
    samples: [encodeIdentity(IDENTITY), encodeIdentity({ ...IDENTITY, closedAt: undefined })],
    codes: FORMATS,
    read(bytes) {
      const identity = decodeIdentity(resealed(bytes));
      deepEqual(decodeIdentity(encodeIdentity(identity)), identity);
    },
  },
  {
    name: 'manifest',
    samples: [manifestOf(0), manifestOf(1), manifestOf(7)],
    codes: FORMATS,
    read(bytes) {
      const manifest = decodeManifest(resealed(bytes));
      deepEqual(decodeManifest(encodeManifest(manifest)), manifest);
    },
  },
  {
    name: 'batch of the log',
    samples: [batchOf(0), batchOf(1), batchOf(5)],
    codes: ['BAD_BYTES'],
    read(bytes) {
      let changes = 0;
      const apply = ({ key: { slot } }: ChangeView) => {
        changes += 1;
        ok(slot < SLOT_COUNT);
      };
      const drop = ({ fromSlot, toSlot }: SlotRange) => {
        changes += 1;
        ok(fromSlot <= toSlot && toSlot < SLOT_COUNT);
      };
      replayBatch(bytes, 0, { apply, drop, noteTime: (time) => ok(time >= 0) });
      ok(changes * 5 <= bytes.length);
    },
  },
  {
    name: 'block: all entries',
    samples: BLOCKS,
    codes: ['BAD_BYTES'],
    read: (bytes) => ok(entriesOf(bytes).length * 4 <= bytes.length),
  },
  {
    name: 'block: one entry',
    samples: BLOCKS,
    codes: ['BAD_BYTES'],
    read: (bytes) => [...FEW, ...MANY].map(({ key }) => findInBlock(bytes, key)),
  },
  {
    name: 'index',
    samples: [indexOf(FEW), indexOf(MANY)],
    codes: ['BAD_BYTES'],
    read(bytes) {
      const index = new BlockIndex(bytes, BLOCKS_BYTES);
      for (const { key } of MANY) ok(index.find(key) < index.blocks);
    },
  },
  {
    name: 'filter',
    samples: [filterOf(FEW), filterOf(MANY)],
    codes: ['BAD_BYTES'],
    read(bytes) {
      const filter = new Filter(bytes);
      for (const { key } of MANY) equal(typeof filter.mayContain(hashOfTableKey(key)), 'boolean');
    },
  },
  {
    name: 'properties',
    samples: [encodeProperties(PROPERTIES)],
    codes: ['BAD_BYTES'],
    read(bytes) {
      const properties = decodeProperties(bytes);
      deepEqual(decodeProperties(encodeProperties(properties)), properties);
    },
  },
  {
    name: 'pointer to a large value',
    samples: [encodePointer(POINTER)],
    codes: ['BAD_BYTES'],
    read(bytes) {
      const pointer = decodePointer(bytes);
      deepEqual(decodePointer(encodePointer(pointer)), pointer);
    },
  },
  {
    name: 'footer of a value file',
    samples: [encodeValueFooter({ recordsBytes: 66, records: 2 }, 2)],
    codes: FORMATS,
    read(bytes) {
      const footer = Buffer.concat([bytes, Buffer.alloc(28)]).subarray(0, 28);
      footer.writeUInt32BE(crc32(footer.subarray(0, 20)), 20);
      deepEqual(decodeValueFooter(footer, 2, 66 + 28).recordsBytes, 66);
    },
  },
  {
    name: 'LZ4 block',
    samples: [lz4Of(TEXT), lz4Of(BLOCKS[1] as Buffer)],
    codes: ['BAD_BYTES'],
    // The length stands before it in a table, where it may say anything.
    read: (bytes) => {
      const length = bytes.length < 4 ? TEXT.length : bytes.readUInt32BE(0);
      for (const each of [TEXT.length, length])
        answerOf(() => decompress(bytes, each), ['BAD_BYTES']);
    },
  },
];

for (const { name, samples, codes, read } of PARSERS) {
  test(`${name}: unmutated it is read`, () => {
    for (const sample of samples) read(sample);
  });

  test(`${name}: mutated it is read or refused`, () => {
    fc.assert(
      fc.property(mutants(samples), (bytes) => {
        answerOf(() => read(bytes), codes);
      }),
      casesOf(3_000),
    );
  });
}
