// How a data directory becomes an engine: lock it, see whose it is, replay the log, and only then
// note durably that it is in use. The order matters: until the last step the directory still says
// how its last user ended, so that a start that fails changes no verdict of the next one.

import type { Host } from '../host/host.ts';
import type { Engine } from './engine.ts';
import {
  checkOwner,
  IDENTITY_NAME,
  type Owner,
  readIdentity,
  renewIdentity,
  type StoredIdentity,
  writeIdentity,
} from './identity-file.ts';
import { segmentNumberOf } from './log/log-format.ts';
import { recoverLog } from './log/log-recovery.ts';
import { type EngineHost, LogStructuredEngine } from './log-structured-engine.ts';
import { Memtable } from './memtable.ts';
import { corruption } from './storage-errors.ts';

const DEFAULTS = { segmentBytesMax: 64 * 1024 * 1024, batchBytesTarget: 1024 * 1024 };

export interface EngineOptions {
  /** A log segment that has reached this size is followed by a new one; 64 MiB. */
  readonly segmentBytesMax?: number;
  /** What one sync carries at most, unless a single write is larger; 1 MiB. */
  readonly batchBytesTarget?: number;
}

/**
 * Opens the data directory for one node, and makes it that node's when it is fresh. Rejects with
 * DIRECTORY_LOCKED, FOREIGN_DIRECTORY, NEWER_FORMAT, CORRUPTION, DISK_FULL or IO_ERROR; then the
 * directory is as it was and unlocked.
 */
export async function openEngine(
  host: Pick<Host, 'disk' | 'clock' | 'log'>,
  owner: Owner,
  options: EngineOptions = {},
): Promise<Engine> {
  const lock = await host.disk.lock();
  try {
    const before = await readIdentity(host.disk);
    if (before !== undefined) checkOwner(before, owner);
    // Before the first segment is made: a directory that has a log has an identity.
    const claimed = before === undefined ? await claim(host, owner) : undefined;
    const memtable = new Memtable();
    const recovered = await recoverLog(host, before?.isClean ?? false, memtable);
    const identity = claimed ?? (await start(host, before as StoredIdentity));
    const limits = { ...DEFAULTS, ...options };
    return new LogStructuredEngine(host, lock, identity, memtable, recovered, limits);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** A fresh directory becomes this node's; rejects with CORRUPTION when it is not fresh. */
async function claim(host: EngineHost, owner: Owner): Promise<StoredIdentity> {
  const segment = (await host.disk.list()).find((name) => segmentNumberOf(name) !== undefined);
  if (segment !== undefined) throw corruption(IDENTITY_NAME, `missing, though ${segment} exists`);
  return renewIdentity(host, owner, 0);
}

/** Durably takes away the mark of the clean close, or takes a new incarnation where none is. */
async function start(host: EngineHost, before: StoredIdentity): Promise<StoredIdentity> {
  if (!before.isClean) return renewIdentity(host, before, before.incarnation);
  const identity = { ...before, isClean: false };
  await writeIdentity(host.disk, identity);
  return identity;
}
