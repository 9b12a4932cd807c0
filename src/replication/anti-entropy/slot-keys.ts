// What this node has of a part of a slot, for a comparison of keys.

import type { OwnParts } from '../listing/own-keys.ts';
import { listOwnKeys } from '../listing/own-keys.ts';
import type { HashRange, SlotAt } from '../messages.ts';
import { digestOf } from './key-digest.ts';
import type { DigestedKey } from './key-prints.ts';

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
const KEYS_MAX = 4_096;

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
