// What this node has of a part of a slot, for a comparison of keys, and what it answers to one.

import { listOwnKeys, type OwnParts } from '../listing/own-keys.ts';
import type { AnsweredPart, HashRange, KeysReply, KeysRequest, SlotAt } from '../messages.ts';
import { digestOf } from './key-digest.ts';
import { answerToPrints, type DigestedKey } from './key-prints.ts';

export interface SlotKeysParts extends OwnParts {
  readonly digestSeed: number;
}

export interface SlotKeys {
  /** In the order of listings. */
  readonly keys: readonly DigestedKey[];
  /** They are all that there are up to this hash, inclusive. */
  readonly toHash: number;
}

/** In one message: prints of 12 KiB, or some hundred KiB of keys and versions. */
export const KEYS_MAX = 4_096;
/** An answer that has so many goes no further: the longest part may follow. */
const KEY_BYTES_MAX = 1024 * 1024;

/** Rejects as Engine.scan does. */
export async function slotKeys(
  parts: SlotKeysParts,
  { keyspace, slot }: SlotAt,
  { fromHash, toHash }: HashRange,
): Promise<SlotKeys> {
  const from = { slot, hash: fromHash };
  const asked = { keyspace, from, toSlot: slot, count: KEYS_MAX };
  const { entries, next } = await listOwnKeys(parts, { kind: 'list-slots', ...asked });
  const end = next === undefined ? toHash : Math.min(toHash, next.hash - 1);
  const keys: DigestedKey[] = [];
  for (const { hash, key, version } of entries) {
    if (hash > end) break;
    const digest = digestOf(parts.digestSeed, { keyspace, slot, key }, version.context);
    keys.push({ hash, key, version, digest });
  }
  return { keys, toHash: end };
}

/** Of the first part at least. Rejects as Engine.scan does for that one. */
export async function answerToKeys(
  parts: SlotKeysParts,
  { keyspace, salt, parts: asked }: KeysRequest,
): Promise<KeysReply> {
  const answered: AnsweredPart[] = [];
  let [count, bytes] = [0, 0];
  for (const { slot, prints, ...hashes } of asked) {
    if (count >= KEYS_MAX || bytes >= KEY_BYTES_MAX) break;
    const ours = await readable(slotKeys(parts, { keyspace, slot }, hashes), answered.length > 0);
    if (ours === undefined) break;
    const answer = answerToPrints(prints, salt, ours.keys);
    answered.push({ toHash: ours.toHash, ...answer });
    count += answer.keys.length;
    for (const { key } of answer.keys) bytes += key.length;
  }
  return { kind: 'keys', parts: answered };
}

/** Undefined: it cannot be read, which whoever asks for this part alone is told. */
async function readable(keys: Promise<SlotKeys>, mayFail: boolean): Promise<SlotKeys | undefined> {
  try {
    return await keys;
  } catch (error) {
    if (!mayFail) throw error;
    return undefined;
  }
}
