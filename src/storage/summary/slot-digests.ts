// What stands in each slot, in 64 bits: the digests of all its keys, XORed, so that a change is
// folded in by the difference that it makes, in whatever order changes come. What the digest of a
// key says is for the writer to choose; two copies of a slot are alike when their digests are.
// Like the counts they say what was taken, not what can still be read. As bytes each is a u64
// (slot-table.ts has the frame).
//
// A keyspace takes 128 KiB of memory, and at most 144 KiB of bytes.
//
// Source: "Tictac" trees of Riak (github.com/martinsumner/leveled, docs/TICTAC.md): a tree of XORed
// hashes of key and version, updated without a look at the other keys.

import { type ByteReader, type ByteWriter, badBytes } from '../../base/bytes.ts';
import { type KeyspaceNumber, SLOT_COUNT } from '../../base/ids.ts';
import { CHANGES_SLOTS, type DigestTable, type EngineKey, type SlotRange } from '../engine.ts';
import { SlotTable } from './slot-table.ts';

export class SlotDigests {
  readonly #table: SlotTable;
  /** By keyspace. Of what is here, not of what it was read from: they are in no bytes. */
  readonly #changes: (Float64Array | undefined)[] = [];

  constructor(table = new SlotTable(2)) {
    this.#table = table;
  }

  of(keyspace: KeyspaceNumber): DigestTable | undefined {
    const words = this.#table.words(keyspace);
    return words && { words, changes: this.#changesOf(keyspace) };
  }

  fold({ keyspace, slot }: Omit<EngineKey, 'key'>, high: number, low: number): void {
    if (high === 0 && low === 0) return;
    const words = this.#table.wordsToChange(keyspace);
    words[2 * slot] = (words[2 * slot] as number) ^ high;
    words[2 * slot + 1] = (words[2 * slot + 1] as number) ^ low;
    const changes = this.#changesOf(keyspace);
    const place = Math.floor(slot / CHANGES_SLOTS);
    changes[place] = (changes[place] as number) + 1;
  }

  clear(range: SlotRange): void {
    this.#table.clear(range);
    const changes = this.#changesOf(range.keyspace);
    for (let place = 0; place < changes.length; place++) {
      changes[place] = (changes[place] as number) + 1;
    }
  }

  copy(): SlotDigests {
    return new SlotDigests(this.#table.copy());
  }

  writeTo(writer: ByteWriter): void {
    this.#table.writeTo(writer, writeDigest);
  }

  /** Throws BAD_BYTES. */
  static readFrom(reader: ByteReader): SlotDigests {
    return new SlotDigests(SlotTable.readFrom(reader, 2, readDigest));
  }

  #changesOf(keyspace: KeyspaceNumber): Float64Array {
    return (this.#changes[keyspace] ??= new Float64Array(SLOT_COUNT / CHANGES_SLOTS).fill(1));
  }
}

function writeDigest(writer: ByteWriter, words: Int32Array, at: number): void {
  writer.u32((words[at] as number) >>> 0);
  writer.u32((words[at + 1] as number) >>> 0);
}

function readDigest(reader: ByteReader, words: Int32Array, at: number): void {
  words[at] = reader.u32();
  words[at + 1] = reader.u32();
  if (words[at] === 0 && words[at + 1] === 0) throw badBytes('the digest of a slot is empty');
}
