// The counting of one write: who holds it durably, and is that enough yet. N copies are always
// sent; W only says how many answers to wait for (Dynamo, section 4.5). Preference lists hold
// distinct hosts only, so counting members counts hosts.
//
// Pure: no clock, no disk, no network; dice are an argument.

import type { MemberIndex } from './peers.ts';

export class WriteQuorum {
  readonly #needed: number;
  readonly #primaries: readonly MemberIndex[];
  /** One bit for each place in #primaries. */
  #acked = 0;
  #got = 0;
  #failed = 0;

  constructor(needed: number, primaries: readonly MemberIndex[]) {
    this.#needed = needed;
    this.#primaries = primaries;
  }

  get needed(): number {
    return this.#needed;
  }

  /** Members that hold the write durably, in the order of the preference list. */
  get acked(): readonly MemberIndex[] {
    return this.#primaries.filter((_, place) => (this.#acked & (1 << place)) !== 0);
  }

  get got(): number {
    return this.#got;
  }

  /** Each primary answers once, this way or the other. */
  addAck(member: MemberIndex): void {
    this.#acked |= 1 << this.#primaries.indexOf(member);
    this.#got += 1;
  }

  addFailure(): void {
    this.#failed += 1;
  }

  /** reached: W hold it. impossible: too many cannot. Otherwise: wait. */
  state(): 'waiting' | 'reached' | 'impossible' {
    if (this.#got >= this.#needed) return 'reached';
    return this.#primaries.length - this.#failed < this.#needed ? 'impossible' : 'waiting';
  }

  /** Whether `member`, who has not answered yet, is the only one missing. */
  waitsOnlyFor(member: MemberIndex): boolean {
    const missing = this.#primaries.length - this.#failed - this.#got;
    return missing === 1 && (this.#acked & (1 << this.#primaries.indexOf(member))) === 0;
  }

  /** Whether every member that was asked has answered, one way or the other. */
  isComplete(): boolean {
    return this.#got + this.#failed === this.#primaries.length;
  }
}
