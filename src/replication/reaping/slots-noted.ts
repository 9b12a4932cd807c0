// While a keyspace is being flushed: in which of its slots something is written meanwhile. From
// begin() until end() every write notes its slot, so that those that nobody noted can be dropped
// without looking into them.

import type { KeyspaceNumber, Slot } from '../../base/ids.ts';
import type { SlotAt } from '../messages.ts';

export class SlotsNoted {
  readonly #byKeyspace = new Map<KeyspaceNumber, Set<Slot>>();

  begin(keyspace: KeyspaceNumber): void {
    this.#byKeyspace.set(keyspace, new Set());
  }

  note({ keyspace, slot }: SlotAt): void {
    if (this.#byKeyspace.size > 0) this.#byKeyspace.get(keyspace)?.add(slot);
  }

  /** What was noted since begin(); nothing is noted from here. */
  end(keyspace: KeyspaceNumber): Set<Slot> {
    const slots = this.#byKeyspace.get(keyspace) ?? new Set<Slot>();
    this.#byKeyspace.delete(keyspace);
    return slots;
  }
}
