// What the tables of a directory are worth after a stop of any kind.
//
//   what is found                                       what it means
//   no manifest, no table                               fresh, or without tables yet
//   no manifest, but a table                            the manifest was lost, refused
//   manifest bad, or of another format                  refused
//   manifest.new                                        half-written, removed
//   table that the manifest does not name               half-written or obsolete, removed
//   table that it names, whole                          opened
//   table that it names, missing, or with a bad end,
//     or not the one that was meant                     damaged: the engine opens, and its keys are
//                                                       answered with CORRUPTION, never "not found"
//   bad block in a table                                found when it is read, answered likewise
//
// A manifest is written into every directory before its first table, so that a lost one is
// noticed. Nothing is removed before everything that may refuse has been read.

import type { Host } from '../../host/host.ts';
import type { StoredIdentity } from '../identity-file.ts';
import type { LogExpectation } from '../log/log-recovery.ts';
import type { BlockCache } from '../sstable/block-cache.ts';
import { corruption } from '../storage-errors.ts';
import { tableNumberOf } from '../table-info.ts';
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
  const numbers = names.map(tableNumberOf).filter((number) => number !== undefined);
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

/** Files that belong to tables and to no living one, sorted. */
export function leftoversOf(names: readonly string[], manifest: Manifest): string[] {
  const named = new Set(manifest.tables.map(({ info }) => info.number));
  return names.filter((name) => {
    if (name === newNameOf(MANIFEST_NAME)) return true;
    const number = tableNumberOf(name);
    return number !== undefined && !named.has(number);
  });
}

function lostManifest(names: readonly string[]): Error {
  const table = names.find((name) => tableNumberOf(name) !== undefined);
  return corruption(MANIFEST_NAME, `missing, though ${table} exists`);
}
