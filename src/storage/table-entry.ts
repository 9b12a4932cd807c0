// One entry of a table, and its key as tables sort it: keyspace u8 · slot u16 · key, so that
// comparing bytes compares (keyspace, slot, key).
//
// Pure: no clock, no disk, no network; dice are an argument.

import type { KeyspaceNumber, Slot } from '../base/ids.ts';
import type { EngineKey, Stored } from './engine.ts';

/** Bytes before the user's key. */
export const TABLE_KEY_PREFIX_BYTES = 3;

export type TableKey = Buffer;

/** What an entry says of its key; the numbers stand in the log and in tables. */
export type EntryKind = typeof VALUE | typeof REMOVAL | typeof ELSEWHERE;
export const VALUE = 0;
/** The key is gone, whatever older entries say. */
export const REMOVAL = 1;
/** The value is large and stands in a value file, only in tables: values/value-pointer.ts. */
export const ELSEWHERE = 2;

/** The newest that a memtable or a table knows of a key. */
export interface KeyState extends Stored {
  readonly kind: EntryKind;
  /** Below 2^51, for it shares a varint with the kind: 71 years of a million writes a second. */
  readonly sequence: number;
  /** Empty when the key was removed; a pointer when the value stands elsewhere. */
  readonly value: Buffer;
}

export interface TableEntry extends KeyState {
  readonly key: TableKey;
}

/**
 * What a reader is told of a state whose value does not stand elsewhere; `after`: the sequence of
 * the last drop of the key's slot.
 */
export function storedOf(state: KeyState | undefined, after: number): Stored | undefined {
  if (state === undefined || state.kind === REMOVAL || state.sequence <= after) return undefined;
  return state;
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
