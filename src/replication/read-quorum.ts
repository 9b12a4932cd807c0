// The counting of one read: whose version of the object is known, what the answer is once R are,
// and who turned out to be behind it. Versions come first, without values; values only from
// somebody whose version adds something to ours.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { mergeObjects, type ObjectVersion, subsumes } from '../causality/siblings.ts';
import { descends, EMPTY_VECTOR, type VersionVector } from '../causality/version-vector.ts';
import type { MemberIndex } from './peers.ts';
import type { NoAnswer } from './request.ts';

const NOTHING: ObjectVersion = { context: EMPTY_VECTOR, siblings: [] };

export class ReadQuorum {
  readonly #needed: number;
  readonly #after: VersionVector;
  readonly #versions = new Map<MemberIndex, ObjectVersion>();

  /** `after`: what those who answer must know together, however many they are. */
  constructor(needed: number, after = EMPTY_VECTOR) {
    this.#needed = needed;
    this.#after = after;
  }

  get needed(): number {
    return this.#needed;
  }

  get got(): number {
    return this.#versions.size;
  }

  get answered(): MemberIndex[] {
    return [...this.#versions.keys()];
  }

  /** `undefined`: the member has never heard of the key. */
  addVersion(member: MemberIndex, version: ObjectVersion | undefined): void {
    this.#versions.set(member, version ?? NOTHING);
  }

  /** The member cannot answer, or not any more: what it said does not count. */
  addFailure(member: MemberIndex): void {
    this.#versions.delete(member);
  }

  isDecided(): boolean {
    return this.#versions.size >= this.#needed && !this.#isBehind();
  }

  /** How many more answers it takes at least; 0 when it is decided. */
  lacking(): number {
    const lacking = this.#needed - this.#versions.size;
    return lacking > 0 ? lacking : this.#isBehind() ? 1 : 0;
  }

  /** Why it is not decided. */
  noAnswer(): NoAnswer {
    const counts = { needed: this.#needed, got: this.got } as const;
    if (this.got < this.#needed) return { kind: 'no-answer', ...counts };
    return { kind: 'no-answer', ...counts, isBehind: true };
  }

  /** All that those who answered know, without values. */
  merged(): ObjectVersion {
    let merged = NOTHING;
    for (const version of this.#versions.values()) merged = mergeObjects(merged, version);
    return merged;
  }

  /** The fewest members whose whole copies complete `have` to the merged version. */
  sources(have: ObjectVersion): MemberIndex[] {
    const sources: MemberIndex[] = [];
    let known = have;
    for (const [member, version] of this.#versions) {
      if (subsumes(known, version)) continue;
      sources.push(member);
      known = mergeObjects(known, version);
    }
    return sources;
  }

  /** Members that answered with less than `newest`: whom read repair brings up to date. */
  stale(newest: ObjectVersion): MemberIndex[] {
    const stale: MemberIndex[] = [];
    for (const [member, version] of this.#versions) {
      if (!subsumes(version, newest)) stale.push(member);
    }
    return stale;
  }

  #isBehind(): boolean {
    if (this.#after.length === 0) return false;
    return !descends(this.merged().context, this.#after);
  }
}
