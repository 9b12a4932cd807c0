// When each slot of this node was last found to be the same as that of each other primary, or was
// made the same: "in sync as of". Whatever was written before is in both copies. It is known of
// this life of the process only.

import { ALL_SLOTS, type KeyspaceNumber, SLOT_COUNT, type Slot } from '../../base/ids.ts';
import type { ClusterView } from '../cluster-view.ts';
import type { Keyspace } from '../keyspace.ts';
import type { MemberIndex } from '../peers.ts';

/** A stretch of slots that are alike: both ends inclusive. */
export interface SyncedSlots {
  readonly fromSlot: Slot;
  readonly toSlot: Slot;
  /** With all other primaries, in milliseconds since 1970; 0: not yet with one of them. */
  readonly inSyncMs: number;
}

export class SyncTimes {
  readonly #view: ClusterView;
  /** By keyspace, at slot × N + place in its list of primaries: seconds since 1970. */
  readonly #seconds: (Uint32Array | undefined)[] = [];

  constructor(view: ClusterView) {
    this.#view = view;
  }

  /** All slots, or these, that both hold are the same, but for some; `atMs`: since 1970. */
  note(
    keyspace: Keyspace,
    member: MemberIndex,
    but: ReadonlySet<Slot>,
    atMs: number,
    { fromSlot, toSlot } = ALL_SLOTS,
  ): void {
    const { n, number } = keyspace;
    const seconds = (this.#seconds[number] ??= new Uint32Array(SLOT_COUNT * n));
    const atSeconds = Math.floor(atMs / 1_000);
    for (let slot = fromSlot; slot <= toSlot; slot++) {
      const primaries = this.#view.primaries(keyspace, slot);
      const place = primaries.indexOf(member);
      if (place < 0 || but.has(slot) || !primaries.includes(this.#view.self)) continue;
      seconds[slot * n + place] = atSeconds;
    }
  }

  /** The oldest of all slots shared with `member`, in ms since 1970; 0: one is not yet. */
  oldestMs(keyspaces: readonly Keyspace[], member: MemberIndex): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const keyspace of keyspaces) {
      for (let slot = 0 as Slot; slot < SLOT_COUNT; slot++) {
        const primaries = this.#view.primaries(keyspace, slot);
        const place = primaries.indexOf(member);
        if (place < 0 || !primaries.includes(this.#view.self)) continue;
        oldest = Math.min(oldest, this.#secondsAt(keyspace, slot, place));
      }
    }
    return oldest === Number.POSITIVE_INFINITY ? 0 : oldest * 1_000;
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
    const others = primaries.map((member, place) => {
      return member === self ? Number.POSITIVE_INFINITY : this.#secondsAt(keyspace, slot, place);
    });
    return Math.min(...others) * 1_000;
  }

  #secondsAt({ n, number }: { n: number; number: KeyspaceNumber }, slot: Slot, place: number) {
    return this.#seconds[number]?.[slot * n + place] ?? 0;
  }
}
