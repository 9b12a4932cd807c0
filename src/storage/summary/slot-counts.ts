// How many keys live in each slot, without a look at any of them: the growths of all changes that
// went there, summed up. A damaged table changes nothing about them: they count what was taken,
// not what can still be read. As bytes each is a varint (slot-table.ts has the frame).
//
// A keyspace takes 64 KiB of memory, and at most 48 KiB of bytes while no slot has 16,384 keys.

import { type ByteReader, type ByteWriter, badBytes } from '../../base/bytes.ts';
import type { KeyspaceNumber, Slot } from '../../base/ids.ts';
import type { EngineKey, Growth, SlotRange } from '../engine.ts';
import { SlotTable } from './slot-table.ts';

const COUNT_MAX = 2 ** 31 - 1;

export class SlotCounts {
  readonly #table: SlotTable;

  constructor(table = new SlotTable(1)) {
    this.#table = table;
  }

  of(keyspace: KeyspaceNumber, slot: Slot): number {
    return this.#table.words(keyspace)?.[slot] ?? 0;
  }

  /** Whether anything was ever written there, whatever became of it. */
  has(keyspace: KeyspaceNumber): boolean {
    return this.#table.words(keyspace) !== undefined;
  }

  total(): number {
    let total = 0;
    for (const counts of this.#table.all()) for (const count of counts) total += count;
    return total;
  }

  grow({ keyspace, slot }: Omit<EngineKey, 'key'>, growth: Growth): void {
    const counts = this.#table.wordsToChange(keyspace);
    counts[slot] = Math.max(0, (counts[slot] as number) + growth);
  }

  clear(range: SlotRange): void {
    this.#table.clear(range);
  }

  copy(): SlotCounts {
    return new SlotCounts(this.#table.copy());
  }

  writeTo(writer: ByteWriter): void {
    this.#table.writeTo(writer, writeCount);
  }

  /** Throws BAD_BYTES. */
  static readFrom(reader: ByteReader): SlotCounts {
    return new SlotCounts(SlotTable.readFrom(reader, 1, readCount));
  }
}

function writeCount(writer: ByteWriter, counts: Int32Array, at: number): void {
  writer.varint(counts[at] as number);
}

function readCount(reader: ByteReader, counts: Int32Array, at: number): void {
  const count = reader.varint();
  if (count === 0 || count > COUNT_MAX) throw badBytes(`${count} keys in slot ${at}`);
  counts[at] = count;
}
