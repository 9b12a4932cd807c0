// What this node noted for itself, as far as it can be read: notes are small and can be done
// without, so that damage among them keeps no node from starting, and no hint from its target.

import { hasCode } from '../../base/errors.ts';
import { ALL_SLOTS, type KeyspaceNumber, type Slot } from '../../base/ids.ts';
import type { Engine, Entry, ScanPage, ScanRange } from '../../storage/engine.ts';

const PAGE = { entriesMax: 1_000, bytesMax: 1024 * 1024 };

/** Every entry but for those of slots of which something cannot be read. */
export async function* readableEntries(
  engine: Engine,
  keyspace: KeyspaceNumber,
): AsyncGenerator<Entry> {
  let left: ScanRange | undefined = { keyspace, ...ALL_SLOTS };
  while (left !== undefined) {
    const range: ScanRange = left;
    const page = await pageOf(engine, range);
    if (page === undefined) left = yield* entriesOfOne(engine, range);
    else {
      yield* page.entries;
      left = page.next;
    }
  }
}

/** Those of the first slot of the range, as far as they can be read; what is left of the range. */
async function* entriesOfOne(
  engine: Engine,
  { keyspace, fromSlot, toSlot, after }: ScanRange,
): AsyncGenerator<Entry, ScanRange | undefined> {
  const start = { keyspace, fromSlot, toSlot: fromSlot };
  let left: ScanRange | undefined = after === undefined ? start : { ...start, after };
  while (left !== undefined) {
    const page: ScanPage | undefined = await pageOf(engine, left);
    if (page !== undefined) yield* page.entries;
    left = page?.next;
  }
  if (fromSlot === toSlot) return undefined;
  return { keyspace, fromSlot: (fromSlot + 1) as Slot, toSlot };
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
