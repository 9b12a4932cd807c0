// How suspicious a silence is, given how regularly somebody was heard before: phi, after
// Hayashibara, Défago, Yared and Katayama: "The φ Accrual Failure Detector" (SRDS 2004).
//
//   phi = -log10 P(the next heartbeat comes later than now)
//
// Pauses between arrivals are taken to be normally distributed. Phi 1 is wrong once in ten times,
// phi 8 once in 10^8, if they are. The tail is the logistic approximation of Bowling,
// Khasawneh, Kaewkuekool and Cho (2009), taken in logarithms so that it never rounds to nothing.
//
// Pure: no clock, no disk, no network; dice are an argument.

/** The last few minutes matter, not the last day: a network changes. */
const SAMPLES_MAX = 64;

export class ArrivalWindow {
  readonly #pausesMs: number[];
  #next = 0;
  #sum: number;
  #sumOfSquares: number;

  /** Until it knows better: pauses of one to three `intervalMs`. */
  constructor(intervalMs: number) {
    this.#pausesMs = [intervalMs, 3 * intervalMs];
    this.#sum = 4 * intervalMs;
    this.#sumOfSquares = 10 * intervalMs * intervalMs;
  }

  get meanMs(): number {
    return this.#sum / this.#pausesMs.length;
  }

  get deviationMs(): number {
    const count = this.#pausesMs.length;
    return Math.sqrt(Math.max(0, this.#sumOfSquares / count - (this.#sum / count) ** 2));
  }

  add(pauseMs: number): void {
    this.#sum += pauseMs;
    this.#sumOfSquares += pauseMs * pauseMs;
    if (this.#pausesMs.length < SAMPLES_MAX) {
      this.#pausesMs.push(pauseMs);
      return;
    }
    const oldest = this.#pausesMs[this.#next] as number;
    this.#pausesMs[this.#next] = pauseMs;
    this.#next = (this.#next + 1) % SAMPLES_MAX;
    this.#sum -= oldest;
    this.#sumOfSquares -= oldest * oldest;
  }

  /** 0 where the silence is shorter than the mean and `forgivenMs`. */
  phi(silentMs: number, forgivenMs: number, deviationMsMin: number): number {
    const beyondMs = silentMs - this.meanMs - forgivenMs;
    if (beyondMs <= 0) return 0;
    const y = beyondMs / Math.max(this.deviationMs, deviationMsMin);
    const exponent = y * (1.5976 + 0.070566 * y * y);
    return exponent * Math.LOG10E + Math.log10(1 + Math.exp(-exponent));
  }
}
