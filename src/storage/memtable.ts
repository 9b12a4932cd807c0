// The newest value of every key, in memory, without a JavaScript object for any of them: records
// in an arena, a hash index over their addresses, and per slot a list of its keys. The collector
// has nothing to trace, and a key costs about 35 bytes beyond itself.
//
//   hash of the key ──► key-index ──► key record ──► newest value record   (record-arena)
//   keyspace, slot ──► slot-lists ──► newest key record ──► the one before …
//
// A put of a known key appends a value and points the key at it; the old value is garbage until
// the whole memtable goes, for it lives only until it is sealed and flushed. A removal is a value
// of its own kind, for older tables may know the key. Order is made when someone asks for it, slot
// by slot.
//
// Invariants: the index and the lists hold the same keys, and each has a value. Nothing that leaves
// it is a view of its memory: another memtable gets that when the last holder releases this one.

import { assert } from '../base/assert.ts';
import { SLOT_COUNT } from '../base/ids.ts';
import type { EngineKey, ScanLimits, ScanRange } from './engine.ts';
import { type ChangeView, KeySpan } from './memtable/change-view.ts';
import { KeyIndex } from './memtable/key-index.ts';
import type { MemoryPiece, MemtableMemory } from './memtable/memtable-memory.ts';
import { type MemtablePage, MemtablePageBuilder } from './memtable/memtable-page.ts';
import { type ArenaImage, RecordArena } from './memtable/record-arena.ts';
import { hashOf } from './memtable/seeded-hash.ts';
import { SlotLists } from './memtable/slot-lists.ts';
import { SlotOrders } from './memtable/slot-orders.ts';
import type { KeyState } from './table-entry.ts';

export class Memtable {
  readonly #seed: number;
  readonly #memory: MemtableMemory;
  readonly #piece: MemoryPiece;
  readonly #arena: RecordArena;
  readonly #index: KeyIndex;
  readonly #lists: SlotLists;
  readonly #orders: SlotOrders;
  #entries = 0;
  #lastSequence = 0;
  #isSealed = false;
  readonly #asked = new KeySpan();
  #holders = 1;

  /** `seed`: 32 bits that those who choose keys do not know. Its maker is its first holder. */
  constructor(seed: number, memory: MemtableMemory) {
    this.#seed = seed;
    this.#memory = memory;
    this.#piece = memory.take();
    this.#arena = new RecordArena(this.#piece.records);
    this.#index = new KeyIndex(this.#arena, this.#piece.index);
    this.#lists = new SlotLists(this.#arena);
    this.#orders = new SlotOrders(this.#arena, this.#lists);
  }

  /** Keys, present or removed. */
  get entries(): number {
    return this.#entries;
  }

  get isEmpty(): boolean {
    return this.#entries === 0;
  }

  /** Of the last put, removal or drop; 0 before any. */
  get lastSequence(): number {
    return this.#lastSequence;
  }

  /** Records, index, lists and orders; without the room for more records. */
  get memoryBytes(): number {
    return this.#arena.bytes + this.#index.bytes + this.#lists.bytes + this.#orders.bytes;
  }

  /** For more records. */
  get freeBytes(): number {
    return this.#arena.freeBytes;
  }

  /** For the thread that flushes it. */
  get image(): ArenaImage {
    return this.#arena.image;
  }

  /** Whoever reads it across a wait holds it, and releases it. */
  hold(): void {
    assert(this.#holders > 0, 'nobody finds a memtable that was released');
    this.#holders += 1;
  }

  release(): void {
    this.#holders -= 1;
    if (this.#holders === 0) this.#memory.giveBack(this.#piece);
  }

  /** Copies key and value. Sequences never decrease; no change after seal(). */
  apply({ key, kind, value }: ChangeView, sequence: number): void {
    assert(!this.#isSealed, 'a sealed memtable takes no writes');
    assert(sequence >= this.#lastSequence, 'sequences never decrease');
    const hash = hashOf(key, this.#seed);
    const known = this.#index.find(hash, key);
    const address = known === 0 ? this.#add(key, hash) : known;
    this.#arena.setValue(address, this.#arena.addValue(kind, value, sequence));
    this.#lastSequence = sequence;
  }

  /** A drop came after all that is here: who flushes it flushes the drop. */
  noteDrop(sequence: number): void {
    this.#lastSequence = sequence;
  }

  get(at: EngineKey): KeyState | undefined {
    const asked = this.#asked.of(at);
    const key = this.#index.find(hashOf(asked, this.#seed), asked);
    return key === 0 ? undefined : this.#arena.stateCopyAt(key);
  }

  /** Removed keys are among them. */
  scan(range: ScanRange, limits: ScanLimits): MemtablePage {
    const { keyspace, fromSlot, toSlot, after } = range;
    const page = new MemtablePageBuilder(range, limits);
    for (let slot = fromSlot; slot <= toSlot; slot++) {
      if (this.#lists.headOf(keyspace, slot) === 0) continue;
      const keys = this.#orders.keysOf(keyspace, slot);
      const isFirst = slot === fromSlot && after !== undefined;
      const first = isFirst ? this.#orders.indexAfter(keys, after) : 0;
      for (let index = first; index < keys.length; index++) {
        const entry = this.#arena.entryCopyAt(keys[index] as number);
        if (!page.add(entry)) return page.finished(true);
      }
    }
    return page.finished(false);
  }

  /** From now on it does not change. */
  seal(): void {
    this.#isSealed = true;
  }

  /** The address of a key that is new here; it gets its value in the same turn. */
  #add(key: KeySpan, hash: number): number {
    const { keyspace, slot } = key;
    assert(slot >= 0 && slot < SLOT_COUNT, 'a slot is 0 … 16383');
    const address = this.#arena.addKey(key, this.#lists.headOf(keyspace, slot));
    this.#index.add(hash, address);
    this.#lists.push(keyspace, slot, address);
    this.#entries += 1;
    return address;
  }
}
