// Some words of 32 bits for each slot of each keyspace that was ever written to, and their bytes,
// in which slots with nothing in their words are passed over:
//
//   bytes     number of keyspaces varint · keyspace*
//   keyspace  number u8 · slots with anything varint · (slots passed over varint · words)*
//
// How the words of a slot look as bytes is for the owner of the table to say.

import { type ByteReader, type ByteWriter, badBytes } from '../../base/bytes.ts';
import { SLOT_COUNT } from '../../base/ids.ts';
import type { SlotRange } from '../engine.ts';

export type WriteWords = (writer: ByteWriter, words: Int32Array, at: number) => void;
/** Throws BAD_BYTES, also when there is nothing in the words. */
export type ReadWords = (reader: ByteReader, words: Int32Array, at: number) => void;

export class SlotTable {
  readonly #wordsPerSlot: number;
  /** By keyspace; those of slot s begin at s × words per slot. */
  readonly #words: (Int32Array | undefined)[] = [];

  constructor(wordsPerSlot: number) {
    this.#wordsPerSlot = wordsPerSlot;
  }

  /** Undefined: nothing was ever written there. */
  words(keyspace: number): Int32Array | undefined {
    return this.#words[keyspace];
  }

  wordsToChange(keyspace: number): Int32Array {
    return (this.#words[keyspace] ??= new Int32Array(this.#wordsPerSlot * SLOT_COUNT));
  }

  clear({ keyspace, fromSlot, toSlot }: SlotRange): void {
    const width = this.#wordsPerSlot;
    this.#words[keyspace]?.fill(0, width * fromSlot, width * (toSlot + 1));
  }

  /** Of all keyspaces and slots. */
  *all(): Generator<Int32Array> {
    for (const words of this.#words) if (words !== undefined) yield words;
  }

  copy(): SlotTable {
    const copy = new SlotTable(this.#wordsPerSlot);
    for (const words of this.#words) copy.#words.push(words?.slice());
    return copy;
  }

  writeTo(writer: ByteWriter, writeWords: WriteWords): void {
    const keyspaces = [...this.#words.entries()].filter(([, words]) => words !== undefined);
    writer.varint(keyspaces.length);
    for (const [keyspace, words] of keyspaces) {
      writer.u8(keyspace);
      this.#writeSlots(writer, words as Int32Array, writeWords);
    }
  }

  /** Throws BAD_BYTES. */
  static readFrom(reader: ByteReader, wordsPerSlot: number, readWords: ReadWords): SlotTable {
    const table = new SlotTable(wordsPerSlot);
    for (let left = reader.varint(); left > 0; left--) {
      table.#readSlots(reader, table.wordsToChange(reader.u8()), readWords);
    }
    return table;
  }

  #writeSlots(writer: ByteWriter, words: Int32Array, writeWords: WriteWords): void {
    const slots = usedSlots(words, this.#wordsPerSlot);
    writer.varint(slots.length);
    let next = 0;
    for (const slot of slots) {
      writer.varint(slot - next);
      writeWords(writer, words, slot * this.#wordsPerSlot);
      next = slot + 1;
    }
  }

  #readSlots(reader: ByteReader, words: Int32Array, readWords: ReadWords): void {
    let next = 0;
    for (let left = reader.varint(); left > 0; left--) {
      const slot = next + reader.varint();
      if (slot >= SLOT_COUNT) throw badBytes(`a summary speaks of a slot ${slot}`);
      readWords(reader, words, slot * this.#wordsPerSlot);
      next = slot + 1;
    }
  }
}

/** Those with anything in their words, ascending. */
function usedSlots(words: Int32Array, wordsPerSlot: number): Uint16Array {
  const slots = new Uint16Array(SLOT_COUNT);
  let count = 0;
  for (let at = 0; at < words.length; at++) {
    if (words[at] === 0) continue;
    const slot = Math.floor(at / wordsPerSlot);
    if (count === 0 || slots[count - 1] !== slot) slots[count++] = slot;
  }
  return slots.subarray(0, count);
}
