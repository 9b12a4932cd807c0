// What a node that starts knows of reaping from before: its floors, and where something is dead.

import { ALL_SLOTS } from '../../base/ids.ts';
import type { Clock } from '../../host/host.ts';
import type { Engine, ScanRange } from '../../storage/engine.ts';
import { type ClusterView, standIns } from '../cluster-view.ts';
import type { Keyspace } from '../keyspace.ts';
import type { SlotAt } from '../messages.ts';
import { DeadSlots } from './dead-slots.ts';
import { FloorBook, type NamersOf } from './floor-book.ts';
import { REAPING_KEYSPACE, readReapingRecord } from './floor-record.ts';

export interface Reaping {
  readonly floors: FloorBook;
  readonly dead: DeadSlots;
}

interface LoadParts {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly view: ClusterView;
  readonly keyspaces: readonly Keyspace[];
}

const PAGE = { entriesMax: 1_000, bytesMax: 1024 * 1024 };
const NOBODY: readonly number[] = [];

/** Once, before anything is read or written. Rejects as Engine.scan. */
export async function loadReaping({ engine, clock, ...where }: LoadParts): Promise<Reaping> {
  const floors = new FloorBook(engine, namersOf(where));
  const dead = new DeadSlots(engine, clock);
  let range: ScanRange | undefined = { keyspace: REAPING_KEYSPACE, ...ALL_SLOTS };
  while (range !== undefined) {
    const page = await engine.scan(range, PAGE);
    for (const entry of page.entries) {
      const record = readReapingRecord(entry);
      if (record === undefined) continue;
      if (record.kind === 'floor') floors.load(record, record.floor);
      else if (record.kind === 'mark') dead.load(record, record.sinceMs);
      else floors.loadKeyspace(record.keyspace, record.floor);
    }
    range = page.next;
  }
  return { floors, dead };
}

/** Nobody in keyspaces that the configuration does not have any more. */
function namersOf({ view, keyspaces }: Pick<LoadParts, 'view' | 'keyspaces'>): NamersOf {
  const known = new Map<string, readonly number[]>();
  return ({ keyspace, slot }: SlotAt) => {
    const configured = keyspaces.find(({ number }) => number === keyspace);
    if (configured === undefined) return NOBODY;
    const primaries = view.primaries(configured, slot);
    if (!primaries.includes(view.self)) return NOBODY;
    const members = [...primaries, ...standIns(view, configured, slot)];
    const name = members.join();
    const numbers = known.get(name) ?? members.map((member) => view.nodeNumber(member));
    known.set(name, numbers);
    return numbers;
  };
}
