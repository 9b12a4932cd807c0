// When each slot of this node was last found to be the same as that of each other primary, or was
// made the same: "in sync as of". Whatever was written before is in both copies. It is known of
// this life of the process only. A comparison of all slots, after which nearly all are the same, is
// one number and a few exceptions.

import { SLOT_COUNT, type Slot } from '../../base/ids.ts';
import type { ClusterView } from '../cluster-view.ts';
import type { Keyspace } from '../keyspace.ts';
import type { MemberIndex } from '../peers.ts';
import type { Compared } from './comparison.ts';
import type { SharedSlots } from './shared-slots.ts';

/** A stretch of slots that are alike: both ends inclusive. */
export interface SyncedSlots {
  readonly fromSlot: Slot;
  readonly toSlot: Slot;
  /** With all other primaries, in milliseconds since 1970; 0: not yet with one of them. */
  readonly inSyncMs: number;
}

/** Of the slots of one keyspace that are shared with one member, in ms since 1970; 0: not yet. */
interface Times {
  /** Of all that are not named. */
  othersMs: number;
  /** Invariant: these are shared. */
  readonly namedMs: Map<Slot, number>;
}

export interface SlotSharing {
  slotsSharedWith(member: MemberIndex, keyspace: Keyspace): SharedSlots;
}

export class SyncTimes {
  readonly #view: ClusterView;
  readonly #sharing: SlotSharing;
  readonly #times = new Map<string, Times>();

  constructor(view: ClusterView, sharing: SlotSharing) {
    this.#view = view;
    this.#sharing = sharing;
  }

  /** All slots of the range that both hold are the same, but for some; `atMs`: since 1970. */
  note(compared: Compared, but: ReadonlySet<Slot>, atMs: number): void {
    const { keyspace, member, fromSlot, toSlot } = compared;
    const { namedMs, ...times } = this.#timesOf(keyspace, member);
    if (fromSlot === 0 && toSlot === SLOT_COUNT - 1) {
      const kept = [...but].map((slot) => [slot, namedMs.get(slot) ?? times.othersMs] as const);
      this.#times.set(nameOf(keyspace, member), { othersMs: atMs, namedMs: new Map(kept) });
      return;
    }
    const shared = this.#sharing.slotsSharedWith(member, keyspace);
    for (let slot = fromSlot; slot <= toSlot; slot++) {
      if (shared.has(slot) && !but.has(slot)) namedMs.set(slot, atMs);
    }
  }

  /** The oldest of all slots shared with `member`, in ms since 1970; 0: one is not yet. */
  oldestMs(keyspaces: readonly Keyspace[], member: MemberIndex): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const keyspace of keyspaces) {
      const { count } = this.#sharing.slotsSharedWith(member, keyspace);
      const { othersMs, namedMs } = this.#timesOf(keyspace, member);
      if (namedMs.size < count) oldest = Math.min(oldest, othersMs);
      for (const ms of namedMs.values()) oldest = Math.min(oldest, ms);
    }
    return oldest === Number.POSITIVE_INFINITY ? 0 : oldest;
  }

  /** Of the slots that this node holds, and shares with others. */
  slotsOf(keyspace: Keyspace): SyncedSlots[] {
    const runs: { fromSlot: Slot; toSlot: Slot; inSyncMs: number }[] = [];
    for (let slot = 0 as Slot; slot < SLOT_COUNT; slot++) {
      const inSyncMs = this.#inSyncMs(keyspace, slot);
      if (inSyncMs === undefined) continue;
      const last = runs.at(-1);
      if (last?.toSlot === slot - 1 && last.inSyncMs === inSyncMs) last.toSlot = slot;
      else runs.push({ fromSlot: slot, toSlot: slot, inSyncMs });
    }
    return runs;
  }

  #inSyncMs(keyspace: Keyspace, slot: Slot): number | undefined {
    const { self } = this.#view;
    const primaries = this.#view.primaries(keyspace, slot);
    if (primaries.length < 2 || !primaries.includes(self)) return undefined;
    const others = primaries.map((member) => {
      const { othersMs, namedMs } = this.#timesOf(keyspace, member);
      return member === self ? Number.POSITIVE_INFINITY : (namedMs.get(slot) ?? othersMs);
    });
    return Math.min(...others);
  }

  #timesOf(keyspace: Keyspace, member: MemberIndex): Times {
    const name = nameOf(keyspace, member);
    const times = this.#times.get(name) ?? { othersMs: 0, namedMs: new Map() };
    this.#times.set(name, times);
    return times;
  }
}

function nameOf({ number }: Keyspace, member: MemberIndex): string {
  return `${number} ${member}`;
}
