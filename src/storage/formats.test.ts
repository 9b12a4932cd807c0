import { deepEqual, equal, ok } from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { ByteWriter } from '../base/bytes.ts';
import { encodeIdentity } from './identity-file.ts';
import { LogBatch } from './log/log-batch.ts';
import { encodeSegmentHeader, SEGMENT_HEADER_BYTES } from './log/log-format.ts';
import { ChangeView } from './memtable/change-view.ts';
import { encodeScrubProgress } from './scrub/scrub-file.ts';
import { elsewhere, entry, TestTables, removal as tableRemoval } from './sstable/test-table.ts';
import { Summary } from './summary/summary.ts';
import { tableKeyOf } from './table-entry.ts';
import { encodeManifest } from './tables/manifest.ts';
import { at, EVERYTHING, OWNER, put, removal } from './test-engine.ts';
import { TestValues } from './values/test-values.ts';

/** The bytes of the worked example that ends the section of that name in docs/formats.md. */
async function exampleOf(section: string): Promise<string> {
  const page = await readFile(new URL('../../docs/formats.md', import.meta.url), 'utf8');
  const [, text = ''] = page.split(`\n### ${section}\n`);
  const blocks = [...(text.split(/\n##+ /)[0] as string).matchAll(/```\n([^`]*)```/g)];
  ok(blocks.length >= 2, `${section} has a drawing and an example`);
  const [, example = ''] = blocks.at(-1) as RegExpExecArray;
  return example.replaceAll(/^[a-z]+ /gm, '').replaceAll(/\s/g, '');
}

test('the identity is as docs/formats.md says', async () => {
  const counters = { incarnation: 28_000_000, closedAt: 902 };
  const identity = encodeIdentity({ ...OWNER, ...counters });
  equal(identity.toString('hex'), await exampleOf('identity'));
});

test('the commit log is as docs/formats.md says', async () => {
  const batch = new LogBatch(5, new ByteWriter(), false);
  batch.add([{ ...put('e', 'value of e', 7, 1), digest: { high: 0x0102, low: -1 } }], 2 ** 40);
  batch.add([removal('e', 7, -1)], 0);
  batch.addDrop(EVERYTHING);
  const written = [encodeSegmentHeader(3), batch.sealedFor(3, SEGMENT_HEADER_BYTES)];
  equal(Buffer.concat(written).toString('hex'), await exampleOf('Commit log'));
});

test('the manifest is as docs/formats.md says', async () => {
  const info = {
    ...{ number: 1, level: 0, bytes: 195, entries: 3, removals: 1 },
    ...{ firstKey: tableKeyOf(at('a')), lastKey: tableKeyOf(at('c')) },
    ...{ sequenceMin: 1, sequenceMax: 3, droppedUpTo: 0 },
    ...{ values: [{ file: 2, values: 1, bytes: 16_393 }] },
  };
  const tables = [{ info, isSuspect: false }];
  const summary = new Summary();
  summary.noteTime(2 ** 40);
  const digest = { high: 0x0102, low: -1 };
  for (const key of ['a', 'b']) summary.apply(new ChangeView().of(put(key, '', 7, 1)));
  summary.apply(new ChangeView().of({ ...put('d', '', 9, 1), digest }));
  const drops = [{ ...EVERYTHING, sequence: 4 }];
  const reach = { flushedSequence: 5, firstSegment: 2, summary };
  const manifest = encodeManifest({ ...reach, nextTable: 2, tables, drops });
  equal(manifest.toString('hex'), await exampleOf('Manifest'));
});

test('the progress of the check is as docs/formats.md says', async () => {
  const pass = { beganMs: 2 ** 40 + 5, next: 41, end: 300 };
  const progress = encodeScrubProgress({ pass, checkedAsOfMs: 2 ** 40 });
  equal(progress.toString('hex'), await exampleOf('scrub'));
});

test('a table is as docs/formats.md says', async () => {
  const tests = new TestTables();
  const entries = [
    entry('\0*\x07user:1', 'ada', 9),
    entry('\0*\x07user:17', 'alan', 300),
    tableRemoval('\0*\x07user:2', 8),
    elsewhere('\0*\x07user:3', { file: 2, offset: 4, pieceBytes: 18, valueBytes: 13 }, 7),
  ];
  await tests.run(() => tests.write(1, entries));
  equal(tests.bytesOf(1).toString('hex'), await exampleOf('Tables'));
});

test('a value file is as docs/formats.md says', async () => {
  const tests = new TestValues();
  const values = ['a large value', 'another'].map((text) => Buffer.from(text));
  const [pointer] = await tests.run(() => tests.writeValues(2, values));
  deepEqual(pointer, { file: 2, offset: 4, pieceBytes: 18, valueBytes: 13 });
  equal(tests.valueBytesOf(2).toString('hex'), await exampleOf('Value files'));
});
