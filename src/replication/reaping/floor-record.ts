// What the engine keeps of reaping, for each slot of a keyspace that has it:
//
//   keyspace 255, slot;  key: 00 | u8 keyspace   value: vector         the floor
//                        key: 01 | u8 keyspace   value: varint sinceMs  something dead stands here
//   keyspace 255, slot 0; key: 02 | u8 keyspace   value: vector         the floor of all slots
//
// The mark is written in one batch with the first delete, or value that will expire, since nothing
// dead stood in the slot: so a start knows where to look without reading any key.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { ByteReader, ByteWriter, badBytes } from '../../base/bytes.ts';
import type { KeyspaceNumber, Slot } from '../../base/ids.ts';
import { readVector, type VersionVector, writeVector } from '../../causality/version-vector.ts';
import type { EngineKey, Entry, Put, Removal } from '../../storage/engine.ts';
import type { SlotAt } from '../messages.ts';

/** No configuration may give this number away. */
export const REAPING_KEYSPACE = 255 as KeyspaceNumber;

const FLOOR = 0;
const MARK = 1;
const KEYSPACE_FLOOR = 2;
/** No concern of reaping: refill/refill-record.ts. */
export const REFILLED = 3;

export type ReapingRecord =
  | (SlotAt & { readonly kind: 'floor'; readonly floor: VersionVector })
  | (SlotAt & { readonly kind: 'mark'; readonly sinceMs: number })
  | (SlotAt & { readonly kind: 'keyspace-floor'; readonly floor: VersionVector });

export function floorPut(at: SlotAt, floor: VersionVector, isFirst: boolean): Put {
  return vectorPut(keyOf(FLOOR, at), floor, isFirst);
}

/** `floor` says of all members what their slots say of their primaries. */
export function keyspaceFloorPut(
  keyspace: KeyspaceNumber,
  floor: VersionVector,
  isFirst: boolean,
): Put {
  return vectorPut(keyOf(KEYSPACE_FLOOR, { keyspace, slot: 0 as Slot }), floor, isFirst);
}

function vectorPut(key: EngineKey, floor: VersionVector, isFirst: boolean): Put {
  const w = new ByteWriter(64);
  writeVector(w, floor);
  return { ...key, kind: 'put', value: w.view(), growth: isFirst ? 1 : 0 };
}

export function floorRemoval(at: SlotAt): Removal {
  return { ...keyOf(FLOOR, at), kind: 'removal', growth: -1 };
}

/** `sinceMs`: wall clock of this node, in milliseconds since 1970. */
export function markPut(at: SlotAt, sinceMs: number): Put {
  const w = new ByteWriter(8);
  w.varint(sinceMs);
  return { ...keyOf(MARK, at), kind: 'put', value: w.view(), growth: 1 };
}

export function markRemoval(at: SlotAt): Removal {
  return { ...keyOf(MARK, at), kind: 'removal', growth: -1 };
}

/** Undefined: it is of something else. Throws BAD_BYTES. */
export function readReapingRecord({ slot, key, value }: Entry): ReapingRecord | undefined {
  const r = new ByteReader(key);
  const kind = r.u8();
  const keyspace = r.u8() as KeyspaceNumber;
  r.end();
  if (kind === REFILLED) return undefined;
  const v = new ByteReader(value);
  if (kind === FLOOR) return { kind: 'floor', keyspace, slot, floor: readVector(v) };
  if (kind === KEYSPACE_FLOOR) {
    return { kind: 'keyspace-floor', keyspace, slot, floor: readVector(v) };
  }
  if (kind === MARK) return { kind: 'mark', keyspace, slot, sinceMs: v.varint() };
  throw badBytes(`there is no reaping record of kind ${kind}`);
}

function keyOf(kind: number, { keyspace, slot }: SlotAt): EngineKey {
  return { keyspace: REAPING_KEYSPACE, slot, key: Buffer.from([kind, keyspace]) };
}
