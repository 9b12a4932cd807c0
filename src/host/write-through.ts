// Writes that are durable when they return. On Linux a file that is opened with O_DSYNC takes write
// and fdatasync in one call, which saves a second way through the pool of threads: 30 of 180 µs
// (docs/decisions/2026-11-25-log-ahead.md). The kernel does the same for both, for the bytes of the
// write alone. Elsewhere the flag is missing or promises less (macOS leaves the bytes in the cache
// of the drive), so that fdatasync follows.

import { constants, fdatasync, write } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

const HAS_DSYNC = process.platform === 'linux';

export class WriteThrough {
  readonly #handle: FileHandle;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Of an existing file; rejects with what the system says, as all of this. */
  static async open(path: string): Promise<WriteThrough> {
    const flags = constants.O_RDWR | (HAS_DSYNC ? constants.O_DSYNC : 0);
    return new WriteThrough(await open(path, flags));
  }

  /** All of the bytes are on the platter when it resolves. */
  write(bytes: Buffer, offset: number): Promise<void> {
    const { fd } = this.#handle;
    return new Promise((resolve, reject) => {
      const end = (error: Error | null) => (error === null ? resolve() : reject(error));
      const writeFrom = (done: number) => {
        write(fd, bytes, done, bytes.length - done, offset + done, (error, written) => {
          if (error !== null) reject(error);
          else if (done + written < bytes.length) writeFrom(done + written);
          else if (HAS_DSYNC) resolve();
          else fdatasync(fd, end);
        });
      };
      writeFrom(0);
    });
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
