// The memtables of an engine: one that takes writes, and those that are full and wait, oldest
// first, to become tables.
//
// Invariant: sequences of one memtable lie above all those of older ones; a write with several
// changes has one sequence and stands in one memtable. Hence "everything up to sequence s is in
// tables" is true of the last sequence of a memtable once that and all older ones are flushed.

import { assert } from '../base/assert.ts';
import type { Random } from '../host/host.ts';
import type { Change, EngineKey } from './engine.ts';
import type { ChangeTarget } from './log/log-batch.ts';
import { MemtableMemory } from './memtable/memtable-memory.ts';
import { ARENA_BYTES_MAX } from './memtable/record-arena.ts';
import { Memtable } from './memtable.ts';

/** What a change takes beside key and value, index included: measured at 1 M keys, rounded up. */
const CHANGE_BYTES = 40;

export interface MemtableLimits {
  /** One that has taken so many bytes is full. */
  readonly memtableBytesMax: number;
  /** How many full ones may wait. */
  readonly sealedMax: number;
}

export class MemtableStack implements ChangeTarget {
  readonly #random: Random;
  readonly #bytesMax: number;
  readonly #memory: MemtableMemory;
  /** Oldest first. */
  readonly #sealed: Memtable[] = [];
  #active: Memtable;
  /** Overwritten values included: they stay until the memtable goes. */
  #activeBytes = 0;

  constructor(random: Random, { memtableBytesMax, sealedMax }: MemtableLimits) {
    this.#random = random;
    this.#bytesMax = Math.min(memtableBytesMax, ARENA_BYTES_MAX);
    // Records alone, and the index takes some of the bytes that are counted: there is always room.
    this.#memory = new MemtableMemory(Math.ceil(this.#bytesMax / 4) * 4, sealedMax + 1);
    this.#active = new Memtable(random.u32(), this.#memory);
  }

  /** Of the active one: 0 empty, from 1 on it is to be sealed. */
  get fill(): number {
    return this.#activeBytes / this.#bytesMax;
  }

  get sealedCount(): number {
    return this.#sealed.length;
  }

  /** The next one to be flushed. */
  get oldestSealed(): Memtable | undefined {
    return this.#sealed[0];
  }

  get entries(): number {
    return this.#sealed.reduce((sum, { entries }) => sum + entries, this.#active.entries);
  }

  get memoryBytes(): number {
    return this.#sealed.reduce((sum, each) => sum + each.memoryBytes, this.#active.memoryBytes);
  }

  get active(): Memtable {
    return this.#active;
  }

  newestFirst(): Memtable[] {
    return [this.#active, ...this.#sealed.toReversed()];
  }

  /** Whether all of these go into the active one before it is full. */
  hasRoomFor(changes: readonly Change[]): boolean {
    if (this.fill >= 1) return false;
    let bytes = 0;
    for (const change of changes) {
      bytes += change.key.length + (change.kind === 'put' ? change.value.length : 0) + CHANGE_BYTES;
    }
    return bytes <= this.#active.freeBytes || this.#active.isEmpty;
  }

  put(at: EngineKey, value: Buffer, sequence: number): void {
    this.#makeRoom(at.key.length + value.length, sequence);
    this.#active.put(at, value, sequence);
  }

  remove(at: EngineKey, sequence: number): void {
    this.#makeRoom(at.key.length, sequence);
    this.#active.remove(at, sequence);
  }

  /** Later changes go into a new memtable. */
  seal(): void {
    assert(!this.#active.isEmpty, 'a memtable that is sealed has something to flush');
    this.#active.seal();
    this.#sealed.push(this.#active);
    this.#active = new Memtable(this.#random.u32(), this.#memory);
    this.#activeBytes = 0;
  }

  /** `memtable` is in a table now. */
  drop(memtable: Memtable): void {
    assert(memtable === this.#sealed[0], 'memtables are flushed oldest first');
    this.#sealed.shift();
    memtable.release();
  }

  /** Seals on its own only between two sequences, when full: for the replay of a long log. */
  #makeRoom(bytes: number, sequence: number): void {
    const isFull = this.fill >= 1 || bytes + CHANGE_BYTES > this.#active.freeBytes;
    if (isFull && !this.#active.isEmpty && sequence > this.#active.lastSequence) this.seal();
    this.#activeBytes += bytes + CHANGE_BYTES;
  }
}
