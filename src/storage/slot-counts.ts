// How many keys live in each slot, without looking at them: what the writer said of each write (see
// Growth), summed up. What lives is for the writer to say; a key whose table is damaged counts on,
// for these are counts of what was acknowledged, not of what can be read.
//
//   bytes     number of keyspaces varint · keyspace*
//   keyspace  number u8 · slots with keys varint · (slots passed over varint · keys varint)*
//
// 64 KiB of memory for each keyspace that was ever written to; at most 50 KB of bytes for 16,384
// slots of up to 16,383 keys each.

import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { badBytes } from '../base/bytes.ts';
import { type KeyspaceNumber, SLOT_COUNT, type Slot } from '../base/ids.ts';
import type { Growth } from './engine.ts';

export class SlotCounts {
  /** By keyspace, by slot. */
  readonly #counts: Int32Array[] = [];

  of(keyspace: KeyspaceNumber, slot: Slot): number {
    return this.#counts[keyspace]?.[slot] ?? 0;
  }

  total(): number {
    let total = 0;
    this.#counts.forEach((counts) => {
      for (const count of counts) total += count;
    });
    return total;
  }

  grow(keyspace: KeyspaceNumber, slot: Slot, growth: Growth): void {
    if (growth === 0) return;
    const counts = this.#counts[keyspace] ?? this.#open(keyspace);
    counts[slot] = (counts[slot] as number) + growth;
  }

  /** Both ends inclusive. */
  clear(keyspace: KeyspaceNumber, fromSlot: Slot, toSlot: Slot): void {
    this.#counts[keyspace]?.fill(0, fromSlot, toSlot + 1);
  }

  copy(): SlotCounts {
    const copy = new SlotCounts();
    this.#counts.forEach((counts, keyspace) => {
      copy.#counts[keyspace] = counts.slice();
    });
    return copy;
  }

  writeTo(writer: ByteWriter): void {
    writer.varint(this.#counts.reduce((count) => count + 1, 0));
    this.#counts.forEach((counts, keyspace) => {
      writer.u8(keyspace);
      writer.varint(counts.reduce((used, count) => used + (count > 0 ? 1 : 0), 0));
      let next = 0;
      counts.forEach((count, slot) => {
        if (count <= 0) return;
        writer.varint(slot - next);
        writer.varint(count);
        next = slot + 1;
      });
    });
  }

  /** Throws BAD_BYTES. */
  static readFrom(reader: ByteReader): SlotCounts {
    const read = new SlotCounts();
    for (let keyspaces = reader.varint(); keyspaces > 0; keyspaces--) {
      const counts = read.#open(reader.u8());
      let slot = -1;
      for (let used = reader.varint(); used > 0; used--) {
        slot += reader.varint() + 1;
        if (slot >= SLOT_COUNT) throw badBytes(`a slot ${slot}`);
        counts[slot] = reader.varint();
      }
    }
    return read;
  }

  #open(keyspace: number): Int32Array {
    const counts = new Int32Array(SLOT_COUNT);
    this.#counts[keyspace] = counts;
    return counts;
  }
}
