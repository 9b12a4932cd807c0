// What this node noted for itself, as far as it can be read: notes are small and can be done
// without, so that damage among them keeps no node from starting, and no hint from its target.

import { hasCode } from '../../base/errors.ts';
import { ALL_SLOTS, type KeyspaceNumber, type Slot } from '../../base/ids.ts';
import type { Engine, Entry, ScanPage, ScanRange } from '../../storage/engine.ts';

const PAGE = { entriesMax: 1_000, bytesMax: 1024 * 1024 };

/** Every entry but for those of slots of which something cannot be read. */
export function readableEntries(
  engine: Engine,
  keyspace: KeyspaceNumber,
): AsyncGenerator<Entry, void> {
  return entriesIn(engine, { keyspace, ...ALL_SLOTS });
}

/** Where a page cannot be read both halves of its slots are tried. */
async function* entriesIn(engine: Engine, range: ScanRange): AsyncGenerator<Entry, void> {
  let left: ScanRange | undefined = range;
  while (left !== undefined) {
    const page: ScanPage | undefined = await pageOf(engine, left);
    if (page === undefined) {
      yield* entriesInHalves(engine, left);
      return;
    }
    yield* page.entries;
    left = page.next;
  }
}

async function* entriesInHalves(engine: Engine, range: ScanRange): AsyncGenerator<Entry, void> {
  const { keyspace, fromSlot, toSlot } = range;
  if (fromSlot === toSlot) return;
  const middle = ((fromSlot + toSlot) >>> 1) as Slot;
  yield* entriesIn(engine, { ...range, toSlot: middle });
  yield* entriesIn(engine, { keyspace, fromSlot: (middle + 1) as Slot, toSlot });
}

/** Undefined: some of it cannot be read. */
async function pageOf(engine: Engine, range: ScanRange): Promise<ScanPage | undefined> {
  try {
    return await engine.scan(range, PAGE);
  } catch (error) {
    if (!hasCode(error, 'CORRUPTION')) throw error;
    return undefined;
  }
}
