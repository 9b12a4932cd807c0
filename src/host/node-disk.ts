// The real disk: one flat directory of the file system.
//
// fsync of a file says nothing about its name, so the directory is synced on its own
// (syncDirectory), and so are the parents of a directory that had to be made.

import { mkdir, open, readdir, rename, rm, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { assert } from '../base/assert.ts';
import { DirectReads } from './direct-reads.ts';
import type { Disk, DiskFile, DiskLock, DiskSpace } from './host.ts';
import { diskError, errnoOf, NodeDiskFile } from './node-disk-file.ts';
import { LOCK_NAME_PREFIX, lockDirectory } from './node-disk-lock.ts';

/** How file systems and platforms say that a directory cannot be synced on its own. */
const DIRECTORY_SYNC_UNSUPPORTED = new Set(['EPERM', 'EINVAL', 'EISDIR', 'ENOTSUP']);

/** Creates `directory` when it is missing; rejects with IO_ERROR or DISK_FULL. */
export async function openNodeDisk(directory: string): Promise<Disk> {
  const path = resolve(directory);
  await naming(path, async () => {
    const firstMade = await mkdir(path, { recursive: true });
    if (firstMade === undefined) return;
    for (let made = path; ; made = dirname(made)) {
      await syncDirectoryAt(dirname(made));
      if (made === resolve(firstMade)) return;
    }
  });
  return new NodeDisk(path);
}

class NodeDisk implements Disk {
  readonly #directory: string;
  readonly #directReads = new DirectReads(() => process.resourceUsage().fsRead);

  constructor(directory: string) {
    this.#directory = directory;
  }

  create(name: string): Promise<DiskFile> {
    return this.#openWith(name, 'wx+');
  }

  open(name: string): Promise<DiskFile> {
    return this.#openWith(name, 'r+');
  }

  async list(): Promise<string[]> {
    const entries = await naming(this.#directory, () =>
      readdir(this.#directory, { withFileTypes: true }),
    );
    return entries
      .filter((entry) => entry.isFile() && !entry.name.startsWith(LOCK_NAME_PREFIX))
      .map((entry) => entry.name)
      .sort();
  }

  rename(from: string, to: string): Promise<void> {
    return naming(from, () => rename(this.#path(from), this.#path(to)));
  }

  remove(name: string): Promise<void> {
    return naming(name, () => rm(this.#path(name)));
  }

  syncDirectory(): Promise<void> {
    return naming(this.#directory, () => syncDirectoryAt(this.#directory));
  }

  async space(): Promise<DiskSpace> {
    const { bavail, blocks, bsize } = await naming(this.#directory, () => statfs(this.#directory));
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  }

  lock(): Promise<DiskLock> {
    return lockDirectory(this.#directory);
  }

  #openWith(name: string, flags: string): Promise<DiskFile> {
    return naming(name, async () => {
      const path = this.#path(name);
      const handle = await open(path, flags);
      const { size } = await handle.stat();
      return new NodeDiskFile({ name, path, handle, size, directReads: this.#directReads });
    });
  }

  #path(name: string): string {
    assertPlainName(name);
    return join(this.#directory, name);
  }
}

/** Names are ours, never a user's: a bad one is a bug. */
function assertPlainName(name: string): void {
  assert(/^[\w-][\w.-]*$/.test(name), `a file name is plain: "${name}"`);
  assert(!name.startsWith(LOCK_NAME_PREFIX), `the disk keeps "${name}" for its lock`);
}

async function syncDirectoryAt(path: string): Promise<void> {
  try {
    const handle = await open(path, 'r');
    await handle.sync().finally(() => handle.close());
  } catch (error) {
    if (!DIRECTORY_SYNC_UNSUPPORTED.has(errnoOf(error) ?? '')) throw error;
  }
}

/** Runs `act`; what it throws becomes an error of ours that names the file. */
async function naming<T>(name: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw diskError(name, error);
  }
}
