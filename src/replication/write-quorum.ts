// The counting of one write: who holds it durably, and is that enough yet. N copies are always
// sent; W only says how many answers to wait for (Dynamo, section 4.5). Preference lists hold
// distinct hosts only, so counting members counts hosts; a fallback counts in the place of the
// primary that it stands in for.
//
// Invariant: at least one of those who make W full is a primary, unless the coordinator itself only
// stands in. What all primaries of a key have confirmed is then all that was ever acknowledged of
// what primaries gave names to, whatever hints are still on their way: floors and closed
// incarnations (causality/pruning.ts) rest on it.
//
// Pure: no clock, no disk, no network; dice are an argument.

import type { MemberIndex } from './peers.ts';

const NOBODY: readonly MemberIndex[] = [];

export class WriteQuorum {
  readonly #needed: number;
  readonly #primaries: readonly MemberIndex[];
  readonly #needsPrimary: boolean;
  /** One bit for each place in #primaries. */
  #acked = 0;
  #got = 0;
  #failed = 0;
  /** By the place of the primary; few writes need one. */
  #standIns: (MemberIndex | undefined)[] | undefined;

  constructor(needed: number, primaries: readonly MemberIndex[], needsPrimary: boolean) {
    this.#needed = needed;
    this.#primaries = primaries;
    this.#needsPrimary = needsPrimary;
  }

  get needed(): number {
    return this.#needed;
  }

  /** Members that hold the write durably, in the order of the preference list. */
  get acked(): readonly MemberIndex[] {
    const held = this.#primaries.filter((_, place) => (this.#acked & (1 << place)) !== 0);
    return this.#standIns === undefined ? held : [...held, ...this.standIns];
  }

  /** Those of them that are fallbacks. */
  get standIns(): readonly MemberIndex[] {
    return this.#standIns?.filter((member) => member !== undefined) ?? NOBODY;
  }

  /** Whether every primary holds it. */
  isEverywhere(): boolean {
    return this.#acked === 2 ** this.#primaries.length - 1;
  }

  get got(): number {
    return this.#got;
  }

  /** Each primary answers once, this way or the other. */
  addAck(member: MemberIndex): void {
    this.#acked |= 1 << this.#primaries.indexOf(member);
    this.#got += 1;
  }

  /** `fallback` holds it, with a hint for `primary`. */
  addStandIn(primary: MemberIndex, fallback: MemberIndex): void {
    this.#standIns ??= [];
    this.#standIns[this.#primaries.indexOf(primary)] = fallback;
    this.#got += 1;
  }

  addFailure(): void {
    this.#failed += 1;
  }

  /** reached: W hold it, a primary where it must. impossible: too many cannot. Otherwise: wait. */
  state(): 'waiting' | 'reached' | 'impossible' {
    const isByPrimary = this.#acked !== 0 || !this.#needsPrimary;
    if (this.#got >= this.#needed && isByPrimary) return 'reached';
    const isHopeless = this.#primaries.length - this.#failed < this.#needed;
    return isHopeless || this.isComplete() ? 'impossible' : 'waiting';
  }

  /** Whether the answer of `primary`, or of who stands in for it, is the only one missing. */
  waitsOnlyFor(primary: MemberIndex): boolean {
    const missing = this.#primaries.length - this.#failed - this.#got;
    const place = this.#primaries.indexOf(primary);
    const isThere = (this.#acked & (1 << place)) !== 0 || this.#standIns?.[place] !== undefined;
    return missing === 1 && !isThere;
  }

  /** Whether every member that was asked has answered, one way or the other. */
  isComplete(): boolean {
    return this.#got + this.#failed === this.#primaries.length;
  }
}
