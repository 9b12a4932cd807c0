// What can be read on a disk that is damaged. Of what this node noted for itself: notes are small
// and can be done without, so that damage among them keeps no node from starting, and no hint from
// its target. And of a slot that is about to be dropped, which others shall have before.

import { ByteReader } from '../../base/bytes.ts';
import { hasCode } from '../../base/errors.ts';
import { ALL_SLOTS, type KeyspaceNumber } from '../../base/ids.ts';
import { readVersion } from '../../causality/object-format.ts';
import { EMPTY_OBJECT, isBehind } from '../../causality/siblings.ts';
import type { Engine, Entry, ScanLimits, ScanPage, ScanRange } from '../../storage/engine.ts';
import type { SlotAt } from '../messages.ts';
import { type Asking, answerOf } from '../peers.ts';
import { type SlotCopy, versionIn } from './slot-copy.ts';

interface BringParts {
  readonly engine: Engine;
  readonly peers: Asking;
  readonly requestMs: number;
}

const PAGE = { entriesMax: 1_000, bytesMax: 1024 * 1024 };

/** Every entry but for those of slots of which something cannot be read. */
export function readableEntries(
  engine: Engine,
  keyspace: KeyspaceNumber,
): AsyncGenerator<Entry, void> {
  return entriesIn(engine, { keyspace, ...ALL_SLOTS });
}

/** From where a page cannot be read each slot is tried that has anything. */
async function* entriesIn(engine: Engine, range: ScanRange): AsyncGenerator<Entry, void> {
  let left: ScanRange | undefined = range;
  while (left !== undefined) {
    const page: ScanPage | undefined = await pageOf(engine, left);
    if (page === undefined) {
      yield* entriesBySlot(engine, left);
      return;
    }
    yield* page.entries;
    left = page.next;
  }
}

async function* entriesBySlot(engine: Engine, range: ScanRange): AsyncGenerator<Entry, void> {
  const { keyspace, fromSlot, toSlot } = range;
  if (fromSlot === toSlot) return;
  for (let slot = fromSlot; slot <= toSlot; slot++) {
    if (engine.countOf(keyspace, slot) <= 0) continue;
    const part = slot === fromSlot ? range : { keyspace, fromSlot: slot };
    yield* entriesIn(engine, { ...part, toSlot: slot });
  }
}

/** Undefined: some of it cannot be read. */
async function pageOf(
  engine: Engine,
  range: ScanRange,
  limits: ScanLimits = PAGE,
): Promise<ScanPage | undefined> {
  try {
    return await engine.scan(range, limits);
  } catch (error) {
    // Damage that is met where none was known will be known when we come again.
    if (!hasCode(error, 'CORRUPTION') || limits.isSoundOnly) throw error;
    return undefined;
  }
}

/**
 * Sends to the owners of `copies` what can be read of the slot here and none of them has; resolves
 * with whether all of them have taken it.
 */
export async function bringReadable(
  { engine, peers, requestMs }: BringParts,
  at: SlotAt,
  copies: readonly SlotCopy[],
): Promise<boolean> {
  for await (const { key, value } of readableIn(engine, at)) {
    const version = readVersion(new ByteReader(value));
    const isThere = copies.some((copy) => {
      return !isBehind(versionIn(copy, key) ?? EMPTY_OBJECT, version);
    });
    if (isThere) continue;
    const request = { ...at, kind: 'store-copy', key, object: value } as const;
    for (const { member } of copies) {
      const answer = await answerOf(peers, member, request, requestMs);
      if (answer.kind !== 'stored') return false;
    }
  }
  return true;
}

/** What comes before the first damaged place, and all that stands in sound files. */
async function* readableIn(
  engine: Engine,
  { keyspace, slot }: SlotAt,
): AsyncGenerator<Entry, void> {
  let left: ScanRange | undefined = { keyspace, fromSlot: slot, toSlot: slot };
  let limits: ScanLimits = PAGE;
  while (left !== undefined) {
    const page: ScanPage | undefined = await pageOf(engine, left, limits);
    if (page === undefined) limits = { ...PAGE, isSoundOnly: true };
    else {
      yield* page.entries;
      left = page.next;
    }
  }
}
