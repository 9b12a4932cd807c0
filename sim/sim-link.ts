// The way from one simulated node to another, in one direction.

import { IN_LINE_MS } from './sim-life.ts';
import type { SimRandom } from './sim-random.ts';

export interface LinkQuality {
  /** No frame is faster. */
  readonly delayMsMin: number;
  /** Mean of what comes on top, exponentially distributed. */
  readonly delayMsMean: number;
  /** The chance that a frame takes up to `tailMs` longer still. */
  readonly tailChance: number;
  readonly tailMs: number;
  readonly lossChance: number;
  readonly duplicateChance: number;
  /** The chance that a frame may overtake those before it; the others wait in line. */
  readonly reorderChance: number;
  /** The chance that a node is told (onLost) of a peer that is not there. */
  readonly lossNoticeChance: number;
}

/** A calm data center: nothing is lost, nothing overtakes. */
export const QUIET_LINK: LinkQuality = {
  delayMsMin: 0.1,
  delayMsMean: 0.1,
  tailChance: 0,
  tailMs: 0,
  lossChance: 0,
  duplicateChance: 0,
  reorderChance: 0,
  lossNoticeChance: 1,
};

export class SimLink {
  /** Where it differs from the quality of the whole network. */
  own: Partial<LinkQuality> = {};
  isCut = false;
  #lastArrivalMs = 0;

  /** How long a frame that is sent now is under way; those that keep their order wait in line. */
  drawDelayMs(quality: LinkQuality, nowMs: number, random: SimRandom): number {
    let delayMs = quality.delayMsMin + random.exponential(quality.delayMsMean);
    if (random.chance(quality.tailChance)) delayMs += random.unit() * quality.tailMs;
    if (random.chance(quality.reorderChance)) return delayMs;
    this.#lastArrivalMs = Math.max(nowMs + delayMs, this.#lastArrivalMs + IN_LINE_MS);
    return this.#lastArrivalMs - nowMs;
  }
}
