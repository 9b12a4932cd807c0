// The counting of one read: whose version of the object is known, what the answer is once as many
// are as the read needs, and who turned out to be behind it. Versions come first, without values;
// values only from somebody whose version adds something to ours. Who is being refilled tells what
// it has, and counts only when nobody else is left who could know more.
//
// Pure: no clock, no disk, no network; dice are an argument.

import {
  isBehind,
  mergeObjects,
  type ObjectVersion,
  type StoredObject,
  subsumes,
} from '../../causality/siblings.ts';
import { descends, EMPTY_VECTOR, type VersionVector } from '../../causality/version-vector.ts';
import { counts, type Need, type Places, type Progress, type Share } from '../levels/need.ts';
import type { MemberIndex } from '../peers.ts';
import type { NoAnswer } from '../request.ts';

const NOTHING: ObjectVersion = { context: EMPTY_VECTOR, siblings: [] };
const NOBODY: readonly MemberIndex[] = [];

export class ReadQuorum {
  readonly need: Need;
  readonly #places: Places;
  readonly #after: VersionVector;
  /** In the order in which they answered; each has its version at the same place below. */
  readonly #members: MemberIndex[];
  readonly #versions: ObjectVersion[];
  #got = 0;
  /** Those of them that are being refilled, and do not count. */
  #refilling: readonly MemberIndex[] = NOBODY;

  /** `after`: what those who answer must know together, however many they are. */
  constructor(need: Need, places: Places, after = EMPTY_VECTOR) {
    const [{ needed }] = need as [Share];
    this.need = need;
    this.#places = places;
    this.#after = after;
    this.#members = new Array<MemberIndex>(needed);
    this.#versions = new Array<ObjectVersion>(needed);
  }

  get got(): number {
    return this.#got;
  }

  get answered(): readonly MemberIndex[] {
    return this.#members.slice(0, this.#got);
  }

  /** `undefined`: the member knows nothing of the key. */
  addVersion(member: MemberIndex, version: ObjectVersion | undefined): void {
    this.#members[this.#got] = member;
    this.#versions[this.#got] = version ?? NOTHING;
    this.#got += 1;
  }

  /** The same of one that is being refilled. */
  addRefilling(member: MemberIndex, version: ObjectVersion | undefined): void {
    this.addVersion(member, version);
    this.#refilling = [...this.#refilling, member];
  }

  get refilling(): number {
    return this.#refilling.length;
  }

  /** From here on those count as well that are being refilled. */
  countRefilling(): void {
    this.#refilling = NOBODY;
  }

  /** The member cannot answer, or not any more: what it said does not count. */
  addFailure(member: MemberIndex): void {
    const place = this.#members.indexOf(member);
    if (place < 0) return;
    this.#refilling = this.#refilling.filter((each) => each !== member);
    this.#members.splice(place, 1);
    this.#versions.splice(place, 1);
    this.#got -= 1;
  }

  /** Every share is full, and those who answered know what they must. */
  isDecided(): boolean {
    return this.isFull() && !this.isBehind();
  }

  /** How many answers the share still lacks. */
  lacking(share: Share): number {
    return Math.max(0, share.needed - this.#gotOf(share));
  }

  isFull(): boolean {
    for (const share of this.need) if (this.lacking(share) > 0) return false;
    return true;
  }

  /** Whether all that those who answered know together is less than it must be. */
  isBehind(): boolean {
    if (this.#after.length === 0) return false;
    return !descends(this.merged().context, this.#after);
  }

  /** Why it is not decided. */
  noAnswer(): NoAnswer {
    const progress = this.#progress();
    const isFull = progress.got >= progress.needed;
    if (isFull) return { kind: 'no-answer', ...progress, isBehind: true };
    if (this.refilling === 0) return { kind: 'no-answer', ...progress };
    return { kind: 'no-answer', ...progress, isRefilling: true };
  }

  /** All that those who answered know, without values. */
  merged(): ObjectVersion {
    let merged = NOTHING;
    for (let i = 0; i < this.#got; i++) merged = mergeObjects(merged, this.#versionAt(i));
    return merged;
  }

  /** `have` after what those say who have no sibling: there are no values to fetch from them. */
  withAbsences(have: StoredObject): StoredObject {
    let object = have;
    for (let i = 0; i < this.#got; i++) {
      const version = this.#versionAt(i);
      if (version.siblings.length > 0 || version === NOTHING) continue;
      object = mergeObjects(object, { ...version, siblings: [] });
    }
    return object;
  }

  /** The fewest members whose whole copies complete `have` to the merged version. */
  sources(have: ObjectVersion): readonly MemberIndex[] {
    let sources: MemberIndex[] | undefined;
    let known = have;
    for (let i = 0; i < this.#got; i++) {
      const version = this.#versionAt(i);
      if (subsumes(known, version)) continue;
      sources ??= [];
      sources.push(this.#members[i] as MemberIndex);
      known = mergeObjects(known, version);
    }
    return sources ?? NOBODY;
  }

  /** Members that answered with less than `newest`: whom read repair brings up to date. */
  stale(newest: ObjectVersion): readonly MemberIndex[] {
    let stale: MemberIndex[] | undefined;
    for (let i = 0; i < this.#got; i++) {
      if (!isBehind(this.#versionAt(i), newest)) continue;
      stale ??= [];
      stale.push(this.#members[i] as MemberIndex);
    }
    return stale ?? NOBODY;
  }

  #versionAt(place: number): ObjectVersion {
    return this.#versions[place] as ObjectVersion;
  }

  #progress(): Progress {
    const lacking = this.need.find((share) => this.lacking(share) > 0);
    const share = lacking ?? (this.need[0] as Share);
    return { ...share, got: this.#gotOf(share) };
  }

  #gotOf(share: Share): number {
    if (share.dataCenter === undefined) return this.#got - this.#refilling.length;
    let got = 0;
    for (let i = 0; i < this.#got; i++) {
      const member = this.#members[i] as MemberIndex;
      if (counts(share, this.#places, member) && !this.#refilling.includes(member)) got += 1;
    }
    return got;
  }
}
