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
// Invariant: the index and the lists hold the same keys, and each has a value.

import { assert } from '../base/assert.ts';
import { SLOT_COUNT } from '../base/ids.ts';
import type { EngineKey, ScanLimits, ScanRange } from './engine.ts';
import { KeyIndex } from './memtable/key-index.ts';
import { KeyOrder } from './memtable/key-order.ts';
import { type MemtablePage, MemtablePageBuilder } from './memtable/memtable-page.ts';
import { RecordArena } from './memtable/record-arena.ts';
import { hashOf } from './memtable/seeded-hash.ts';
import { SlotLists } from './memtable/slot-lists.ts';
import { SlotOrders } from './memtable/slot-orders.ts';
import { SortedEntries } from './memtable/sorted-entries.ts';
import { type EntryKind, type KeyState, REMOVAL, VALUE } from './table-entry.ts';

const NOTHING = Buffer.alloc(0);

export class Memtable {
  readonly #seed: number;
  readonly #arena = new RecordArena();
  readonly #index = new KeyIndex(this.#arena);
  readonly #lists = new SlotLists(this.#arena);
  readonly #order = new KeyOrder(this.#arena);
  readonly #orders = new SlotOrders(this.#arena, this.#lists, this.#order);
  #sorted: SortedEntries | undefined;
  #entries = 0;
  #firstSequence = Number.POSITIVE_INFINITY;
  #lastSequence = 0;
  #isSealed = false;

  /** `seed`: 32 bits that those who choose keys do not know. */
  constructor(seed: number) {
    this.#seed = seed;
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

  /** Of the first one; infinite when empty. */
  get firstSequence(): number {
    return this.#firstSequence;
  }

  /** All memory that it holds: chunks of records with what is free in them, index and orders. */
  get memoryBytes(): number {
    const records = this.#arena.bytes + this.#index.bytes + this.#lists.bytes;
    return records + this.#orders.bytes + (this.#sorted?.bytes ?? 0);
  }

  /** Copies key and value. Sequences never decrease; no put after seal(). */
  put(at: EngineKey, value: Buffer, sequence: number): void {
    this.#set(at, VALUE, value, sequence);
  }

  /** As put(): from here down the key is gone. */
  remove(at: EngineKey, sequence: number): void {
    this.#set(at, REMOVAL, NOTHING, sequence);
  }

  /** A drop came after all that is here: who flushes it flushes the drop. */
  noteDrop(sequence: number): void {
    this.#lastSequence = sequence;
  }

  /** The value is a view that never changes. */
  get(at: EngineKey): KeyState | undefined {
    const key = this.#index.find(hashOf(at, this.#seed), at);
    if (key === 0) return undefined;
    const arena = this.#arena;
    const value = arena.valueOf(key);
    return {
      kind: arena.kindAt(value),
      sequence: arena.sequenceAt(value),
      value: arena.valueAt(value),
    };
  }

  /** Keys and values are views that never change; removed keys are among them. */
  scan(range: ScanRange, limits: ScanLimits): MemtablePage {
    const { keyspace, fromSlot, toSlot, after } = range;
    const page = new MemtablePageBuilder(range, limits);
    for (let slot = fromSlot; slot <= toSlot; slot++) {
      if (this.#lists.headOf(keyspace, slot) === 0) continue;
      const keys = this.#orders.keysOf(keyspace, slot);
      const isFirst = slot === fromSlot && after !== undefined;
      const first = isFirst ? this.#orders.indexAfter(keys, after) : 0;
      for (let index = first; index < keys.length; index++) {
        const entry = this.#arena.entryAt(keys[index] as number);
        if (!page.add(entry)) return page.finished(true);
      }
    }
    return page.finished(false);
  }

  /** Everything in the order of tables: for the flush. Cached until the next new key. */
  sorted(): SortedEntries {
    this.#sorted ??= new SortedEntries(this.#arena, this.#lists, this.#order);
    return this.#sorted;
  }

  /** From now on it does not change. */
  seal(): void {
    this.#isSealed = true;
  }

  #set(at: EngineKey, kind: EntryKind, value: Buffer, sequence: number): void {
    assert(!this.#isSealed, 'a sealed memtable takes no writes');
    assert(sequence >= this.#lastSequence, 'sequences never decrease');
    const hash = hashOf(at, this.#seed);
    const known = this.#index.find(hash, at);
    const key = known === 0 ? this.#add(at, hash, sequence) : known;
    this.#arena.setValue(key, this.#arena.addValue(kind, value, sequence));
    this.#lastSequence = sequence;
  }

  /** The address of a key that is new here; it gets its value in the same turn. */
  #add(at: EngineKey, hash: number, sequence: number): number {
    const { keyspace, slot } = at;
    assert(slot >= 0 && slot < SLOT_COUNT, 'a slot is 0 … 16383');
    const key = this.#arena.addKey(at, this.#lists.headOf(keyspace, slot));
    this.#index.add(hash, key);
    this.#lists.push(keyspace, slot, key);
    if (this.#entries === 0) this.#firstSequence = sequence;
    this.#entries += 1;
    this.#sorted = undefined;
    return key;
  }
}
