// The cursor of SCAN: a place in the order of all keys, as the one decimal number below 2^64 that
// clients hand back. Nothing is kept on the server, so a cursor is good on every node, for ever.
//
//   cursor = slot × 2^32 + hash + 1        0 starts a scan and ends it; the largest is below 2^46
//
// Pure: no clock, no disk, no network; dice are an argument.

import { SLOT_COUNT, type Slot } from '../../../base/ids.ts';
import type { KeyPosition } from '../../../node/store.ts';

const HASHES = 2 ** 32;
const START: KeyPosition = { slot: 0 as Slot, hash: 0 };

export function cursorOf(position: KeyPosition | undefined): string {
  return position === undefined ? '0' : String(position.slot * HASHES + position.hash + 1);
}

/** Where the scan goes on; undefined: no cursor that we gave. */
export function positionOf(cursor: Buffer): KeyPosition | undefined {
  const text = cursor.toString('latin1');
  if (!/^\d{1,20}$/.test(text)) return undefined;
  const number = Number(text);
  if (number === 0) return START;
  if (number > SLOT_COUNT * HASHES) return undefined;
  const slot = Math.floor((number - 1) / HASHES) as Slot;
  return { slot, hash: (number - 1) % HASHES };
}
