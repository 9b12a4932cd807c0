// What a node that starts knows of reaping from before: its floors, and where something is dead.

import { SLOT_COUNT, type Slot } from '../../base/ids.ts';
import type { Clock } from '../../host/host.ts';
import type { Engine, ScanRange } from '../../storage/engine.ts';
import { DeadSlots } from './dead-slots.ts';
import { FloorBook } from './floor-book.ts';
import { REAPING_KEYSPACE, readReapingRecord } from './floor-record.ts';

export interface Reaping {
  readonly floors: FloorBook;
  readonly dead: DeadSlots;
}

const PAGE = { entriesMax: 1_000, bytesMax: 1024 * 1024 };

/** Once, before anything is read or written. Rejects as Engine.scan. */
export async function loadReaping(engine: Engine, clock: Clock): Promise<Reaping> {
  const floors = new FloorBook(engine);
  const dead = new DeadSlots(engine, clock);
  const slots = { fromSlot: 0 as Slot, toSlot: (SLOT_COUNT - 1) as Slot };
  let range: ScanRange | undefined = { keyspace: REAPING_KEYSPACE, ...slots };
  while (range !== undefined) {
    const page = await engine.scan(range, PAGE);
    for (const entry of page.entries) {
      const record = readReapingRecord(entry);
      if (record.kind === 'floor') floors.load(record, record.floor);
      else dead.load(record, record.sinceMs);
    }
    range = page.next;
  }
  return { floors, dead };
}
