// One real file, over a FileHandle of node:fs.
//
// Appends and truncations take turns, in the order of their calls, so that size() always says
// where the next append begins: it counts an append when that has settled. After a rejected one
// it counts the bytes that did get there; the owner cuts them off or gives the file up.

import { read, readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { KvorumError, messageOf } from '../base/errors.ts';
import type { DirectReads } from './direct-reads.ts';
import type { DiskFile } from './host.ts';
import { WriteThrough } from './write-through.ts';

export interface OpenedFile {
  readonly name: string;
  readonly path: string;
  readonly handle: FileHandle;
  readonly size: number;
  /** Shared by the files of one disk. */
  readonly directReads: DirectReads;
}

export class NodeDiskFile implements DiskFile {
  readonly name: string;
  readonly #handle: FileHandle;
  readonly #directReads: DirectReads;
  readonly #path: string;
  #size: number;
  /** Opened with the first writeThrough(). */
  #through: Promise<WriteThrough> | undefined;
  /** Settles, always well, when the last change that was asked for is done. */
  #lastTurn: Promise<unknown> = Promise.resolve();

  constructor({ name, path, handle, size, directReads }: OpenedFile) {
    this.name = name;
    this.#path = path;
    this.#handle = handle;
    this.#size = size;
    this.#directReads = directReads;
  }

  size(): number {
    return this.#size;
  }

  append(bytes: Buffer): Promise<void> {
    return this.#inTurn(async () => {
      for (let done = 0; done < bytes.length; ) {
        const left = bytes.length - done;
        const { bytesWritten } = await this.#handle.write(bytes, done, left, this.#size);
        done += bytesWritten;
        this.#size += bytesWritten;
      }
    });
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(Math.max(0, Math.min(length, this.#size - offset)));
    let done = 0;
    while (done < bytes.length) {
      const bytesRead = await this.#readInto(bytes, done, offset + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return done === bytes.length ? bytes : bytes.subarray(0, done);
  }

  readNow(into: Buffer, offset: number): number | undefined {
    const fromMs = performance.now();
    if (!this.#directReads.may(fromMs, into.length)) return undefined;
    let done = 0;
    try {
      while (done < into.length) {
        const left = into.length - done;
        const bytesRead = readSync(this.#handle.fd, into, done, left, offset + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
    } catch (error) {
      throw diskError(this.name, error);
    }
    this.#directReads.took(fromMs, performance.now());
    return done;
  }

  async sync(): Promise<void> {
    try {
      await this.#handle.datasync();
    } catch (error) {
      throw diskError(this.name, error);
    }
  }

  async writeThrough(bytes: Buffer, offset: number): Promise<void> {
    try {
      this.#through ??= WriteThrough.open(this.#path);
      await (await this.#through).write(bytes, offset);
      this.#size = Math.max(this.#size, offset + bytes.length);
    } catch (error) {
      throw diskError(this.name, error);
    }
  }

  truncate(length: number): Promise<void> {
    return this.#inTurn(async () => {
      await this.#handle.truncate(length);
      this.#size = length;
    });
  }

  async close(): Promise<void> {
    try {
      await this.#through?.then((through) => through.close());
      await this.#handle.close();
    } catch (error) {
      throw diskError(this.name, error);
    }
  }

  /** Reads what is left of `bytes` from `at` on; the callback costs less than a FileHandle. */
  #readInto(bytes: Buffer, at: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const left = bytes.length - at;
      read(this.#handle.fd, bytes, at, left, position, (error, bytesRead) => {
        if (error === null) resolve(bytesRead);
        else reject(diskError(this.name, error));
      });
    });
  }

  #inTurn(change: () => Promise<void>): Promise<void> {
    const turn = this.#lastTurn.then(change).catch((error: unknown) => {
      throw diskError(this.name, error);
    });
    const settled = () => undefined;
    this.#lastTurn = turn.then(settled, settled);
    return turn;
  }
}

/** What went wrong with `name`: DISK_FULL or IO_ERROR. A bug (no errno) is thrown as it is. */
export function diskError(name: string, cause: unknown): KvorumError {
  if (cause instanceof KvorumError) return cause;
  const errno = errnoOf(cause);
  if (errno === undefined) throw cause;
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    const fix = 'Free space on the disk or raise the quota; writes then resume by themselves.';
    return new KvorumError('DISK_FULL', `no space left for ${name} (${errno})`, fix, cause);
  }
  const message = `${name}: ${messageOf(cause)} (${errno})`;
  return new KvorumError('IO_ERROR', message, fixOf(errno), cause);
}

/** The operating system's name of an error, such as ENOENT. */
export function errnoOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

function fixOf(errno: string): string {
  switch (errno) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return 'Give the user that runs the node write access to its data directory.';
    case 'EMFILE':
    case 'ENFILE':
      return 'Raise the limit of open files (ulimit -n).';
    case 'EIO':
      return 'The disk is failing: replace it; docs/errors.md says how the data comes back.';
    default:
      return 'Check the data directory, its disk and the mount.';
  }
}
