// What became of the requests of one phase of a load: how many of each fate, and how long answers
// took, counted from the moment at which a request was due and not from when it could be sent.

export class LoadFigures {
  /** Requests that were due in this phase. */
  due = 0;
  /** Answered with what was asked for. */
  done = 0;
  /** Of these, within the deadline. */
  inTime = 0;
  shed = 0;
  errors = 0;
  /** Not sent, for their connection had too many open; or not answered until the end. */
  unanswered = 0;
  lastError = '';
  /** Milliseconds, of those that were done. */
  readonly #latenciesMs: number[] = [];
  #isSorted = false;

  addDone(latencyMs: number, deadlineMs: number): void {
    this.done += 1;
    if (latencyMs <= deadlineMs) this.inTime += 1;
    this.#latenciesMs.push(latencyMs);
    this.#isSorted = false;
  }

  /** Of both together. */
  plus(other: LoadFigures): LoadFigures {
    const sum = new LoadFigures();
    for (const each of [this, other]) {
      sum.due += each.due;
      sum.done += each.done;
      sum.inTime += each.inTime;
      sum.shed += each.shed;
      sum.errors += each.errors;
      sum.unanswered += each.unanswered;
      sum.lastError ||= each.lastError;
      for (const ms of each.#latenciesMs) sum.#latenciesMs.push(ms);
    }
    return sum;
  }

  /** Milliseconds; NaN when nothing was done. */
  quantileMs(share: number): number {
    if (!this.#isSorted) this.#latenciesMs.sort((a, b) => a - b);
    this.#isSorted = true;
    const place = Math.ceil(share * this.#latenciesMs.length) - 1;
    return this.#latenciesMs[Math.max(0, place)] ?? Number.NaN;
  }
}
