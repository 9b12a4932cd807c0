// A growing run of bytes: the memory behind simulated files. Holes are zeros, as on a real disk.

import { copyInOwnMemory } from '../src/base/bytes.ts';

export class SimBytes {
  #bytes = Buffer.alloc(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** A copy in its own memory of at most `length` bytes; fewer where the end comes first. */
  read(offset: number, length: number): Buffer {
    const end = Math.min(offset + length, this.#length);
    return copyInOwnMemory(this.#bytes.subarray(offset, end));
  }

  write(offset: number, bytes: Uint8Array): void {
    const end = Math.max(this.#length, offset + bytes.length);
    if (end > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(end, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, offset);
    this.#length = end;
  }

  truncate(length: number): void {
    if (length < this.#length) this.#bytes.fill(0, length, this.#length);
    else this.write(length, Buffer.alloc(0));
    this.#length = length;
  }

  become(other: SimBytes): void {
    this.truncate(0);
    this.write(0, other.#bytes.subarray(0, other.#length));
  }

  clone(): SimBytes {
    const copy = new SimBytes();
    copy.become(this);
    return copy;
  }
}
