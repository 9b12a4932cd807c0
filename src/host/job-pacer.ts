// The pace of one job: so many bytes a second, changed while it runs. What is spent becomes a debt
// that time pays off; spend() waits until there is none left. So the rate holds over any stretch
// longer than one step of the job, and a job that was busy elsewhere saves nothing up.

import type { Clock, JobPace, Timer } from './host.ts';

export class JobPacer implements JobPace {
  readonly #clock: Clock;
  #bytesPerSecond = Number.POSITIVE_INFINITY;
  #debtBytes = 0;
  /** When the debt was what #debtBytes says. */
  #atMs: number;
  #isCancelled = false;
  #sleep: Timer | undefined;
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#atMs = clock.monotonicMs();
  }

  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  setPace(bytesPerSecond: number): void {
    this.#payOff();
    this.#bytesPerSecond = Math.max(0, bytesPerSecond);
    this.#stir();
  }

  cancel(): void {
    this.#isCancelled = true;
    this.#stir();
  }

  async spend(bytes: number): Promise<void> {
    this.#payOff();
    this.#debtBytes += bytes;
    while (!this.#isCancelled) {
      this.#payOff();
      if (this.#debtBytes <= 0) return;
      await this.#slept((this.#debtBytes / this.#bytesPerSecond) * 1000);
    }
  }

  #payOff(): void {
    const nowMs = this.#clock.monotonicMs();
    const paid = ((nowMs - this.#atMs) / 1000) * this.#bytesPerSecond;
    if (this.#bytesPerSecond === Number.POSITIVE_INFINITY) this.#debtBytes = 0;
    else this.#debtBytes = Math.max(0, this.#debtBytes - paid);
    this.#atMs = nowMs;
  }

  /** `ms` is infinite while the job is paused: then only a change of pace wakes it. */
  #slept(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (Number.isFinite(ms)) this.#sleep = this.#clock.after(ms, () => this.#stir());
    });
  }

  #stir(): void {
    this.#sleep?.cancel();
    this.#sleep = undefined;
    this.#wake?.();
    this.#wake = undefined;
  }
}
