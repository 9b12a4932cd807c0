// The lock that keeps a second process out of a data directory.
//
// The kernel must release it however the process dies, so a file that merely exists will not do.
// Node.js offers no flock; but the SQLite inside it takes a real fcntl lock on its database when a
// transaction is exclusive. lock.db is an empty database of which only that lock is used.
//
// lock.pid is information for the message to the one who came second; nothing decides by it.

import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { KvorumError } from '../base/errors.ts';
import type { DiskLock } from './host.ts';
import { diskError } from './node-disk-file.ts';

const SQLITE_BUSY = 5;

/** Names that begin so belong to the lock; the disk neither lists nor opens them. */
export const LOCK_NAME_PREFIX = 'lock.';

/** Rejects with DIRECTORY_LOCKED when another holder is alive, in this process or elsewhere. */
export async function lockDirectory(directory: string): Promise<DiskLock> {
  const pidFile = join(directory, 'lock.pid');
  const database = lockDatabase(join(directory, 'lock.db'));
  if (database === undefined) throw await lockedError(directory, pidFile);
  const unwritten = () => undefined;
  await writeFile(pidFile, `${process.pid}\n`).catch(unwritten);
  return {
    async release() {
      if (!database.isOpen) return;
      await rm(pidFile, { force: true }).catch(unwritten);
      if (database.isOpen) database.close();
    },
  };
}

function lockDatabase(path: string): DatabaseSync | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) {
      return undefined;
    }
    throw diskError('lock.db', error);
  }
}

async function lockedError(directory: string, pidFile: string): Promise<KvorumError> {
  const pid = await readFile(pidFile, 'utf8').then(
    (text) => text.trim(),
    () => '',
  );
  const holder = pid === '' ? 'another process' : `process ${pid}`;
  const fix = 'Stop the other node, or give this one a data directory of its own (--data).';
  return new KvorumError('DIRECTORY_LOCKED', `${directory} is in use by ${holder}`, fix);
}
