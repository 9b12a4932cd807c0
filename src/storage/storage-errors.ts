// The operating failures of this folder, one named constructor each (LevelDB's
// Status::Corruption(…)): every message says what and where, every fix says what to do.

import { hasCode, KvorumError, messageOf } from '../base/errors.ts';
import { sizeText } from '../base/size-text.ts';
import type { DiskSpace } from '../host/host.ts';
import { resumesAtBytes } from './space/disk-reserve.ts';

/** Bytes that were once durable are not what was written. They are never cut. */
export function corruption(file: string, what: string, cause?: unknown): KvorumError {
  const fix =
    'Nothing was changed. Other nodes hold copies: docs/errors.md says how to bring them back ' +
    'here; without copies, restore a backup.';
  return new KvorumError('CORRUPTION', `${file}: ${what}`, fix, cause);
}

/** The file in which it was found. */
export function fileOf({ message }: KvorumError): string {
  return message.slice(0, message.indexOf(':'));
}

export function corruptionAt(file: string, offset: number, what: string, cause?: unknown) {
  return corruption(file, `at offset ${offset}: ${what}`, cause);
}

/** Runs `decode`; bytes that it cannot read (BAD_BYTES) are CORRUPTION of that place. */
export function decodingAt<T>(file: string, offset: number, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (!hasCode(error, 'BAD_BYTES')) throw error;
    throw corruptionAt(file, offset, messageOf(error), error);
  }
}

/** Throws NEWER_FORMAT or OLDER_FORMAT unless `found` is the format that this version reads. */
export function checkFormat(file: string, found: number, known: number): void {
  if (found === known) return;
  const message = `${file} has format ${found}; this version of Kvorum reads format ${known}`;
  if (found > known) {
    throw new KvorumError('NEWER_FORMAT', message, 'Start the version of Kvorum that wrote it.');
  }
  const fix =
    'Nothing was changed. Start the version of Kvorum that wrote it, or this one with an empty ' +
    'data directory: other nodes hold copies.';
  throw new KvorumError('OLDER_FORMAT', message, fix);
}

export function foreignDirectory(what: string, found: string, asked: string): KvorumError {
  const message = `the data directory belongs to ${what} ${found}, not to ${asked}`;
  const fix = 'Name the right data directory, or an empty one for a new node.';
  return new KvorumError('FOREIGN_DIRECTORY', message, fix);
}

export function logPoisoned(cause: unknown): KvorumError {
  const message =
    'the commit log could not be written or synced: the disk may have lost what it accepted, ' +
    'so this node takes no more writes';
  const fix = 'Check the disk, then restart the node; it reads what really is on the disk.';
  return new KvorumError('LOG_POISONED', message, fix, cause);
}

export function diskFull(cause?: unknown): KvorumError {
  const message = 'the disk of this node is full: it answers reads and takes no writes';
  const fix = 'Free space; the node notices within a second and takes writes again.';
  return new KvorumError('DISK_FULL', message, fix, cause);
}

/** The disk has room left, but only what is kept for flushes and compaction. */
export function diskLow({ freeBytes, totalBytes }: DiskSpace, reserved: number): KvorumError {
  const left = `${sizeText(freeBytes)} of ${sizeText(totalBytes)} are free on this node's disk`;
  const kept = `the last ${sizeText(reserved)} are kept for flushes and compaction`;
  const message = `${left}, and ${kept}: it answers reads and takes no writes`;
  const resumesAt = sizeText(resumesAtBytes(reserved));
  const fix = `Free space or enlarge the disk: it takes writes again when ${resumesAt} are free.`;
  return new KvorumError('DISK_FULL', message, fix);
}

/** `sealedMax`: memtables that may wait for the disk. */
export function overloaded(sealedMax: number): KvorumError {
  const message = `this node takes no write now: ${sealedMax} full memtables wait for its disk`;
  const fix = 'Nothing was written. Try again in a moment, and write slower if it lasts.';
  return new KvorumError('OVERLOADED', message, fix);
}

export function engineClosed(): KvorumError {
  return new KvorumError('CLOSED', 'the storage engine is closed', 'Open it again.');
}
