// The disk as one life of a simulated node sees it: operations take virtual time, and end with the
// life. What they do to bytes and names is in sim-file.ts and sim-directory.ts.
//
// A sync covers what was appended when it began, no more: who lets an append run beside a sync
// and counts on both is found out at a crash.

import { assert } from '../src/base/assert.ts';
import { KvorumError } from '../src/base/errors.ts';
import type { Disk, DiskFile, DiskLock, DiskSpace } from '../src/host/host.ts';
import { diskError } from '../src/host/node-disk-file.ts';
import type { SimDirectory } from './sim-directory.ts';
import { SimFile } from './sim-file.ts';
import { IN_LINE_MS, type SimLife } from './sim-life.ts';

export class SimDisk implements Disk {
  readonly #directory: SimDirectory;
  readonly #life: SimLife;

  constructor(directory: SimDirectory, life: SimLife) {
    this.#directory = directory;
    this.#life = life;
  }

  create(name: string): Promise<DiskFile> {
    return this.#perform(`creates ${name}`, () => {
      assertPlainName(name);
      if (this.#directory.find(name) !== undefined) throw failure(name, 'EEXIST');
      if (this.#directory.freeBytes() === 0) throw failure(name, 'ENOSPC');
      const file = new SimFile();
      this.#directory.change({ kind: 'create', name, file });
      return new SimDiskFile(name, file, this.#directory, this.#life);
    });
  }

  open(name: string): Promise<DiskFile> {
    return this.#perform(`opens ${name}`, () => {
      return new SimDiskFile(name, this.#existing(name), this.#directory, this.#life);
    });
  }

  list(): Promise<string[]> {
    return this.#perform('lists', () => this.#directory.names());
  }

  rename(from: string, to: string): Promise<void> {
    return this.#perform(`renames ${from} to ${to}`, () => {
      assertPlainName(to);
      this.#directory.change({ kind: 'rename', from, to, file: this.#existing(from) });
    });
  }

  remove(name: string): Promise<void> {
    return this.#perform(`removes ${name}`, () => {
      this.#existing(name);
      this.#directory.change({ kind: 'remove', name });
    });
  }

  syncDirectory(): Promise<void> {
    const changes = this.#directory.changes();
    const delayMs = this.#directory.drawMs(this.#directory.pace.syncMs);
    return this.#life.perform(delayMs, 'synced its directory', () => {
      this.#directory.harden(changes);
    });
  }

  space(): Promise<DiskSpace> {
    return this.#perform('asks for its space', () => {
      const { capacityBytes: totalBytes } = this.#directory;
      return { freeBytes: this.#directory.freeBytes(), totalBytes };
    });
  }

  lock(): Promise<DiskLock> {
    return this.#perform('locks its directory', () => {
      if (this.#directory.lockedBy !== undefined) {
        const fix = 'Stop the other node, or give this one a data directory of its own (--data).';
        throw new KvorumError('DIRECTORY_LOCKED', `${this.#life.node} is in use`, fix);
      }
      this.#directory.lockedBy = this.#life;
      return { release: () => this.#perform('unlocks its directory', () => this.#unlock()) };
    });
  }

  #unlock(): void {
    if (this.#directory.lockedBy === this.#life) this.#directory.lockedBy = undefined;
  }

  #existing(name: string): SimFile {
    const file = this.#directory.find(name);
    if (file === undefined) throw failure(name, 'ENOENT');
    return file;
  }

  #perform<T>(label: string, act: () => T): Promise<T> {
    const delayMs = this.#directory.drawMs(this.#directory.pace.appendMs);
    return this.#life.perform(delayMs, label, act);
  }
}

class SimDiskFile implements DiskFile {
  readonly name: string;
  readonly #file: SimFile;
  readonly #directory: SimDirectory;
  readonly #life: SimLife;
  #isClosed = false;
  /** Changes end in the order in which they began: the next one not before this time. */
  #lastChangeEndsMs = 0;

  constructor(name: string, file: SimFile, directory: SimDirectory, life: SimLife) {
    this.name = name;
    this.#file = file;
    this.#directory = directory;
    this.#life = life;
  }

  size(): number {
    return this.#file.length;
  }

  append(bytes: Buffer): Promise<void> {
    if (!this.#life.isAlive) return this.#never();
    const append = this.#file.beginAppend(bytes);
    return this.#inTurn(`appended ${bytes.length} to ${this.name}`, () => {
      if (bytes.length <= this.#directory.freeBytes()) return this.#file.finishAppend(append);
      this.#file.finishAppend(append, this.#directory.drawShortWrite());
      throw failure(this.name, 'ENOSPC');
    });
  }

  truncate(length: number): Promise<void> {
    if (!this.#life.isAlive) return this.#never();
    const cut = this.#file.beginTruncation(length);
    return this.#inTurn(`cut ${this.name} to ${length}`, () => this.#file.finishTruncation(cut));
  }

  writeThrough(bytes: Buffer, offset: number): Promise<void> {
    if (!this.#life.isAlive) return this.#never();
    const write = this.#file.beginWrite(offset, bytes);
    const delayMs = this.#directory.drawMs(this.#directory.pace.syncMs);
    return this.#perform(delayMs, `wrote ${bytes.length} through to ${this.name}`, () => {
      const growth = Math.max(0, offset + bytes.length - this.#file.length);
      if (growth > this.#directory.freeBytes()) {
        const short = this.#directory.drawShortWrite();
        this.#file.finishWrite(write, bytes.length - growth + short);
        throw failure(this.name, 'ENOSPC');
      }
      if (!this.#directory.takeSyncFault(this.name)) return this.#file.finishWrite(write);
      this.#file.failWrite(write);
      throw failure(this.name, 'EIO');
    });
  }

  read(offset: number, length: number): Promise<Buffer> {
    const delayMs = this.#directory.drawMs(this.#directory.pace.readMs);
    return this.#perform(delayMs, `read ${length} of ${this.name} at ${offset}`, () => {
      if (this.#directory.takeReadFault(this.name)) throw failure(this.name, 'EIO');
      return this.#file.read(offset, length);
    });
  }

  readNow(into: Buffer, offset: number): number | undefined {
    if (!this.#life.isAlive || !this.#directory.drawIsInMemory()) return undefined;
    if (this.#isClosed) throw failure(this.name, 'EBADF');
    if (this.#directory.takeReadFault(this.name)) throw failure(this.name, 'EIO');
    return this.#file.read(offset, into.length).copy(into);
  }

  sync(): Promise<void> {
    const covered = this.#file.done();
    const delayMs = this.#directory.drawMs(this.#directory.pace.syncMs);
    return this.#perform(delayMs, `synced ${this.name}`, () => {
      if (!this.#directory.takeSyncFault(this.name)) return this.#file.harden(covered);
      this.#file.giveUp(covered);
      throw failure(this.name, 'EIO');
    });
  }

  close(): Promise<void> {
    return this.#perform(0, `closed ${this.name}`, () => {
      this.#isClosed = true;
    });
  }

  #inTurn(label: string, act: () => void): Promise<void> {
    const nowMs = this.#life.nowMs;
    const ownEndMs = nowMs + this.#directory.drawMs(this.#directory.pace.appendMs);
    this.#lastChangeEndsMs = Math.max(ownEndMs, this.#lastChangeEndsMs + IN_LINE_MS);
    return this.#perform(this.#lastChangeEndsMs - nowMs, label, act);
  }

  #perform<T>(delayMs: number, label: string, act: () => T): Promise<T> {
    return this.#life.perform(delayMs, label, () => {
      if (this.#isClosed) throw failure(this.name, 'EBADF');
      return act();
    });
  }

  #never(): Promise<void> {
    return new Promise(() => undefined);
  }
}

function assertPlainName(name: string): void {
  assert(/^[\w-][\w.-]*$/.test(name), `a file name is plain: "${name}"`);
}

function failure(name: string, errno: string): KvorumError {
  return diskError(name, Object.assign(new Error('simulated'), { code: errno }));
}
