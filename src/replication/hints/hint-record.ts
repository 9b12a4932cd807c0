// A hint as the engine keeps it: "the node `target` lacks this key as it stands here". It names
// the key and holds no value, for the value is the copy that stands beside it, as it is when the
// hint is delivered.
//
//   keyspace 254, slot of the key;  key:   u32 target | u8 keyspace | the key itself
//                                   value: varint sinceMs
//
// Pure: no clock, no disk, no network; dice are an argument.

import { ByteReader, ByteWriter } from '../../base/bytes.ts';
import type { KeyspaceNumber } from '../../base/ids.ts';
import type { EngineKey, Entry, Put, Removal } from '../../storage/engine.ts';
import type { KeyAt } from '../messages.ts';

/** No configuration may give this number away. */
export const HINTS_KEYSPACE = 254 as KeyspaceNumber;

export interface Hint {
  /** Number of the node that lacks the key: dot.ts. */
  readonly target: number;
  readonly at: KeyAt;
  /** Wall clock of this node when it began to lack it, in milliseconds since 1970. */
  readonly sinceMs: number;
}

export function hintKeyOf(target: number, { keyspace, slot, key }: KeyAt): EngineKey {
  const w = new ByteWriter(key.length + 8);
  w.u32(target);
  w.u8(keyspace);
  w.raw(key);
  return { keyspace: HINTS_KEYSPACE, slot, key: w.view() };
}

export function hintPut(hint: Hint): Put {
  const w = new ByteWriter(8);
  w.varint(hint.sinceMs);
  return { ...hintKeyOf(hint.target, hint.at), kind: 'put', value: w.view(), growth: 1 };
}

export function hintRemoval({ target, at }: Hint): Removal {
  return { ...hintKeyOf(target, at), kind: 'removal', growth: -1 };
}

/** The key is a view of the entry's. Throws BAD_BYTES. */
export function readHint({ slot, key, value }: Entry): Hint {
  const r = new ByteReader(key);
  const target = r.u32();
  const keyspace = r.u8() as KeyspaceNumber;
  const at = { keyspace, slot, key: r.raw(r.left) };
  return { target, at, sinceMs: new ByteReader(value).varint() };
}

/** What a hint takes of the budget of its target: its own bytes, not those of the copy. */
export function hintBytes({ key }: KeyAt): number {
  return key.length + 16;
}
