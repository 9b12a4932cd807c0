// What rot makes of the bytes of a file: bits that read otherwise than they were written. They lie
// over the bytes and not in them, so that a copy of the disk for a judge (SimDirectory.backup)
// shows what was written, and so that it is known when the rot is gone: with the file, with its
// end, or with a write to the very place.

export class SimRot {
  /** By offset: the bits that are flipped. */
  readonly #masks = new Map<number, number>();

  get isThere(): boolean {
    return this.#masks.size > 0;
  }

  /** Flipped twice, a bit is what it was. */
  flip(offset: number, bit: number): void {
    const mask = (this.#masks.get(offset) ?? 0) ^ (1 << bit);
    if (mask === 0) this.#masks.delete(offset);
    else this.#masks.set(offset, mask);
  }

  /** `bytes` from `offset` on, which are the caller's own, as they read now. */
  over(bytes: Buffer, offset: number): Buffer {
    for (const [place, mask] of this.#masks) {
      const at = place - offset;
      if (at >= 0 && at < bytes.length) bytes[at] = (bytes[at] as number) ^ mask;
    }
    return bytes;
  }

  /** These were written anew, or cut off. */
  clear(from: number, to = Number.POSITIVE_INFINITY): void {
    for (const place of this.#masks.keys()) {
      if (place >= from && place < to) this.#masks.delete(place);
    }
  }
}
