// Which members seem alive, judged by what was heard from them: a broken connection counts at
// once, silence after a while, and a single message clears the name. Nobody is believed alive
// before the first message. Liveness never decides who owns a slot, only whom to ask now.
//
// Pure: no clock, no disk, no network; dice are an argument.

/** Five missed pings of 500 ms: a pause of the event loop or of the machine is forgiven. */
export const SILENCE_MS_MAX = 2_500;

/** Twice the usual pause between two pings, with room for a busy event loop. */
const PAUSE_MS = 1_200;

export class Liveness {
  /** Monotonic time of the last message; -Infinity: none since the way to it broke. */
  readonly #heardMs = new Map<number, number>();

  #awakeMs = Number.NEGATIVE_INFINITY;

  /**
   * This node is running: call it more often than PAUSE_MS. After a longer gap it was itself
   * paused, and what it did not hear in that time is held against nobody.
   */
  awake(nowMs: number): void {
    const pausedMs = nowMs - this.#awakeMs;
    this.#awakeMs = nowMs;
    if (pausedMs < PAUSE_MS || pausedMs === Number.POSITIVE_INFINITY) return;
    for (const [member, heardMs] of this.#heardMs) this.#heardMs.set(member, heardMs + pausedMs);
  }

  /** Returns whether this changes the verdict. */
  heard(member: number, nowMs: number): boolean {
    const wasAlive = this.isAlive(member, nowMs);
    this.#heardMs.set(member, nowMs);
    return !wasAlive;
  }

  /** The way to `member` broke. Returns whether this changes the verdict. */
  lost(member: number, nowMs: number): boolean {
    const wasAlive = this.isAlive(member, nowMs);
    this.#heardMs.delete(member);
    return wasAlive;
  }

  isAlive(member: number, nowMs: number): boolean {
    const heardMs = this.#heardMs.get(member);
    return heardMs !== undefined && nowMs - heardMs <= SILENCE_MS_MAX;
  }
}
