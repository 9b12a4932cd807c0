// How many keys live in each slot, without a look at any of them: the growths of all changes that
// went there, summed up. A damaged table changes nothing about them: they count what was taken,
// not what can still be read.
//
//   bytes     number of keyspaces varint · keyspace*
//   keyspace  number u8 · slots with keys varint · (slots passed over varint · keys varint)*
//
// A keyspace takes 64 KiB of memory, and at most 48 KiB of bytes while no slot has 16,384 keys.

import { type ByteReader, type ByteWriter, badBytes } from '../../base/bytes.ts';
import { type KeyspaceNumber, SLOT_COUNT, type Slot } from '../../base/ids.ts';
import type { EngineKey, Growth, SlotRange } from '../engine.ts';

const COUNT_MAX = 2 ** 31 - 1;

export class SlotCounts {
  /** By keyspace, by slot. */
  readonly #counts: (Int32Array | undefined)[] = [];

  of(keyspace: KeyspaceNumber, slot: Slot): number {
    return this.#counts[keyspace]?.[slot] ?? 0;
  }

  /** Whether anything was ever written there, whatever became of it. */
  has(keyspace: KeyspaceNumber): boolean {
    return this.#counts[keyspace] !== undefined;
  }

  total(): number {
    let total = 0;
    for (const counts of this.#counts) for (const count of counts ?? []) total += count;
    return total;
  }

  grow({ keyspace, slot }: Omit<EngineKey, 'key'>, growth: Growth): void {
    const counts = this.#counts[keyspace] ?? this.#open(keyspace);
    counts[slot] = (counts[slot] as number) + growth;
  }

  clear({ keyspace, fromSlot, toSlot }: SlotRange): void {
    this.#counts[keyspace]?.fill(0, fromSlot, toSlot + 1);
  }

  copy(): SlotCounts {
    const copy = new SlotCounts();
    for (const counts of this.#counts) copy.#counts.push(counts?.slice());
    return copy;
  }

  writeTo(writer: ByteWriter): void {
    const keyspaces = [...this.#counts.entries()].filter(([, counts]) => counts !== undefined);
    writer.varint(keyspaces.length);
    for (const [keyspace, counts] of keyspaces) {
      writer.u8(keyspace);
      writeCounts(writer, counts as Int32Array);
    }
  }

  /** Throws BAD_BYTES. */
  static readFrom(reader: ByteReader): SlotCounts {
    const read = new SlotCounts();
    for (let left = reader.varint(); left > 0; left--) readCounts(reader, read.#open(reader.u8()));
    return read;
  }

  #open(keyspace: number): Int32Array {
    const counts = new Int32Array(SLOT_COUNT);
    this.#counts[keyspace] = counts;
    return counts;
  }
}

function writeCounts(writer: ByteWriter, counts: Int32Array): void {
  let slots = 0;
  for (const count of counts) if (count > 0) slots += 1;
  writer.varint(slots);
  let next = 0;
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    const count = counts[slot] as number;
    if (count <= 0) continue;
    writer.varint(slot - next);
    writer.varint(count);
    next = slot + 1;
  }
}

function readCounts(reader: ByteReader, counts: Int32Array): void {
  let next = 0;
  for (let left = reader.varint(); left > 0; left--) {
    const slot = next + reader.varint();
    if (slot >= SLOT_COUNT) throw badBytes(`keys are counted in a slot ${slot}`);
    const count = reader.varint();
    if (count === 0 || count > COUNT_MAX) throw badBytes(`${count} keys in slot ${slot}`);
    counts[slot] = count;
    next = slot + 1;
  }
}
