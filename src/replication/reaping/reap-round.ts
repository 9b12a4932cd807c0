// One round that raises the floor of a slot (floor.ts), as its leader does it. Any primary may
// lead; all must live. Whoever is lost on the way ends it, and half a round does no harm: a floor
// says what its own node has, and who took it is level whether the others took it or not.
//
//   1. open    all primaries say how far they have counted, what time it is, and their floors
//   2. level   their keys are compared, page by page; where versions differ all get the merged
//              object, and confirm it
//   3. raise   all get the floor that covers what was counted in 1
//
// Where a key was written while no primary could be reached, others have given names as well. All
// fallbacks are then opened after 2, and the floor covers those names too if nobody keeps writes of
// the slot for others: then all primaries have confirmed whatever had been named by then.
//
// Why it is true: a write with a name from before 1 was in its writer's copy when that was listed
// in 2, and from there came to all. Where its key is not there any more, the floor of that primary
// covers it, for floors change in rounds only and one round closes another.

import type { Slot } from '../../base/ids.ts';
import { nodeNumberOf } from '../../causality/dot.ts';
import { decodeObject, encodeObject } from '../../causality/object-format.ts';
import {
  isBehind,
  mergeObjects,
  type ObjectVersion,
  type StoredObject,
} from '../../causality/siblings.ts';
import { CUT, isAheadOf, type VersionVector } from '../../causality/version-vector.ts';
import { resolved } from '../conflict-rule.ts';
import type { Keyspace } from '../keyspace.ts';
import { commonEnd, type KeyVersions, versionsByKey } from '../listing/listed-keys.ts';
import type { KeyAt, Opened, Reply, Request, SlotAt } from '../messages.ts';
import type { Answer, MemberIndex } from '../peers.ts';
import type { KeyPosition } from '../request.ts';
import { raisedFloor } from './floor.ts';
import type { FloorBook } from './floor-book.ts';

export interface RoundTask {
  readonly keyspace: Keyspace;
  readonly slot: Slot;
  readonly primaries: readonly MemberIndex[];
  /** All who may keep writes of the slot for others. */
  readonly fallbacks: readonly MemberIndex[];
  readonly numberOf: (member: MemberIndex) => number;
}

/** Asks any member, this node too. */
export type Ask = (member: MemberIndex, request: Request) => Promise<Answer>;

/** Small enough that nobody is busy with it for long. */
const KEYS_PER_PAGE = 1_000;
/** Keys that are brought level at once. */
const LEVEL_AT_ONCE = 16;

export class ReapRound {
  readonly #ask: Ask;
  readonly #floors: FloorBook;
  readonly #task: RoundTask;
  readonly #numbers: ReadonlySet<number>;
  /** Numbers of those who have given names though they are no primaries. */
  readonly #strangers = new Set<number>();

  constructor(ask: Ask, floors: FloorBook, task: RoundTask) {
    this.#ask = ask;
    this.#floors = floors;
    this.#task = task;
    this.#numbers = new Set(task.primaries.map(task.numberOf));
  }

  /** Whether all primaries have raised their floors. Never rejects. */
  async run(): Promise<boolean> {
    const { primaries } = this.#task;
    const at = { keyspace: this.#task.keyspace.number, slot: this.#task.slot };
    const opened = await this.#open(at);
    if (opened === undefined || !(await this.#level(opened))) return false;
    const nowMs = Math.min(...opened.map(({ wallMs }) => wallMs));
    const floor = raisedFloor([...opened, ...(await this.#openStrangers(at, raisedFloor(opened)))]);
    const raise = { ...at, kind: 'raise-floor', floor, nowMs } as const;
    const answers = await Promise.all(
      primaries.map((member, place) => {
        return this.#ask(member, { ...raise, token: (opened[place] as Opened).token });
      }),
    );
    return answers.every((answer) => answer.kind === 'raised');
  }

  /**
   * A primary whose directory went back in time may be behind a floor that only another one has:
   * it is shown that in a second opening, so that it goes on as a new actor, beyond all floors.
   */
  async #open(at: SlotAt): Promise<readonly Opened[] | undefined> {
    let floor = this.#floors.floorOf(at);
    for (let openings = 0; openings < 2; openings++) {
      const request = { ...at, kind: 'open-round', floor } as const;
      const opened = await this.#all(this.#task.primaries, 'opened', request);
      if (opened === undefined) return undefined;
      floor = raisedFloor(opened);
      if (!opened.some(({ last }) => isAheadOf(floor, last))) return opened;
    }
    return undefined;
  }

  /** Nobody, where any fallback still keeps writes for others, or is away. */
  async #openStrangers(at: SlotAt, floor: VersionVector): Promise<readonly Opened[]> {
    if (this.#strangers.size === 0) return [];
    const { fallbacks, numberOf } = this.#task;
    const opened = await this.#all(fallbacks, 'opened', { ...at, kind: 'open-round', floor });
    if (opened === undefined || opened.some(({ last }) => isAheadOf(floor, last))) return [];
    return opened.filter((_, place) => this.#strangers.has(numberOf(fallbacks[place] as number)));
  }

  async #level(opened: readonly Opened[]): Promise<boolean> {
    const { keyspace, slot, primaries } = this.#task;
    const absent = opened.map(({ floor }): ObjectVersion => ({ context: floor, siblings: [] }));
    let from: KeyPosition | undefined = { slot, hash: 0 };
    while (from !== undefined) {
      const page = { from, toSlot: slot, count: KEYS_PER_PAGE } as const;
      const request = { ...page, kind: 'list-slots', keyspace: keyspace.number } as const;
      const listings = await this.#all(primaries, 'listing', request);
      if (listings === undefined) return false;
      from = commonEnd(listings);
      const uneven = versionsByKey(listings, from)
        .map((each): [KeyVersions, MemberIndex[]] => [each, this.#behind(each, absent)])
        .filter(([, behind]) => behind.length > 0);
      for (let i = 0; i < uneven.length; i += LEVEL_AT_ONCE) {
        const some = uneven.slice(i, i + LEVEL_AT_ONCE);
        const are = await Promise.all(some.map(([{ key }, who]) => this.#levelKey(key, who)));
        if (are.includes(false)) return false;
      }
    }
    return true;
  }

  /** Those who know less of the key than all of them together. */
  #behind({ versions }: KeyVersions, absent: readonly ObjectVersion[]): MemberIndex[] {
    const all = versions.map((version, place) => version ?? (absent[place] as ObjectVersion));
    const merged = all.reduce((one, other) => mergeObjects(one, other));
    for (const { actor } of merged.context) {
      const number = nodeNumberOf(actor);
      if (actor !== CUT && !this.#numbers.has(number)) this.#strangers.add(number);
    }
    return this.#task.primaries.filter((_, place) => {
      return isBehind(all[place] as ObjectVersion, merged);
    });
  }

  async #levelKey(key: Buffer, behind: readonly MemberIndex[]): Promise<boolean> {
    const { keyspace, slot, primaries } = this.#task;
    const at: KeyAt = { keyspace: keyspace.number, slot, key };
    const copies = await this.#all(primaries, 'object', { ...at, kind: 'read-object' });
    if (copies === undefined) return false;
    const objects = copies.flatMap(({ object }) => {
      return object === undefined ? [] : [decodeObject(object)];
    });
    if (objects.length === 0) return true;
    const merged = objects.reduce<StoredObject>(
      (one, other) => resolved(keyspace, mergeObjects(one, other)),
      objects[0] as StoredObject,
    );
    const object = encodeObject(merged);
    const stored = await this.#all(behind, 'stored', { ...at, kind: 'store-copy', object });
    return stored !== undefined;
  }

  /** What each of them replies; undefined when one does not reply that. */
  async #all<Kind extends Reply['kind']>(
    members: readonly MemberIndex[],
    kind: Kind,
    request: Request,
  ): Promise<Extract<Reply, { kind: Kind }>[] | undefined> {
    const answers = await Promise.all(members.map((member) => this.#ask(member, request)));
    const wanted = answers.filter((answer) => answer.kind === kind);
    return wanted.length < answers.length
      ? undefined
      : (wanted as Extract<Reply, { kind: Kind }>[]);
  }
}
