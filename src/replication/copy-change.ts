// What a copy becomes, as the change that the engine takes: the bytes, and what it does to the
// number of live keys and to the digest of the slot.
//
// Pure: no clock, no disk, no network; dice are an argument.

import type { StoredObject } from '../causality/siblings.ts';
import type { Growth, Put, Removal } from '../storage/engine.ts';
import { digestChange, digestOf } from './anti-entropy/key-digest.ts';
import type { KeyAt } from './messages.ts';

/** What becomes of a copy in one turn. */
export interface Step {
  /** What stood there, empty where nothing did, whatever the floor of the slot. */
  readonly before: StoredObject;
  readonly after: StoredObject;
  /** `after` as bytes. */
  readonly encoded: Buffer;
}

export function putOf(digestSeed: number, at: KeyAt, { before, after, encoded }: Step): Put {
  const { keyspace, slot, key } = at;
  const growth = (liveCount(after) - liveCount(before)) as Growth;
  const digest = digestChange(digestSeed, at, before.context, after.context);
  return { kind: 'put', keyspace, slot, key, value: encoded, growth, digest };
}

export function removalOf(digestSeed: number, at: KeyAt, object: StoredObject): Removal {
  const { keyspace, slot, key } = at;
  const growth = -liveCount(object) as Growth;
  const digest = digestOf(digestSeed, at, object.context);
  return { kind: 'removal', keyspace, slot, key, growth, digest };
}

/** 1 when a sibling is no tombstone: expired keys count until they are written again. */
function liveCount(object: StoredObject): 0 | 1 {
  for (const sibling of object.siblings) if (!sibling.isTombstone) return 1;
  return 0;
}
