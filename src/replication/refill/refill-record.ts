// What the engine keeps of refilling: for each keyspace the slots whose copies count, beside the
// floors, and so lost with the copies when the disk is lost, and restored with them.
//
//   keyspace 255, slot 0;  key: 03 | u8 keyspace   value: 16,384 bits, that of slot s is bit s % 8
//                                                  of byte s / 8
//
// Pure: no clock, no disk, no network; dice are an argument.

import { badBytes } from '../../base/bytes.ts';
import { type KeyspaceNumber, SLOT_COUNT, type Slot } from '../../base/ids.ts';
import type { EngineKey, Put } from '../../storage/engine.ts';
import { REAPING_KEYSPACE, REFILLED } from '../reaping/floor-record.ts';

const BYTES = SLOT_COUNT / 8;

export function refilledKey(keyspace: KeyspaceNumber): EngineKey {
  const key = Buffer.from([REFILLED, keyspace]);
  return { keyspace: REAPING_KEYSPACE, slot: 0 as Slot, key };
}

export function refilledPut(
  keyspace: KeyspaceNumber,
  isRefilled: (slot: Slot) => boolean,
  isFirst: boolean,
): Put {
  const value = Buffer.alloc(BYTES);
  for (let slot = 0 as Slot; slot < SLOT_COUNT; slot++) {
    if (isRefilled(slot)) value[slot >> 3] = (value[slot >> 3] as number) | (1 << (slot & 7));
  }
  return { ...refilledKey(keyspace), kind: 'put', value, growth: isFirst ? 1 : 0 };
}

/** Throws BAD_BYTES. */
export function readRefilled(value: Buffer): (slot: Slot) => boolean {
  if (value.length !== BYTES) throw badBytes(`${value.length} bytes are no set of slots`);
  return (slot) => (((value[slot >> 3] as number) >> (slot & 7)) & 1) === 1;
}
