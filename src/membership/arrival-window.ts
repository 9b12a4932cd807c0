// How suspicious a silence is, given how regularly somebody was heard before: phi, after
// Hayashibara, Défago, Yared and Katayama: "The φ Accrual Failure Detector" (SRDS 2004).
//
//   phi = -log10 P(the next heartbeat comes later than now)
//
// Pauses between arrivals are taken to be normally distributed, about a mean and with a deviation
// that follow the latest (exponentially weighted: two numbers a member, not a list). Phi 1 is then
// wrong once in ten times, phi 8 once in 10^8. The tail is the logistic approximation of Bowling,
// Khasawneh, Kaewkuekool and Cho (2009), in logarithms, so that it never rounds to nothing.
//
// Pure: no clock, no disk, no network; dice are an argument.

/** Of a new pause, when many came before: some thirty are remembered, for a network changes. */
const WEIGHT_MIN = 1 / 32;

export class ArrivalWindow {
  #meanMs: number;
  #variance: number;
  #weight = 1 / 2;

  /** Until it knows better: pauses of one to three `intervalMs`. */
  constructor(intervalMs: number) {
    this.#meanMs = 2 * intervalMs;
    this.#variance = intervalMs * intervalMs;
  }

  get meanMs(): number {
    return this.#meanMs;
  }

  get deviationMs(): number {
    return Math.sqrt(this.#variance);
  }

  add(pauseMs: number): void {
    const beyondMs = pauseMs - this.#meanMs;
    // As if those before had been averaged: 1/3, 1/4 … so that the guess is soon forgotten.
    this.#weight = Math.max(WEIGHT_MIN, 1 / (1 / this.#weight + 1));
    this.#meanMs += beyondMs * this.#weight;
    this.#variance = (1 - this.#weight) * (this.#variance + this.#weight * beyondMs * beyondMs);
  }

  /** 0 where the silence is shorter than the mean and `forgivenMs`. */
  phi(silentMs: number, forgivenMs: number, deviationMsMin: number): number {
    const beyondMs = silentMs - this.#meanMs - forgivenMs;
    if (beyondMs <= 0) return 0;
    const y = beyondMs / Math.max(this.deviationMs, deviationMsMin);
    const exponent = y * (1.5976 + 0.070566 * y * y);
    return exponent * Math.LOG10E + Math.log10(1 + Math.exp(-exponent));
  }
}
