// The counting of one write: who holds it durably, and is that enough yet. N copies are always
// sent; the need only says which answers to wait for (Dynamo, section 4.5; levels/need.ts).
// Preference lists hold distinct hosts only, so counting members counts hosts; a fallback counts in
// the place of the primary that it stands in for.
//
// Invariant: at least one of those who fill the need is a primary, unless the coordinator itself
// only stands in. What all primaries of a key have confirmed is then all that was ever acknowledged
// of what primaries gave names to, whatever hints are still on their way: floors and closed
// incarnations (causality/pruning.ts) rest on it.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { bitCount } from '../base/bits.ts';
import type { Need, Places, Progress, Share } from './levels/need.ts';
import type { MemberIndex } from './peers.ts';

const NOBODY: readonly MemberIndex[] = [];

export class WriteQuorum {
  readonly #need: Need;
  readonly #primaries: readonly MemberIndex[];
  readonly #places: Places;
  readonly #needsPrimary: boolean;
  /** All the bits below. */
  readonly #everyone: number;
  /** One bit for each place in #primaries: who holds it, himself or by a fallback; who cannot. */
  #held = 0;
  #failed = 0;
  /** Of #held those that hold it themselves. */
  #acked = 0;
  /** By the place of the primary; few writes need one. */
  #standIns: (MemberIndex | undefined)[] | undefined;

  constructor(
    need: Need,
    primaries: readonly MemberIndex[],
    places: Places,
    needsPrimary: boolean,
  ) {
    this.#need = need;
    this.#primaries = primaries;
    this.#places = places;
    this.#needsPrimary = needsPrimary;
    this.#everyone = -1 >>> (32 - primaries.length);
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
    return this.#acked === this.#everyone;
  }

  /** Each primary answers once, this way or another. */
  addAck(member: MemberIndex): void {
    const bit = this.#bitOf(member);
    this.#acked |= bit;
    this.#held |= bit;
  }

  /** `fallback` holds it, with a hint for `primary`. */
  addStandIn(primary: MemberIndex, fallback: MemberIndex): void {
    this.#standIns ??= [];
    this.#standIns[this.#primaries.indexOf(primary)] = fallback;
    this.#held |= this.#bitOf(primary);
  }

  addFailure(member: MemberIndex): void {
    this.#failed |= this.#bitOf(member);
  }

  /** reached: all shares are full, a primary holds it where it must. impossible: one cannot be. */
  state(): 'waiting' | 'reached' | 'impossible' {
    let isReached = this.#acked !== 0 || !this.#needsPrimary;
    let isHopeless = this.isComplete();
    for (const share of this.#need) {
      const places = this.#placesOf(share);
      isReached &&= bitCount(this.#held & places) >= share.needed;
      isHopeless ||= bitCount(places & ~this.#failed) < share.needed;
    }
    return isReached ? 'reached' : isHopeless ? 'impossible' : 'waiting';
  }

  /** How far it has come. */
  progress(): Progress {
    const counts = this.#need.map((share) => {
      return { ...share, got: bitCount(this.#held & this.#placesOf(share)) };
    });
    return counts.find(({ needed, got }) => got < needed) ?? (counts[0] as Progress);
  }

  /** Whether the answer of `primary`, or of who stands in for it, is the only one missing. */
  waitsOnlyFor(primary: MemberIndex): boolean {
    return (this.#everyone & ~(this.#held | this.#failed)) === this.#bitOf(primary);
  }

  /** Whether every member that was asked has answered, one way or the other. */
  isComplete(): boolean {
    return (this.#held | this.#failed) === this.#everyone;
  }

  #bitOf(member: MemberIndex): number {
    return 1 << this.#primaries.indexOf(member);
  }

  /** One bit for each primary that counts for it. */
  #placesOf({ dataCenter }: Share): number {
    if (dataCenter === undefined) return this.#everyone;
    let places = 0;
    for (const member of this.#primaries) {
      if (this.#places.dataCenterOf(member) === dataCenter) places |= this.#bitOf(member);
    }
    return places;
  }
}
