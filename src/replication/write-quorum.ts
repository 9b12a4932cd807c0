// The counting of one write: who holds it durably, and is that enough yet. N copies are always
// sent; W only says how many answers to wait for (Dynamo, section 4.5). Preference lists hold
// distinct hosts only, so counting members counts hosts.
//
// Pure: no clock, no disk, no network; dice are an argument.

import type { MemberIndex } from './peers.ts';

export class WriteQuorum {
  readonly #needed: number;
  readonly #asked: number;
  readonly #acked: MemberIndex[] = [];
  #failed = 0;

  constructor(needed: number, asked: number) {
    this.#needed = needed;
    this.#asked = asked;
  }

  get needed(): number {
    return this.#needed;
  }

  /** Members that hold the write durably, in the order in which they said so. */
  get acked(): readonly MemberIndex[] {
    return this.#acked;
  }

  get got(): number {
    return this.#acked.length;
  }

  addAck(member: MemberIndex): void {
    this.#acked.push(member);
  }

  addFailure(): void {
    this.#failed += 1;
  }

  /** reached: W hold it. impossible: too many cannot. Otherwise: wait. */
  state(): 'waiting' | 'reached' | 'impossible' {
    if (this.#acked.length >= this.#needed) return 'reached';
    return this.#asked - this.#failed < this.#needed ? 'impossible' : 'waiting';
  }

  /** Whether `member`, who has not answered yet, is the only one missing. */
  waitsOnlyFor(member: MemberIndex): boolean {
    const missing = this.#asked - this.#failed - this.#acked.length;
    return missing === 1 && !this.#acked.includes(member);
  }

  /** Whether every member that was asked has answered, one way or the other. */
  isComplete(): boolean {
    return this.#acked.length + this.#failed === this.#asked;
  }
}
