// The counting of one read: whose version of the object is known, what the answer is once R are,
// and who turned out to be behind it. Versions come first, without values; values only from
// somebody whose version adds something to ours.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { mergeObjects, type ObjectVersion, subsumes } from '../causality/siblings.ts';
import type { MemberIndex } from './peers.ts';

const NOTHING: ObjectVersion = { context: [], siblings: [] };

export class ReadQuorum {
  readonly #needed: number;
  readonly #versions = new Map<MemberIndex, ObjectVersion>();

  constructor(needed: number) {
    this.#needed = needed;
  }

  get needed(): number {
    return this.#needed;
  }

  get got(): number {
    return this.#versions.size;
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
    return this.#versions.size >= this.#needed;
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
}
