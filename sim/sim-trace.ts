// What happened in a simulated world, as a hash of everything and the text of the end.
//
// Two runs of one seed are the same run exactly when their hashes are equal; a difference means
// that something outside the host seam got in. The hash chains the time and text of every event
// in two lanes of 32 bits (FNV-1a with two primes): against accident, not against an attacker.

export class SimTrace {
  #lane1 = 0x811c_9dc5;
  #lane2 = 0x9747_b28c;
  #count = 0;
  /** A ring: entry n stands at n mod its length. */
  readonly #last: string[];
  readonly #lastAtUs: number[];
  readonly #linesKept: number;

  constructor(linesKept: number) {
    this.#linesKept = linesKept;
    this.#last = [];
    this.#lastAtUs = [];
  }

  /** Events so far. */
  get count(): number {
    return this.#count;
  }

  note(atUs: number, text: string): void {
    this.#mix(atUs >>> 0);
    this.#mix(Math.floor(atUs / 2 ** 32));
    for (let at = 0; at < text.length; at++) this.#mix(text.charCodeAt(at));
    if (this.#linesKept > 0) {
      this.#last[this.#count % this.#linesKept] = text;
      this.#lastAtUs[this.#count % this.#linesKept] = atUs;
    }
    this.#count += 1;
  }

  hash(): string {
    return [this.#lane1, this.#lane2]
      .map((lane) => (lane >>> 0).toString(16).padStart(8, '0'))
      .join('');
  }

  /** The last events, oldest first, each with its virtual time in milliseconds. */
  lines(): string[] {
    const kept = Math.min(this.#count, this.#linesKept);
    return Array.from({ length: kept }, (_, n) => {
      const at = (this.#count - kept + n) % this.#linesKept;
      return `${((this.#lastAtUs[at] as number) / 1000).toFixed(3)} ${this.#last[at]}`;
    });
  }

  #mix(word: number): void {
    this.#lane1 = Math.imul(this.#lane1 ^ word, 0x0100_0193);
    this.#lane2 = Math.imul(this.#lane2 ^ word, 0x5bd1_e995);
    this.#lane2 ^= this.#lane2 >>> 15;
  }
}
