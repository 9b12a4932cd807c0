// Frames on a byte stream, in both directions.
//
//   u32 length | u32 crc-32 of the payload, seeded with the length | payload
//
// The writer keeps one contiguous buffer, because one write of many frames costs a fifth of many
// writes (bench: 100-byte frames). The reader hands out views into the chunk as it came from the
// socket; only a frame that straddles two chunks is put together in a buffer of its own.
//
// Invariant of the reader: `#heldLength` bytes are held, always fewer than one whole frame.

import { assert } from '../base/assert.ts';
import { badBytes } from '../base/bytes.ts';
import { crc32 } from '../base/checksum.ts';
import { FRAME_BYTES_MAX } from './host.ts';

const HEADER_BYTES = 8;
/** One turn's frames usually fit; a buffer that grew beyond the second is not kept. */
const FIRST_CAPACITY = 64 * 1024;
const KEPT_CAPACITY = 1024 * 1024;

export class FrameWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(firstCapacity = FIRST_CAPACITY) {
    this.#buffer = Buffer.allocUnsafeSlow(firstCapacity);
  }

  get length(): number {
    return this.#length;
  }

  /** Copies `frame` behind what is there. */
  write(frame: Uint8Array): void {
    assert(frame.length <= FRAME_BYTES_MAX, `a frame of ${frame.length} bytes is too long`);
    const end = this.#length + HEADER_BYTES + frame.length;
    if (end > this.#buffer.length) this.#grow(end);
    const at = this.#buffer.writeUInt32BE(frame.length, this.#length);
    this.#buffer.writeUInt32BE(crc32(frame, frame.length), at);
    this.#buffer.set(frame, at + 4);
    this.#length = end;
  }

  /** What was written since the last clear(), as a view that the next write overwrites. */
  view(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
    if (this.#buffer.length > KEPT_CAPACITY) this.startAfresh();
  }

  /** Leaves the memory behind view() to whoever still reads it, and starts in fresh memory. */
  startAfresh(): void {
    this.#buffer = Buffer.allocUnsafeSlow(FIRST_CAPACITY);
    this.#length = 0;
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

/** `payload` as one frame, in memory of its own. */
export function frameOf(payload: Uint8Array): Buffer {
  const writer = new FrameWriter(HEADER_BYTES + payload.length);
  writer.write(payload);
  return writer.view();
}

export class FrameReader {
  readonly #onFrame: (frame: Buffer) => void;
  /** Of the frame that comes next. */
  #bytesMax: number;
  #held = Buffer.alloc(0);
  #heldLength = 0;

  /** `firstBytesMax`: of the first frame, by which a stranger shows who he is. */
  constructor(onFrame: (frame: Buffer) => void, firstBytesMax = FRAME_BYTES_MAX) {
    this.#onFrame = onFrame;
    this.#bytesMax = firstBytesMax;
  }

  /** Calls onFrame for every frame that ends in `chunk`; throws BAD_BYTES on the first bad one. */
  read(chunk: Buffer): void {
    let at = this.#heldLength === 0 ? 0 : this.#finishHeld(chunk);
    while (chunk.length - at >= HEADER_BYTES) {
      const length = this.#lengthAt(chunk, at);
      const end = at + HEADER_BYTES + length;
      if (end > chunk.length) break;
      this.#accept(chunk, at, end);
      at = end;
    }
    if (at < chunk.length) this.#hold(chunk, at, chunk.length);
  }

  /** Adds to the held beginning of a frame; returns where in `chunk` the next frame begins. */
  #finishHeld(chunk: Buffer): number {
    let at = 0;
    if (this.#heldLength < HEADER_BYTES) {
      at = Math.min(HEADER_BYTES - this.#heldLength, chunk.length);
      this.#hold(chunk, 0, at);
      if (this.#heldLength < HEADER_BYTES) return at;
    }
    const frameEnd = HEADER_BYTES + this.#lengthAt(this.#held, 0);
    const end = Math.min(at + frameEnd - this.#heldLength, chunk.length);
    this.#hold(chunk, at, end);
    if (this.#heldLength === frameEnd) {
      this.#heldLength = 0;
      this.#accept(this.#held, 0, frameEnd);
      this.#held = Buffer.alloc(0);
    }
    return end;
  }

  #hold(chunk: Buffer, from: number, to: number): void {
    const needed = this.#heldLength + to - from;
    if (needed > this.#held.length) {
      // Doubled with what arrived, not sized by the announced length: that one is a stranger's.
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#held.length * 2, 1024));
      this.#held.copy(larger, 0, 0, this.#heldLength);
      this.#held = larger;
    }
    chunk.copy(this.#held, this.#heldLength, from, to);
    this.#heldLength = needed;
  }

  #accept(bytes: Buffer, at: number, end: number): void {
    const payload = bytes.subarray(at + HEADER_BYTES, end);
    if (crc32(payload, payload.length) !== bytes.readUInt32BE(at + 4)) {
      throw badBytes(`the checksum of a frame of ${payload.length} bytes does not match`);
    }
    this.#bytesMax = FRAME_BYTES_MAX;
    this.#onFrame(payload);
  }

  #lengthAt(bytes: Buffer, at: number): number {
    const length = bytes.readUInt32BE(at);
    if (length > this.#bytesMax) throw badBytes(`a frame of ${length} bytes is announced`);
    return length;
  }
}
