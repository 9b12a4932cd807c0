// How one member keeps its copies the same as those of the others: the comparison that goes on all
// the time, those that somebody asks for, and what is known of how far copies are the same.

import { ALL_SLOTS, type KeyspaceNumber, type Slot } from '../base/ids.ts';
import {
  AntiEntropy,
  type AntiEntropyParts,
  type SyncState,
} from '../replication/anti-entropy/anti-entropy.ts';
import { Comparison, type ComparisonParts } from '../replication/anti-entropy/comparison.ts';
import { type Repair, Repairs } from '../replication/anti-entropy/repairs.ts';
import { type SyncedSlots, SyncTimes } from '../replication/anti-entropy/sync-times.ts';
import type { ClusterMap } from './cluster-map.ts';

export type { Repair, SyncedSlots };

interface HealingParts
  extends ComparisonParts,
    Omit<AntiEntropyParts, 'comparison' | 'syncTimes' | 'view'> {
  readonly view: ClusterMap;
}

export interface RepairRequest {
  /** All of them, when it is not said. */
  readonly keyspace?: KeyspaceNumber | undefined;
  /** Both inclusive. */
  readonly fromSlot?: Slot | undefined;
  readonly toSlot?: Slot | undefined;
}

/** With members by name. */
export type NamedRepair = Omit<Repair, 'missed'> & { readonly missed: readonly string[] };

export class Healing {
  readonly comparison: Comparison;
  readonly #antiEntropy: AntiEntropy;
  readonly #parts: HealingParts;
  readonly #syncTimes: SyncTimes;
  readonly #repairs: Repairs;

  constructor(parts: HealingParts) {
    this.#parts = parts;
    this.comparison = new Comparison(parts);
    this.#syncTimes = new SyncTimes(parts.view, this.comparison);
    const comparing = { ...parts, comparison: this.comparison, syncTimes: this.#syncTimes };
    this.#repairs = new Repairs(comparing);
    this.#antiEntropy = new AntiEntropy(comparing);
  }

  start(): void {
    this.#antiEntropy.start();
  }

  close(): void {
    this.#antiEntropy.close();
  }

  /** By the name of the node that was compared. */
  get states(): Map<string, SyncState> {
    const { view } = this.#parts;
    const states = [...this.#antiEntropy.states];
    return new Map(states.map(([member, state]) => [view.memberStatus(member).name, state]));
  }

  /** Compares slots with all other replicas at once. Throws OVERLOADED and NO_SUCH_KEYSPACE. */
  beginRepair({ keyspace, fromSlot, toSlot }: RepairRequest): NamedRepair {
    const { keyspaces, view } = this.#parts;
    const numbers = keyspace === undefined ? keyspaces.map(({ number }) => number) : [keyspace];
    const order = {
      keyspaces: numbers.map((number) => view.keyspace(number)),
      fromSlot: fromSlot ?? ALL_SLOTS.fromSlot,
      toSlot: toSlot ?? ALL_SLOTS.toSlot,
    };
    return this.#named(this.#repairs.begin(order));
  }

  /** Undefined: there was none with this number in this life of the node, or long ago. */
  findRepair(id: number): NamedRepair | undefined {
    const repair = this.#repairs.find(id);
    return repair === undefined ? undefined : this.#named(repair);
  }

  /** Of the slots that this node holds: since when they are known to be the same everywhere. */
  syncedSlots(keyspace: KeyspaceNumber): SyncedSlots[] {
    return this.#syncTimes.slotsOf(this.#parts.view.keyspace(keyspace));
  }

  #named(repair: Repair): NamedRepair {
    const { view } = this.#parts;
    return { ...repair, missed: repair.missed.map((member) => view.memberStatus(member).name) };
  }
}
