// How long all but a few of the last answers took: a quantile of a stream of latencies, from counts
// in buckets. Four buckets make a doubling, so that no figure is more than a quarter too high
// (the idea of HdrHistogram). Old answers fade: whenever WINDOW are counted, all counts are halved.
//
// Pure: no clock, no disk, no network; dice are an argument.

/** Buckets are bounded in this fraction of a millisecond. */
const UNITS_PER_MS = 32;
/** 2^19 units: answers of more than 16 s are of 16 s. */
const UNITS_MAX = 2 ** 19 - 1;
const BUCKETS = 72;

const WINDOW = 512;
/** The quantile is looked up anew so often, in answers. */
const LOOK_UP_EVERY = 32;

export class LatencyQuantile {
  readonly #share: number;
  readonly #counts = new Uint16Array(BUCKETS);
  #total = 0;
  #ms: number | undefined;

  /** `share`: 0.95 for what 95 of 100 answers keep to. */
  constructor(share: number) {
    this.#share = share;
  }

  /** Milliseconds; undefined before the first 32 answers. */
  get ms(): number | undefined {
    return this.#ms;
  }

  add(ms: number): void {
    const bucket = bucketOf(ms);
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#total += 1;
    if (this.#total % LOOK_UP_EVERY !== 0) return;
    this.#ms = this.#lookUp();
    if (this.#total >= WINDOW) this.#fade();
  }

  #lookUp(): number {
    let left = this.#total * this.#share;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.#counts[bucket] as number;
      if (left <= 0) return boundOf(bucket);
    }
    return boundOf(BUCKETS - 1);
  }

  #fade(): void {
    this.#total = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const half = (this.#counts[bucket] as number) >>> 1;
      this.#counts[bucket] = half;
      this.#total += half;
    }
  }
}

/** Four of one unit each, then four to each doubling: the highest bit and the two behind it. */
function bucketOf(ms: number): number {
  const units = Math.min(UNITS_MAX, ms * UNITS_PER_MS) | 0;
  if (units < 4) return units;
  const exponent = 31 - Math.clz32(units);
  return (exponent - 1) * 4 + ((units >>> (exponent - 2)) & 3);
}

/** Milliseconds that all of the bucket are below. */
function boundOf(bucket: number): number {
  if (bucket < 4) return (bucket + 1) / UNITS_PER_MS;
  const exponent = (bucket >>> 2) + 1;
  return (((bucket & 3) + 5) * 2 ** (exponent - 2)) / UNITS_PER_MS;
}
