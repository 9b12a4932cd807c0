// Reads one file of the directory whole, past any cache of ours, and checks every byte of it: the
// body of the job "scrub". A read that is wrong is done once more before anybody is alarmed, for a
// cable or a bit of memory may have failed where the disk did not. A sector that the disk says it
// cannot read (EIO) is damage; what else the system refuses says nothing about the file, and the
// job rejects with it.

import { hasCode, KvorumError, messageOf } from '../../base/errors.ts';
import type { Disk, JobPace } from '../../host/host.ts';
import { segmentName } from '../log/log-format.ts';
import { verifySegment } from '../log/segment-reader.ts';
import { BlockCache } from '../sstable/block-cache.ts';
import { openTable } from '../sstable/table-reader.ts';
import { engineClosed } from '../storage-errors.ts';
import { tableName } from '../table-info.ts';
import { openValueFile } from '../values/value-file.ts';
import { valuesName } from '../values/value-format.ts';

export type ScrubOrder =
  | { readonly kind: 'table' | 'values'; readonly number: number }
  /** A segment of the log, as far as it is durable. */
  | { readonly kind: 'log'; readonly number: number; readonly bytes: number };

export type ScrubVerdict =
  | { readonly kind: 'sound'; readonly bytesRead: number }
  | { readonly kind: 'bad'; readonly why: string; readonly bytesRead: number }
  | { readonly kind: 'missing' };

type OnRead = (bytes: number) => Promise<void>;

const NAMES = { table: tableName, values: valuesName, log: segmentName } as const;

export function scrubbedName({ kind, number }: ScrubOrder): string {
  return NAMES[kind](number);
}

/** Rejects with CLOSED when it is cancelled, and with IO_ERROR. */
export async function scrub(disk: Disk, order: ScrubOrder, pace: JobPace): Promise<ScrubVerdict> {
  if (!(await disk.list()).includes(scrubbedName(order))) return { kind: 'missing' };
  let bytesRead = 0;
  const onRead = async (bytes: number) => {
    bytesRead += bytes;
    await pace.spend(bytes);
    if (pace.isCancelled) throw engineClosed();
  };
  const first = await damageOf(() => verify(disk, order, onRead));
  const why = first === undefined ? undefined : await damageOf(() => verify(disk, order, onRead));
  return why === undefined ? { kind: 'sound', bytesRead } : { kind: 'bad', why, bytesRead };
}

async function verify(disk: Disk, order: ScrubOrder, onRead: OnRead): Promise<void> {
  const { kind, number } = order;
  if (kind === 'log') return verifySegment(disk, { number, bytes: order.bytes }, onRead);
  const file =
    kind === 'table'
      ? await openTable(disk, number, new BlockCache(0))
      : await openValueFile(disk, number);
  try {
    await file.verify(onRead);
  } finally {
    await file.close();
  }
}

/** What is wrong, if anything is. */
async function damageOf(act: () => Promise<void>): Promise<string | undefined> {
  try {
    await act();
    return undefined;
  } catch (error) {
    if (hasCode(error, 'CORRUPTION') || isUnreadable(error)) return messageOf(error);
    throw error;
  }
}

function isUnreadable(error: unknown): boolean {
  const cause = error instanceof KvorumError ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'EIO';
}

/** The body of the job "scrub". */
export async function runJob(disk: Disk, order: unknown, pace: JobPace): Promise<unknown> {
  return scrub(disk, order as ScrubOrder, pace);
}
