// The memtables of an engine: one that takes writes, and those that are full and wait, oldest
// first, to become tables.
//
// Invariant: sequences of one memtable lie above all those of older ones; a write with several
// changes has one sequence and stands in one memtable. Hence "everything up to sequence s is in
// tables" is true of the last sequence of a memtable once that and all older ones are flushed.

import { assert } from '../base/assert.ts';
import type { Random } from '../host/host.ts';
import type { LiveDrops } from './drops/live-drops.ts';
import type { Change, SlotRange } from './engine.ts';
import type { ChangeTarget } from './log/log-batch.ts';
import type { ChangeView } from './memtable/change-view.ts';
import { MemtableMemory } from './memtable/memtable-memory.ts';
import { ARENA_BYTES_MAX } from './memtable/record-arena.ts';
import { Memtable } from './memtable.ts';
import type { Summary } from './summary/summary.ts';

/** What a change takes beside key and value, index included: measured at 1 M keys, rounded up. */
const CHANGE_BYTES = 40;

export interface MemtableLimits {
  /** One that has taken so many bytes is full. */
  readonly memtableBytesMax: number;
  /** How many full ones may wait. */
  readonly sealedMax: number;
}

/** A memtable that takes no more changes, and the sum of everything up to its last write. */
export interface SealedMemtable {
  readonly memtable: Memtable;
  readonly summary: Summary;
}

export interface TablesBelow {
  readonly summary: Summary;
  readonly drops: LiveDrops;
}

export class MemtableStack implements ChangeTarget {
  readonly #random: Random;
  readonly #bytesMax: number;
  readonly #sealedMax: number;
  readonly #memory: MemtableMemory;
  readonly #drops: LiveDrops;
  /** Of the tables and of every change here. */
  readonly summary: Summary;
  /** Oldest first. */
  readonly #sealed: SealedMemtable[] = [];
  #active: Memtable;
  /** Overwritten values included: they stay until the memtable goes. */
  #activeBytes = 0;

  /** Of the tables are `summary`, which is taken over, and `drops`, which are shared. */
  constructor(
    random: Random,
    { memtableBytesMax, sealedMax }: MemtableLimits,
    { summary, drops }: TablesBelow,
  ) {
    this.#random = random;
    this.#bytesMax = Math.min(memtableBytesMax, ARENA_BYTES_MAX);
    this.#sealedMax = sealedMax;
    // Only records go there, and CHANGE_BYTES counts the index too: what fits by count has room.
    this.#memory = new MemtableMemory(Math.ceil(this.#bytesMax / 4) * 4, sealedMax + 1);
    this.summary = summary;
    this.#drops = drops;
    this.#active = new Memtable(random.u32(), this.#memory);
  }

  /** Of the active one: 0 empty, from 1 on it is to be sealed. */
  get fill(): number {
    return this.#activeBytes / this.#bytesMax;
  }

  get sealedCount(): number {
    return this.#sealed.length;
  }

  /** There are as many as may be, and the active one is full: no more before a flush. */
  get isFull(): boolean {
    const mayWait = this.#sealedMax - this.#sealed.length;
    return mayWait < 0 || (mayWait === 0 && this.fill >= 1);
  }

  /** The next one to be flushed. */
  get oldestSealed(): SealedMemtable | undefined {
    return this.#sealed[0];
  }

  get entries(): number {
    return this.newestFirst().reduce((sum, { entries }) => sum + entries, 0);
  }

  get memoryBytes(): number {
    return this.newestFirst().reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  }

  get active(): Memtable {
    return this.#active;
  }

  /** The active one, and those that are sealed. */
  newestFirst(): Memtable[] {
    return [this.#active, ...this.#sealed.map(({ memtable }) => memtable).reverse()];
  }

  /** Whether all of these go into the active one before it is full. */
  hasRoomFor(changes: readonly Change[]): boolean {
    if (this.fill >= 1) return false;
    let bytes = 0;
    for (const change of changes) bytes += bytesOf(change);
    return bytes <= this.#active.freeBytes || this.#active.isEmpty;
  }

  apply(change: ChangeView, sequence: number): void {
    this.#makeRoom(change.key.length + change.value.length + CHANGE_BYTES, sequence);
    this.#active.apply(change, sequence);
    this.summary.apply(change);
  }

  /** What stands here stays, hidden by the drop. */
  drop(range: SlotRange, sequence: number): void {
    this.#drops.add({ ...range, sequence });
    this.#active.noteDrop(sequence);
    this.summary.drop(range);
  }

  noteTime(time: number): void {
    this.summary.noteTime(time);
  }

  /** Later changes go into a new memtable. */
  seal(): void {
    assert(this.#active.lastSequence > 0, 'a memtable that is sealed has something to flush');
    this.#active.seal();
    this.#sealed.push({ memtable: this.#active, summary: this.summary.copy() });
    this.#active = new Memtable(this.#random.u32(), this.#memory);
    this.#activeBytes = 0;
  }

  /** It is in a table now. */
  forget(flushed: SealedMemtable): void {
    assert(flushed === this.#sealed[0], 'memtables are flushed oldest first');
    this.#sealed.shift();
    flushed.memtable.release();
  }

  /** Seals on its own only between two sequences, when full: for the replay of a long log. */
  #makeRoom(bytes: number, sequence: number): void {
    const isFull = this.fill >= 1 || bytes > this.#active.freeBytes;
    if (isFull && !this.#active.isEmpty && sequence > this.#active.lastSequence) this.seal();
    this.#activeBytes += bytes;
  }
}

function bytesOf(change: Change): number {
  return change.key.length + (change.kind === 'put' ? change.value.length : 0) + CHANGE_BYTES;
}
