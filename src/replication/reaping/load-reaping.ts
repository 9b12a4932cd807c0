// What a node that starts knows of reaping from before: its floors, and where something is dead.

import type { Clock } from '../../host/host.ts';
import type { Engine } from '../../storage/engine.ts';
import { type ClusterView, standIns } from '../cluster-view.ts';
import type { Keyspace } from '../keyspace.ts';
import type { SlotAt } from '../messages.ts';
import { readableEntries } from '../refill/readable-entries.ts';
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

const NOBODY: readonly number[] = [];

/** Once, before anything is read or written. Rejects as Engine.scan. */
export async function loadReaping({ engine, clock, ...where }: LoadParts): Promise<Reaping> {
  const floors = new FloorBook(engine, namersOf(where));
  const dead = new DeadSlots(engine, clock);
  for await (const entry of readableEntries(engine, REAPING_KEYSPACE)) {
    const record = readReapingRecord(entry);
    if (record === undefined) continue;
    if (record.kind === 'floor') floors.load(record, record.floor);
    else if (record.kind === 'mark') dead.load(record, record.sinceMs);
    else floors.loadKeyspace(record.keyspace, record.floor);
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
