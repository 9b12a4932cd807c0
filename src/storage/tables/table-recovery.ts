// What the tables of a directory are worth after a stop of any kind.
//
//   what is found                                       what it means
//   no manifest, no table or value file                 fresh, or without tables yet
//   no manifest, but one of these                       the manifest was lost, refused
//   manifest bad, or of another format                  refused
//   manifest.new                                        half-written, removed
//   table that the manifest does not name               half-written or obsolete, removed
//   table that it names, whole                          opened
//   table that it names, missing, or with a bad end,
//     or not the one that was meant                     damaged: the engine opens, and its keys are
//                                                       answered with CORRUPTION, never "not found"
//   bad block in a table                                found when it is read, answered likewise
//   value file that no table refers to                  half-written or obsolete, removed
//   value file that one refers to, missing or bad       its values are answered with CORRUPTION
//
// A manifest is written into every directory before its first table, so that a lost one is
// noticed. Nothing is removed before everything that may refuse has been read.

import type { Host } from '../../host/host.ts';
import type { StoredIdentity } from '../identity-file.ts';
import type { LogExpectation } from '../log/log-recovery.ts';
import type { BlockCache } from '../sstable/block-cache.ts';
import { corruption } from '../storage-errors.ts';
import { tableName, tableNumberOf } from '../table-info.ts';
import { valuesName, valuesNumberOf } from '../values/value-format.ts';
import { newNameOf } from '../whole-file.ts';
import { EMPTY_MANIFEST, MANIFEST_NAME, type Manifest, readManifest } from './manifest.ts';
import { TableStore } from './table-store.ts';

export interface RecoveredTables {
  /** Its tables are open. */
  readonly store: TableStore;
  readonly manifest: Manifest;
  /** Whether the directory has one: else it must be written before the engine is used. */
  readonly hasManifest: boolean;
}

/** Changes nothing. Rejects with CORRUPTION, NEWER_FORMAT, OLDER_FORMAT or IO_ERROR. */
export async function recoverTables(
  host: Pick<Host, 'disk' | 'log'>,
  cache: BlockCache,
): Promise<RecoveredTables> {
  const names = await host.disk.list();
  const found = await readManifest(host.disk);
  const numbers = names.map(fileNumberOf).filter((number) => number !== undefined);
  if (found === undefined && numbers.length > 0) throw lostManifest(names);
  const manifest = found ?? EMPTY_MANIFEST;
  const nextTable = Math.max(manifest.nextTable, ...numbers.map((number) => number + 1));
  const store = new TableStore(host, cache, manifest, nextTable);
  await store.open();
  return { store, manifest, hasManifest: found !== undefined };
}

/** Makes the directory what the manifest says, and a manifest where there is none. */
export async function tidyTables(
  host: Pick<Host, 'disk' | 'log'>,
  { store, hasManifest }: RecoveredTables,
): Promise<void> {
  for (const file of leftoversOf(await host.disk.list(), store.manifest)) {
    host.log.info('leftover-removed', { file });
    await host.disk.remove(file);
  }
  if (!hasManifest) await store.install({ added: [], removed: [] });
}

/** What identity and manifest say of the log. */
export function expectationOf(
  identity: Pick<StoredIdentity, 'closedAt'> | undefined,
  hasManifest: boolean,
  { firstSegment, flushedSequence }: Manifest,
): LogExpectation {
  // The manifest of a fresh directory may be older than its first segment: it promises none.
  const isNamed = hasManifest && flushedSequence > 0;
  return { closedAt: identity?.closedAt, firstSegment, flushedSequence, isNamed };
}

/** Tables, value files and manifests that no living table is or refers to, sorted. */
export function leftoversOf(names: readonly string[], { tables }: Manifest): string[] {
  const needed = new Set(
    tables.flatMap(({ info }) => [
      tableName(info.number),
      ...info.values.map(({ file }) => valuesName(file)),
    ]),
  );
  return names.filter((name) => {
    if (name === newNameOf(MANIFEST_NAME)) return true;
    return fileNumberOf(name) !== undefined && !needed.has(name);
  });
}

/** Of a table or a value file: they share one row of numbers. */
export function fileNumberOf(name: string): number | undefined {
  return tableNumberOf(name) ?? valuesNumberOf(name);
}

function lostManifest(names: readonly string[]): Error {
  const file = names.find((name) => fileNumberOf(name) !== undefined);
  return corruption(MANIFEST_NAME, `missing, though ${file} exists`);
}
