// The floors of this node (floor.ts), in memory for every read of a key that is not there, and in
// the engine. One counts from the moment when it is durable: what it hides must stay hidden.
//
// A slot has a floor of its own, from rounds, and a part in that of its keyspace, from flushes,
// which covers all members: of it, only what says something of those who name writes in the slot.

import { type KeyspaceNumber, SLOT_COUNT, type Slot } from '../../base/ids.ts';
import { nodeNumberOf } from '../../causality/dot.ts';
import type { HybridTime } from '../../causality/hybrid-clock.ts';
import { EMPTY_OBJECT, type StoredObject } from '../../causality/siblings.ts';
import { EMPTY_VECTOR, mergeVectors, type VersionVector } from '../../causality/version-vector.ts';
import type { Engine, Put } from '../../storage/engine.ts';
import type { SlotAt } from '../messages.ts';
import { floorPut, floorRemoval, keyspaceFloorPut } from './floor-record.ts';

/**
 * The numbers of those who name writes in a slot, its primaries and who coordinates when none of
 * them lives; none when this node is no primary. The same list for all slots that have the same
 * ones.
 */
export type NamersOf = (at: SlotAt) => readonly number[];

export class FloorBook {
  readonly #engine: Engine;
  readonly #namersOf: NamersOf;
  /** By keyspace, then by slot: what a key is that is not there. */
  readonly #objects: (StoredObject | undefined)[][] = [];
  /** As the engine has them, durable or not yet: floors of slots, and of keyspaces. */
  readonly #slotFloors: (VersionVector | undefined)[][] = [];
  readonly #keyspaceFloors: (VersionVector | undefined)[] = [];

  constructor(engine: Engine, namersOf: NamersOf) {
    this.#engine = engine;
    this.#namersOf = namersOf;
  }

  /** What every key of the slot is that is not there. */
  objectAt({ keyspace, slot }: SlotAt): StoredObject {
    return this.#objects[keyspace]?.[slot] ?? EMPTY_OBJECT;
  }

  floorOf(at: SlotAt): VersionVector {
    return this.objectAt(at).context;
  }

  /** A floor that the engine has from before. */
  load(at: SlotAt, floor: VersionVector): void {
    put(this.#slotFloors, at, floor);
    this.#cover(at, floor);
  }

  loadKeyspace(keyspace: KeyspaceNumber, floor: VersionVector): void {
    this.#keyspaceFloors[keyspace] = floor;
    this.#coverKeyspace(keyspace, floor);
  }

  /**
   * Resolves when the slot has a durable floor that covers `by`. `time`: none of the writes that it
   * covers is newer; it outlives them, for what is written next must be. Rejects as Engine.write.
   */
  async raise(at: SlotAt, by: VersionVector, time: HybridTime): Promise<void> {
    const before = this.#slotFloors[at.keyspace]?.[at.slot];
    const floor = mergeVectors(before ?? EMPTY_VECTOR, by);
    const { durable } = this.#engine.write([floorPut(at, floor, before === undefined)], time);
    put(this.#slotFloors, at, floor);
    await durable;
    // It may have been lowered, or raised again, meanwhile.
    if (this.#slotFloors[at.keyspace]?.[at.slot] === floor) this.#cover(at, floor);
  }

  /** The same for all slots of a keyspace. */
  async raiseKeyspace(
    keyspace: KeyspaceNumber,
    by: VersionVector,
    time: HybridTime,
  ): Promise<void> {
    const before = this.#keyspaceFloors[keyspace];
    const floor = mergeVectors(before ?? EMPTY_VECTOR, by);
    const change = keyspaceFloorPut(keyspace, floor, before === undefined);
    const { durable } = this.#engine.write([change], time);
    this.#keyspaceFloors[keyspace] = floor;
    await durable;
    this.#coverKeyspace(keyspace, floor);
  }

  /** What the slot had is not there any more, but for what flushes said of it. */
  lower(at: SlotAt): void {
    const { keyspace, slot } = at;
    if (this.#slotFloors[keyspace]?.[slot] === undefined) return;
    this.#engine.write([floorRemoval(at)]);
    put(this.#slotFloors, at, undefined);
    put(this.#objects, at, undefined);
    const whole = this.#keyspaceFloors[keyspace];
    if (whole !== undefined) this.#cover(at, partOf(whole, this.#namersOf(at)));
  }

  /** All floors, as they are to be kept. */
  records(): Put[] {
    const puts: Put[] = [];
    for (const [number, floors] of this.#slotFloors.entries()) {
      const keyspace = number as KeyspaceNumber;
      floors?.forEach((floor, slot) => {
        if (floor !== undefined) puts.push(floorPut({ keyspace, slot: slot as Slot }, floor, true));
      });
    }
    for (const [keyspace, floor] of this.#keyspaceFloors.entries()) {
      if (floor === undefined) continue;
      puts.push(keyspaceFloorPut(keyspace as KeyspaceNumber, floor, true));
    }
    return puts;
  }

  #coverKeyspace(keyspace: KeyspaceNumber, floor: VersionVector): void {
    const parts = new Map<readonly number[], VersionVector>();
    for (let slot = 0 as Slot; slot < SLOT_COUNT; slot++) {
      const namers = this.#namersOf({ keyspace, slot });
      if (namers.length === 0) continue;
      let part = parts.get(namers);
      if (part === undefined) {
        part = partOf(floor, namers);
        parts.set(namers, part);
      }
      this.#cover({ keyspace, slot }, part);
    }
  }

  #cover(at: SlotAt, floor: VersionVector): void {
    const before = this.floorOf(at);
    const context = mergeVectors(before, floor);
    if (context !== before) put(this.#objects, at, { context, siblings: [] });
  }
}

function partOf(floor: VersionVector, namers: readonly number[]): VersionVector {
  return floor.filter(({ actor }) => namers.includes(nodeNumberOf(actor)));
}

function put<T>(book: (T | undefined)[][], { keyspace, slot }: SlotAt, value: T): void {
  const slots = (book[keyspace] ??= new Array<T | undefined>(SLOT_COUNT));
  slots[slot] = value;
}
