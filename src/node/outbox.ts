// What this node has to say to one other node, until the end of this turn of the event loop: one
// frame that grows. A large one is sent ahead of time, so that whoever has a lot to say does not
// keep others waiting for it.

import { ByteWriter } from '../base/bytes.ts';
import type { HybridTime } from '../causality/hybrid-clock.ts';
import { FRAME_BYTES_MAX } from '../host/host.ts';
import { FRAME_HEADER_BYTES_MAX, type Speaker, setTime, writeHeader } from './wire.ts';

/** Where a further message costs the same in a frame of its own. */
const FULL_BYTES = 64 * 1024;

/** The longest message that add() takes; a frame always has room for one more. */
export const MESSAGE_BYTES_MAX = FRAME_BYTES_MAX - FULL_BYTES - FRAME_HEADER_BYTES_MAX;

export class Outbox {
  readonly #speaker: Speaker;
  #frame = new ByteWriter(1024);

  constructor(speaker: Speaker) {
    this.#speaker = speaker;
  }

  get isEmpty(): boolean {
    return this.#frame.length === 0;
  }

  get isFull(): boolean {
    return this.#frame.length >= FULL_BYTES;
  }

  /** Copies what was written into `message`. */
  add(message: ByteWriter): void {
    if (this.#frame.length === 0) writeHeader(this.#frame, this.#speaker);
    this.#frame.append(message);
  }

  /** The whole frame, to be sent before the next add(). Not to be called of an empty one. */
  take(time: HybridTime): Buffer {
    setTime(this.#frame, time);
    const frame = this.#frame.view();
    if (frame.length > 2 * FULL_BYTES) this.#frame = new ByteWriter(1024);
    else this.#frame.clear();
    return frame;
  }
}
