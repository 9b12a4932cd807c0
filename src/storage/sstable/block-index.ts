// The index of a table: which block holds a key, and where that block lies. The bytes are drawn in
// sstable-format.ts; in memory it is three flat arrays and one buffer, about 30 bytes a block.
//
// A separator is as short as it can be: it only has to lie above the last key of the block before
// and not above the first key of its own. The first six bytes of each (keyspace, slot, and three
// of the key) stand in a Float64Array as one number, so that most steps of the binary search
// compare two numbers; only equal ones look at the bytes. No interpolation by slot: a lookup that
// the filter lets pass waits for the lines of its block far longer than for these steps.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { ByteReader, ByteWriter, badBytes } from '../../base/bytes.ts';
import type { TableKey } from '../table-entry.ts';

const HEAD_BYTES = 6;

export class IndexWriter {
  readonly #entries = new ByteWriter(4096);
  #last: Buffer = Buffer.alloc(0);
  #blocks = 0;

  /** The bytes that encode() will give. */
  get length(): number {
    return 4 + this.#entries.length;
  }

  get blocks(): number {
    return this.#blocks;
  }

  /** A block begins; `separator` is copied. */
  begin(separator: Buffer): void {
    let shared = 0;
    const most = Math.min(separator.length, this.#last.length);
    while (shared < most && separator[shared] === this.#last[shared]) shared += 1;
    this.#entries.varint(shared);
    this.#entries.bytes(separator.subarray(shared));
    this.#last = Buffer.from(separator);
    this.#blocks += 1;
  }

  /** The block that began last was so many bytes, as a piece. */
  end(pieceBytes: number): void {
    this.#entries.varint(pieceBytes);
  }

  encode(): Buffer {
    const writer = new ByteWriter(this.length);
    writer.u32(this.#blocks);
    writer.raw(this.#entries.view());
    return writer.view();
  }
}

export class BlockIndex {
  readonly blocks: number;
  readonly #heads: Float64Array;
  /** All separators one after the other; number i ends at #ends[i]. */
  readonly #keys: Buffer;
  readonly #ends: Uint32Array;
  /** Of the pieces, and behind them where the last one ends. */
  readonly #offsets: Float64Array;

  /** Throws BAD_BYTES, also when the blocks are not `blocksBytes` together. */
  constructor(payload: Buffer, blocksBytes: number) {
    const reader = new ByteReader(payload);
    this.blocks = reader.u32();
    // An entry has at least three bytes: never allocate for a number that cannot be.
    if (this.blocks === 0 || this.blocks * 3 > reader.left) throw badBytes('a number of blocks');
    this.#heads = new Float64Array(this.blocks);
    this.#ends = new Uint32Array(this.blocks);
    this.#offsets = new Float64Array(this.blocks + 1);
    let keys = Buffer.allocUnsafe(this.blocks * 16);
    let end = 0;
    let lastLength = 0;
    for (let block = 0; block < this.blocks; block++) {
      const shared = reader.varint();
      if (shared > lastLength) throw badBytes('a separator shares more than there is');
      const length = shared + reader.varint();
      if (length - shared > reader.left) throw badBytes('a separator is longer than the index');
      const start = end;
      end += length;
      if (end > keys.length) keys = Buffer.concat([keys], 2 * end);
      // Byte by byte: most are short, and a view of each would cost more than all else here.
      for (let at = start; at < start + shared; at++) keys[at] = keys[at - lastLength] as number;
      for (let at = start + shared; at < end; at++) keys[at] = reader.u8();
      this.#ends[block] = end;
      this.#heads[block] = headAt(keys, start, length);
      this.#offsets[block + 1] = this.offset(block) + reader.varint();
      lastLength = length;
    }
    reader.end();
    if (this.offset(this.blocks) !== blocksBytes) throw badBytes('the blocks do not add up');
    this.#keys = Buffer.from(keys.subarray(0, end));
  }

  /** What it holds in memory. */
  get bytes(): number {
    return this.#keys.length + this.blocks * 20;
  }

  /** Where the piece of `block` begins; `blocks` itself gives where the last one ends. */
  offset(block: number): number {
    return this.#offsets[block] as number;
  }

  /** The piece of `block` in bytes. */
  length(block: number): number {
    return this.offset(block + 1) - this.offset(block);
  }

  /** The one block in which `key` may be. */
  find(key: TableKey): number {
    const head = headAt(key, 0, key.length);
    let low = 0;
    for (let high = this.blocks - 1; low < high; ) {
      const middle = (low + high + 1) >>> 1;
      const other = this.#heads[middle] as number;
      if (other < head || (other === head && this.#isNotAbove(middle, key))) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #isNotAbove(block: number, key: TableKey): boolean {
    const start = block === 0 ? 0 : (this.#ends[block - 1] as number);
    const length = (this.#ends[block] as number) - start;
    const common = Math.min(length, key.length);
    for (let index = 0; index < common; index++) {
      const difference = (this.#keys[start + index] as number) - (key[index] as number);
      if (difference !== 0) return difference < 0;
    }
    return length <= key.length;
  }
}

/** The first bytes of the key at `at` as one number that sorts like them; zeros where it ends. */
function headAt(bytes: Buffer, at: number, length: number): number {
  const byte = (place: number) => (place < length ? (bytes[at + place] as number) : 0);
  const high = (byte(0) << 16) | (byte(1) << 8) | byte(2);
  const low = (byte(3) << 16) | (byte(4) << 8) | byte(HEAD_BYTES - 1);
  return high * 2 ** 24 + low;
}
