// Finds where replies of the Redis protocol end, and what kind they are, without making anything
// of them: a load generator shares the cores with those that it measures. For SET and GET only:
// status, error and bulk replies.

/** `shed`: refused for want of capacity, as TRYAGAIN says. */
export type ReplyKind = 'done' | 'shed' | 'error';

const MINUS = 0x2d;
const DOLLAR = 0x24;
const NEWLINE = 0x0a;
const NOTHING = Buffer.alloc(0);

export class ReplyScanner {
  readonly #onReply: (kind: ReplyKind) => void;
  /** The last error that was no refusal, for whoever has to explain it. */
  lastError = '';
  /** The beginning of a line whose end has not come. */
  #held: Buffer = NOTHING;
  /** Of a bulk, bytes that are still to come, its line end included. */
  #skipBytes = 0;

  constructor(onReply: (kind: ReplyKind) => void) {
    this.#onReply = onReply;
  }

  push(chunk: Buffer): void {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = NOTHING;
    let at = 0;
    while (at < bytes.length) {
      if (this.#skipBytes > 0) {
        const skipped = Math.min(this.#skipBytes, bytes.length - at);
        this.#skipBytes -= skipped;
        at += skipped;
        if (this.#skipBytes === 0) this.#onReply('done');
        continue;
      }
      const end = bytes.indexOf(NEWLINE, at);
      if (end < 0) {
        this.#held = bytes.subarray(at);
        return;
      }
      this.#line(bytes, at, end);
      at = end + 1;
    }
  }

  #line(bytes: Buffer, at: number, end: number): void {
    const first = bytes[at];
    if (first === DOLLAR) {
      const length = Number(bytes.toString('latin1', at + 1, end - 1));
      if (length < 0) this.#onReply('done');
      else this.#skipBytes = length + 2;
    } else if (first !== MINUS) {
      this.#onReply('done');
    } else if (bytes.toString('latin1', at + 1, at + 9) === 'TRYAGAIN') {
      this.#onReply('shed');
    } else {
      this.lastError = bytes.toString('latin1', at + 1, end - 1);
      this.#onReply('error');
    }
  }
}
