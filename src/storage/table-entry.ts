// One entry of a table, and its key as tables sort it: keyspace u8 · slot u16 · key, so that
// comparing bytes compares (keyspace, slot, key).
//
// Pure: no clock, no disk, no network; dice are an argument.

import type { KeyspaceNumber, Slot } from '../base/ids.ts';
import type { EngineKey } from './engine.ts';

/** Bytes before the user's key. */
export const TABLE_KEY_PREFIX_BYTES = 3;

export type TableKey = Buffer;

export interface TableEntry {
  readonly key: TableKey;
  /** Of the write that put it there; a table holds the newest entry of each key only. */
  readonly sequence: number;
  readonly value: Buffer;
}

export function tableKeyOf({ keyspace, slot, key }: EngineKey): TableKey {
  const bytes = Buffer.allocUnsafe(TABLE_KEY_PREFIX_BYTES + key.length);
  bytes[0] = keyspace;
  bytes.writeUInt16BE(slot, 1);
  bytes.set(key, TABLE_KEY_PREFIX_BYTES);
  return bytes;
}

/** `key` is a view of the table key. */
export function engineKeyOf(bytes: TableKey): EngineKey {
  return {
    keyspace: bytes[0] as KeyspaceNumber,
    slot: bytes.readUInt16BE(1) as Slot,
    key: bytes.subarray(TABLE_KEY_PREFIX_BYTES),
  };
}
