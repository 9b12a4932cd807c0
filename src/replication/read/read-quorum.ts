// The counting of one read: whose version of the object is known, what the answer is once R are,
// and who turned out to be behind it. Versions come first, without values; values only from
// somebody whose version adds something to ours. Who is being refilled tells what it has, and
// counts only when nobody else is left who could know more.
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
import type { MemberIndex } from '../peers.ts';
import type { NoAnswer } from '../request.ts';

const NOTHING: ObjectVersion = { context: EMPTY_VECTOR, siblings: [] };
const NOBODY: readonly MemberIndex[] = [];

export class ReadQuorum {
  readonly #needed: number;
  readonly #after: VersionVector;
  /** In the order in which they answered; each has its version at the same place below. */
  readonly #members: MemberIndex[];
  readonly #versions: ObjectVersion[];
  #got = 0;
  /** Those of them that are being refilled, and do not count. */
  #refilling: readonly MemberIndex[] = NOBODY;

  /** `after`: what those who answer must know together, however many they are. */
  constructor(needed: number, after = EMPTY_VECTOR) {
    this.#needed = needed;
    this.#after = after;
    this.#members = new Array<MemberIndex>(needed);
    this.#versions = new Array<ObjectVersion>(needed);
  }

  get needed(): number {
    return this.#needed;
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

  isDecided(): boolean {
    return this.lacking() === 0;
  }

  /** How many more answers it takes at least; 0 when it is decided. */
  lacking(): number {
    const lacking = this.#needed - this.#got + this.#refilling.length;
    return lacking > 0 ? lacking : this.#isBehind() ? 1 : 0;
  }

  /** Why it is not decided. */
  noAnswer(): NoAnswer {
    const got = this.#got - this.#refilling.length;
    const counts = { needed: this.#needed, got } as const;
    if (this.#got < this.#needed) return { kind: 'no-answer', ...counts };
    if (got < this.#needed) return { kind: 'no-answer', ...counts, isRefilling: true };
    return { kind: 'no-answer', ...counts, isBehind: true };
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

  #isBehind(): boolean {
    if (this.#after.length === 0) return false;
    return !descends(this.merged().context, this.#after);
  }
}
