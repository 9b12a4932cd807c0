// Chunks of one connection that were read and not yet parsed, with the times at which they came:
// while requests wait for a place, how long they have waited is known only if they are read, and so
// is whether their client goes on sending meanwhile.
//
// Behind a full inbox the socket is paused, and what comes then may be as old as that pause.

interface Chunk {
  readonly bytes: Buffer;
  readonly receivedMs: number;
}

/** Reading pauses once there is so much. */
export const INBOX_BYTES_MAX = 128 * 1024;
/** What Node reads at once: behind so much there is more, as a rule. */
const READ_BYTES = 64 * 1024;

export class Inbox {
  #chunks: Chunk[] = [];
  #bytes = 0;
  #newestMs = 0;
  /** Since when what comes next may have waited in the socket; undefined: it has not. */
  #unreadSinceMs: number | undefined;

  get isFull(): boolean {
    return this.#bytes >= INBOX_BYTES_MAX;
  }

  /** When the last chunk came, parsed or not. */
  get newestMs(): number {
    return this.#newestMs;
  }

  push(bytes: Buffer, nowMs: number): void {
    this.#newestMs = this.#unreadSinceMs ?? nowMs;
    this.#chunks.push({ bytes, receivedMs: this.#newestMs });
    this.#bytes += bytes.length;
    if (bytes.length < READ_BYTES) this.#unreadSinceMs = undefined;
  }

  /** The oldest. */
  shift(): Chunk | undefined {
    const chunk = this.#chunks.shift();
    this.#bytes -= chunk?.bytes.length ?? 0;
    return chunk;
  }

  /** Nothing is read from now on. */
  pauseReading(nowMs: number): void {
    this.#unreadSinceMs ??= nowMs;
  }
}
