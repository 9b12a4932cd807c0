// The memtables of an engine: one that takes writes, and those that are full and wait, oldest
// first, to become tables.
//
// Invariant: sequences of one memtable lie above all those of older ones; a write with several
// changes has one sequence and stands in one memtable. Hence "everything up to sequence s is in
// tables" is true of the last sequence of a memtable once that and all older ones are flushed.

import { assert } from '../base/assert.ts';
import type { Random } from '../host/host.ts';
import type { EngineKey } from './engine.ts';
import type { ChangeTarget } from './log/log-batch.ts';
import { Memtable } from './memtable.ts';

/** What a change takes beside key and value: measured at 1 M keys, rounded up. */
const CHANGE_BYTES = 40;

export class MemtableStack implements ChangeTarget {
  readonly #random: Random;
  readonly #bytesMax: number;
  /** Oldest first. */
  readonly #sealed: Memtable[] = [];
  #active: Memtable;
  /** Overwritten values included: they stay until the memtable goes. */
  #activeBytes = 0;

  constructor(random: Random, bytesMax: number) {
    this.#random = random;
    this.#bytesMax = bytesMax;
    this.#active = new Memtable(random.u32());
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

  sealedNewestFirst(): Memtable[] {
    return this.#sealed.toReversed();
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
    this.#active = new Memtable(this.#random.u32());
    this.#activeBytes = 0;
  }

  /** `memtable` is in a table now. */
  drop(memtable: Memtable): void {
    assert(memtable === this.#sealed[0], 'memtables are flushed oldest first');
    this.#sealed.shift();
  }

  /** Seals on its own only between two sequences, when full: for the replay of a long log. */
  #makeRoom(bytes: number, sequence: number): void {
    if (this.#activeBytes >= this.#bytesMax && sequence > this.#active.lastSequence) this.seal();
    this.#activeBytes += bytes + CHANGE_BYTES;
  }
}
