// The floors of this node (floor.ts), in memory for every read of a key that is not there, and in
// the engine. One counts from the moment when it is durable: what it hides must stay hidden.

import { SLOT_COUNT } from '../../base/ids.ts';
import type { HybridTime } from '../../causality/hybrid-clock.ts';
import { EMPTY_OBJECT, type StoredObject } from '../../causality/siblings.ts';
import { mergeVectors, type VersionVector } from '../../causality/version-vector.ts';
import type { Engine } from '../../storage/engine.ts';
import type { SlotAt } from '../messages.ts';
import { floorPut } from './floor-record.ts';

export class FloorBook {
  readonly #engine: Engine;
  /** By keyspace, then by slot: what a key is that is not there. */
  readonly #objects: (StoredObject | undefined)[][] = [];
  /** The same, with floors that are not durable yet. */
  readonly #written: (VersionVector | undefined)[][] = [];

  constructor(engine: Engine) {
    this.#engine = engine;
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
    put(this.#written, at, floor);
    put(this.#objects, at, { context: floor, siblings: [] });
  }

  /**
   * Resolves when the slot has a durable floor that covers `by`. `time`: none of the writes that it
   * covers is newer; it outlives them, for what is written next must be. Rejects as Engine.write.
   */
  async raise(at: SlotAt, by: VersionVector, time: HybridTime): Promise<void> {
    const before = this.#written[at.keyspace]?.[at.slot];
    const floor = mergeVectors(before ?? [], by);
    const isFirst = before === undefined;
    const { durable } = this.#engine.write([floorPut(at, floor, isFirst)], time);
    put(this.#written, at, floor);
    await durable;
    // Floors that were written before are within this one; a later one may be durable already.
    const context = mergeVectors(this.floorOf(at), floor);
    put(this.#objects, at, { context, siblings: [] });
  }
}

function put<T>(book: (T | undefined)[][], { keyspace, slot }: SlotAt, value: T): void {
  const slots = (book[keyspace] ??= new Array<T | undefined>(SLOT_COUNT));
  slots[slot] = value;
}
