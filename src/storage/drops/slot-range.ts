// The bytes of a range of slots, as the log and the manifest name what was dropped:
//
//   keyspace u8 · first slot u16 · last slot u16
//
// Pure: no clock, no disk, no network; dice are an argument.

import { type ByteReader, type ByteWriter, badBytes } from '../../base/bytes.ts';
import { type KeyspaceNumber, SLOT_COUNT, type Slot } from '../../base/ids.ts';
import type { SlotRange } from '../engine.ts';

export function writeSlotRange(
  writer: ByteWriter,
  { keyspace, fromSlot, toSlot }: SlotRange,
): void {
  writer.u8(keyspace);
  writer.u16(fromSlot);
  writer.u16(toSlot);
}

/** Throws BAD_BYTES unless the slots are some, and there are such slots. */
export function readSlotRange(reader: ByteReader): SlotRange {
  const keyspace = reader.u8() as KeyspaceNumber;
  const fromSlot = reader.u16() as Slot;
  const toSlot = reader.u16() as Slot;
  if (fromSlot > toSlot || toSlot >= SLOT_COUNT) throw badBytes(`slots ${fromSlot} to ${toSlot}`);
  return { keyspace, fromSlot, toSlot };
}
