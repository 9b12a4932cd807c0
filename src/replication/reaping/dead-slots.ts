// Slots of this node in which something is dead or will be: tombstones, and values that expire. The
// engine has a mark for each (floor-record.ts); here is what the reaper must know of it besides.

import { SLOT_COUNT } from '../../base/ids.ts';
import type { Clock } from '../../host/host.ts';
import type { Engine, Put } from '../../storage/engine.ts';
import type { SlotAt } from '../messages.ts';
import { markPut, markRemoval } from './floor-record.ts';

export interface DeadSlot extends SlotAt {
  /** When the first of it was written: wall clock, in milliseconds since 1970. */
  readonly sinceMs: number;
  /** When the first of it is dead, by the wall clock; 0: already. */
  deadFromMs: number;
  /** How often something dead, or that will be, was written here since this node started. */
  notes: number;
  /** Monotonic time of the last round that we led, or of the mark; how many rounds left it dead. */
  triedMs: number;
  tries: number;
}

const NONE: readonly Put[] = [];

export class DeadSlots {
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #slots = new Map<number, DeadSlot>();

  constructor(engine: Engine, clock: Clock) {
    this.#engine = engine;
    this.#clock = clock;
  }

  get size(): number {
    return this.#slots.size;
  }

  /** Those that were tried longest ago come first. */
  all(): Iterable<DeadSlot> {
    return this.#slots.values();
  }

  at(at: SlotAt): DeadSlot | undefined {
    return this.#slots.get(numberOf(at));
  }

  /** A mark that the engine has from before; what died there, nobody knows without looking. */
  load(at: SlotAt, sinceMs: number): void {
    this.#add(at, sinceMs, 0);
  }

  /** The mark, where it must still be written together with something that will be dead. */
  missingMark(at: SlotAt): readonly Put[] {
    return this.#slots.has(numberOf(at)) ? NONE : [markPut(at, this.#clock.wallMs())];
  }

  /** Something was written, with its mark, that is dead from `fromMs` on, by the wall clock. */
  note(at: SlotAt, fromMs: number): void {
    const slot = this.at(at);
    if (slot === undefined) {
      this.#add(at, this.#clock.wallMs(), fromMs);
      return;
    }
    slot.notes += 1;
    if (fromMs < slot.deadFromMs) slot.deadFromMs = fromMs;
  }

  /** A round for it begins. */
  tried(slot: DeadSlot): void {
    slot.triedMs = this.#clock.monotonicMs();
    slot.tries += 1;
    this.#slots.delete(numberOf(slot));
    this.#slots.set(numberOf(slot), slot);
  }

  /**
   * All of the slot was looked at since it had `notes`: what is left is dead from `fromMs` on, by
   * the wall clock; Infinity: never. Throws as Engine.write.
   */
  settle(slot: DeadSlot, notes: number, fromMs: number): void {
    if (this.at(slot) !== slot) return;
    const isSame = slot.notes === notes;
    if (isSame && fromMs === Number.POSITIVE_INFINITY) {
      this.#engine.write([markRemoval(slot)]);
      this.#slots.delete(numberOf(slot));
      return;
    }
    slot.deadFromMs = isSame ? fromMs : Math.min(fromMs, slot.deadFromMs);
    if (fromMs > this.#clock.wallMs()) slot.tries = 0;
  }

  /** The marks, as they are to be kept. */
  records(): Put[] {
    return [...this.#slots.values()].map((slot) => markPut(slot, slot.sinceMs));
  }

  /** Nothing stands in the slot any more. Throws as Engine.write. */
  clear(at: SlotAt): void {
    const slot = this.at(at);
    if (slot !== undefined) this.settle(slot, slot.notes, Number.POSITIVE_INFINITY);
  }

  #add({ keyspace, slot }: SlotAt, sinceMs: number, deadFromMs: number): void {
    const triedMs = this.#clock.monotonicMs();
    const dead = { keyspace, slot, sinceMs, deadFromMs, notes: 1, triedMs, tries: 0 };
    this.#slots.set(numberOf(dead), dead);
  }
}

function numberOf({ keyspace, slot }: SlotAt): number {
  return keyspace * SLOT_COUNT + slot;
}
