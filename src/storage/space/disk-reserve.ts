// How much of the disk a node leaves free, and when it stops and resumes to take writes for that.
//
// The reserve is for what must still be written when no client may: the memtables that wait for
// a flush (192 MiB by default), the log ahead (64 MiB), and one compaction, which needs room for
// its outputs before it may drop its inputs (some 500 MiB as a rule, 2 GiB at most). It does not
// grow with the disk beyond that; on a small disk it is a share, so that most of it can be used.
//
//   free ──────────────────────────────────────────────►
//        │ no writes │ as before │ writes
//                reserve    reserve + 1/4
//
// The gap keeps a node from changing its mind with every flush.
//
// Pure: no clock, no disk, no network; dice are an argument.

export type DiskReserve =
  | { readonly kind: 'bytes'; readonly bytes: number }
  /** Of the whole disk, from 0 to 1. */
  | { readonly kind: 'share'; readonly share: number };

const SHARE = 0.05;
const BYTES_MAX = 2 * 1024 ** 3;
const RETURN_FACTOR = 1.25;

/** `reserve` undefined: 5 % of the disk, 2 GiB at most. */
export function reservedBytes(totalBytes: number, reserve: DiskReserve | undefined): number {
  if (reserve === undefined) return Math.min(BYTES_MAX, totalBytes * SHARE);
  return reserve.kind === 'bytes' ? reserve.bytes : totalBytes * reserve.share;
}

/** Free space from which a node that stopped takes writes again. */
export function resumesAtBytes(reserved: number): number {
  return reserved * RETURN_FACTOR;
}

/** Whether writes are refused from now on; `wasLow`: whether they are now. */
export function isSpaceLow(freeBytes: number, reserved: number, wasLow: boolean): boolean {
  return freeBytes < (wasLow ? resumesAtBytes(reserved) : reserved);
}
