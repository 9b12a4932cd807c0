// The world behind one page. Everything that Kvorum asks of the machine it runs on — time, disk,
// network, dice, a log, a second core — goes through these interfaces (LevelDB's Env is the
// model). The real ones stand beside this file; the simulator has its own, and so runs the very
// same nodes on virtual time from one seed. Code outside host/ and the servers uses nothing else:
// no Date, no Math.random, no timers, no node:fs, no node:net. The tidy test checks it.

import type { Address } from '../base/ids.ts';

export interface Host {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly network: Network;
  readonly random: Random;
  readonly log: Log;
  readonly jobs: Jobs;
  /** Code of users, on a thread of its own, without a disk: it may loop or run out of memory. */
  readonly guests: Jobs;
}

export interface Clock {
  /** Milliseconds since some start, with fractions; never goes back. For durations. */
  monotonicMs(): number;
  /** Whole milliseconds since 1970, as the machine believes; may jump. For expiry and versions. */
  wallMs(): number;
  /** Calls `run` once, at least `ms` milliseconds from now and never within this call. */
  after(ms: number, run: () => void): Timer;
  /**
   * Calls `run` once at the end of this turn of the event loop, when everything was heard that had
   * arrived with it: for what is cheaper together. Never within this call.
   */
  atTurnEnd(run: () => void): void;
}

export interface Timer {
  /** Idempotent; after it `run` is not called. */
  cancel(): void;
}

/**
 * One flat data directory. Names are plain (no `/`). A file's bytes are durable after its
 * `sync()`; its existence, a rename and a removal are durable after `syncDirectory()`.
 * Every method may reject with DISK_FULL or IO_ERROR.
 */
export interface Disk {
  /** Creates an empty file; rejects with IO_ERROR when the name exists. */
  create(name: string): Promise<DiskFile>;
  /** Opens an existing file for reading and appending; rejects with IO_ERROR when missing. */
  open(name: string): Promise<DiskFile>;
  /** Names of all files, sorted. */
  list(): Promise<string[]>;
  /** Replaces `to` when it exists. */
  rename(from: string, to: string): Promise<void>;
  remove(name: string): Promise<void>;
  syncDirectory(): Promise<void>;
  /** How much of the disk under the directory is left. */
  space(): Promise<DiskSpace>;
  /** Keeps every other process out until `release()` or the death of this one; DIRECTORY_LOCKED. */
  lock(): Promise<DiskLock>;
}

export interface DiskSpace {
  /** What this process may still fill. */
  readonly freeBytes: number;
  /** Of the whole disk, whoever uses it. */
  readonly totalBytes: number;
}

export interface DiskLock {
  release(): Promise<void>;
}

export interface DiskFile {
  readonly name: string;
  /** Bytes in the file, appended but unsynced ones included. */
  size(): number;
  /** Adds at the end. The buffer must not change until the promise settles. */
  append(bytes: Buffer): Promise<void>;
  /** Exactly `length` bytes from `offset`, in memory of their own; fewer where the file ends. */
  read(offset: number, length: number): Promise<Buffer>;
  /**
   * Fills `into` from `offset` without a wait, where that is likely to take no longer than a look
   * into memory: how many bytes it read, fewer than asked only where the file ends; undefined says
   * that it is not likely: use read(). Throws as read() rejects.
   */
  readNow(into: Buffer, offset: number): number | undefined;
  /**
   * Everything appended is on the platter (fdatasync). A rejection means that it may never get
   * there, and that a later successful sync proves nothing: do not retry.
   */
  sync(): Promise<void>;
  /**
   * Puts bytes at `offset`, over what stands there or at the end, and resolves when they are on the
   * platter: append() and sync() in one, for these bytes alone; cheapest where the file has bytes
   * already. Only when all that was appended is synced. After DISK_FULL some of them may be there,
   * and writing all of them again is right; after IO_ERROR see sync(). The buffer must not change
   * until the promise settles.
   */
  writeThrough(bytes: Buffer, offset: number): Promise<void>;
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Frames between nodes: in no promised order, perhaps twice, with no promise of arrival. (TCP gives
 * more on a good day; across a reconnect it does not.) Frames are whole and unaltered or absent.
 */
export interface Network {
  /** Binds `address`; rejects with PORT_IN_USE. `receiver` hears what arrives. */
  open(address: Address, receiver: Receiver): Promise<Endpoint>;
}

export interface Receiver {
  /** `frame` is a view that is valid only during the call: copy what must be kept. */
  onFrame(frame: Buffer): void;
  /** The way to `peer` broke or could not be built: frames sent there may not have arrived. */
  onLost(peer: Address): void;
}

export interface Endpoint {
  /** Where it really listens (port 0 was replaced by the one that was given). */
  readonly address: Address;
  /** Copies `frame` before it returns. Each costs a system call: say much in one. */
  send(to: Address, frame: Uint8Array, lane?: Lane): void;
  close(): Promise<void>;
}

/** Frames of one lane never wait for those of another; `data` where nothing is said. */
export type Lane = 'data' | 'gossip';

/** Longest frame that an endpoint sends or accepts, in bytes. Larger is a bug of the sender. */
export const FRAME_BYTES_MAX = 16 * 1024 * 1024;

export interface Random {
  /** 0 <= x < 2^32, uniform. */
  u32(): number;
  bytes(count: number): Buffer;
}

export interface Log {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * Long work beside the requests, on a core of its own where there is one. A job works on the data
 * directory of the node and on nothing else of it: orders and answers are plain data, copied on
 * the way (structuredClone; a Buffer arrives as a Uint8Array). Only a SharedArrayBuffer is the
 * same memory on both sides: neither changes it before the job is done.
 */
export interface Jobs {
  /** Runs the body of that name, after the jobs of that name before, beside those of others. */
  start(name: string, order: unknown): Job;
  /** Waits for nothing: what is under way rejects with CLOSED and may leave files behind. */
  close(): Promise<void>;
}

export interface Job {
  /** What the body returned; rejects as the body did, or with JOB_FAILED when its thread died. */
  readonly done: Promise<unknown>;
  /** How many bytes a second it may get through from now on: Infinity at first; 0 is a pause. */
  setPace(bytesPerSecond: number): void;
  /** Asks the body to tidy up and return; `done` then settles as it decides. Idempotent. */
  cancel(): void;
  /**
   * Ends the thread on which it runs, whatever the body does: all jobs there reject with
   * JOB_FAILED, and the next job gets a new thread. A job that has not begun is only taken out of
   * the queue; nothing happens to one that is over.
   */
  abort(): void;
}

/** What a job is made of: a module exports it as `runJob`. */
export type JobBody = (disk: Disk, order: unknown, pace: JobPace) => Promise<unknown>;

export interface JobPace {
  /** To be awaited after every few hundred KiB: resolves when the pace allows the next ones. */
  spend(bytes: number): Promise<void>;
  /** Look at it after each spend(), which returns at once when the job is cancelled. */
  readonly isCancelled: boolean;
}
