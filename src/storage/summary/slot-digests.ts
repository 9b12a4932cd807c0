// What stands in each slot, in 64 bits: the digests of all its keys, XORed, so that a change is
// folded in by the difference that it makes, in whatever order changes come. What the digest of a
// key says is for the writer to choose; two copies of a slot are alike when their digests are.
//
//   bytes     number of keyspaces varint · keyspace*
//   keyspace  number u8 · slots with a digest varint · (slots passed over varint · digest u64)*
//
// Like the counts (slot-counts.ts) it says what was taken, not what can still be read. A keyspace
// takes 128 KiB of memory, and at most 144 KiB of bytes.
//
// Source: "Tictac" trees of Riak (github.com/martinsumner/leveled, docs/TICTAC.md): a tree of XORed
// hashes of key and version, updated without a look at the other keys.

import { type ByteReader, type ByteWriter, badBytes } from '../../base/bytes.ts';
import { type KeyspaceNumber, SLOT_COUNT } from '../../base/ids.ts';
import type { EngineKey, SlotRange } from '../engine.ts';

export class SlotDigests {
  /** By keyspace; of slot s the upper half stands at 2 s, the lower at 2 s + 1. */
  readonly #words: (Int32Array | undefined)[] = [];

  words(keyspace: KeyspaceNumber): Int32Array | undefined {
    return this.#words[keyspace];
  }

  fold({ keyspace, slot }: Omit<EngineKey, 'key'>, high: number, low: number): void {
    if (high === 0 && low === 0) return;
    const words = this.#words[keyspace] ?? this.#open(keyspace);
    words[2 * slot] = (words[2 * slot] as number) ^ high;
    words[2 * slot + 1] = (words[2 * slot + 1] as number) ^ low;
  }

  clear({ keyspace, fromSlot, toSlot }: SlotRange): void {
    this.#words[keyspace]?.fill(0, 2 * fromSlot, 2 * (toSlot + 1));
  }

  copy(): SlotDigests {
    const copy = new SlotDigests();
    for (const words of this.#words) copy.#words.push(words?.slice());
    return copy;
  }

  writeTo(writer: ByteWriter): void {
    const keyspaces = [...this.#words.entries()].filter(([, words]) => words !== undefined);
    writer.varint(keyspaces.length);
    for (const [keyspace, words] of keyspaces) {
      writer.u8(keyspace);
      writeWords(writer, words as Int32Array);
    }
  }

  /** Throws BAD_BYTES. */
  static readFrom(reader: ByteReader): SlotDigests {
    const read = new SlotDigests();
    for (let left = reader.varint(); left > 0; left--) readWords(reader, read.#open(reader.u8()));
    return read;
  }

  #open(keyspace: number): Int32Array {
    const words = new Int32Array(2 * SLOT_COUNT);
    this.#words[keyspace] = words;
    return words;
  }
}

function isEmpty(words: Int32Array, slot: number): boolean {
  return words[2 * slot] === 0 && words[2 * slot + 1] === 0;
}

function writeWords(writer: ByteWriter, words: Int32Array): void {
  let slots = 0;
  for (let slot = 0; slot < SLOT_COUNT; slot++) if (!isEmpty(words, slot)) slots += 1;
  writer.varint(slots);
  let next = 0;
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    if (isEmpty(words, slot)) continue;
    writer.varint(slot - next);
    writer.u32((words[2 * slot] as number) >>> 0);
    writer.u32((words[2 * slot + 1] as number) >>> 0);
    next = slot + 1;
  }
}

function readWords(reader: ByteReader, words: Int32Array): void {
  let next = 0;
  for (let left = reader.varint(); left > 0; left--) {
    const slot = next + reader.varint();
    if (slot >= SLOT_COUNT) throw badBytes(`a digest stands for a slot ${slot}`);
    words[2 * slot] = reader.u32();
    words[2 * slot + 1] = reader.u32();
    if (isEmpty(words, slot)) throw badBytes(`the digest of slot ${slot} is empty`);
    next = slot + 1;
  }
}
