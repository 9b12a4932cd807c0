// Brings two copies of some slots level: the keys that differ are found by their prints, and of
// each key of which one side knows more the other gets the object. Of a slot of many keys only
// those buckets are looked at that differ. Whoever has less merges: nothing is ever taken back, so
// it does no harm when both sides do this at once, or clients write meanwhile.
//
// What there is to be asked stands in a row of parts. A message takes as many as go into it; what
// its answer leaves open goes back into the row.

import { hasCode } from '../../base/errors.ts';
import { fanOut } from '../../base/fan-out.ts';
import type { Slot } from '../../base/ids.ts';
import type { Engine } from '../../storage/engine.ts';
import type { Keyspace } from '../keyspace.ts';
import type { AnsweredPart, HashRange, SlotAt } from '../messages.ts';
import { answerOf, type MemberIndex } from '../peers.ts';
import type { RefillBook } from '../refill/refill-book.ts';
import { digestOf } from './key-digest.ts';
import { type DigestedKey, differencesIn, printsOf } from './key-prints.ts';
import {
  type ExchangeCounters,
  type Exchanged,
  type ExchangeParts,
  ObjectExchange,
} from './object-exchange.ts';
import { bucketDigests } from './slot-buckets.ts';
import { KEYS_MAX, slotKeys } from './slot-keys.ts';
import { BUCKET_COUNT, BUCKET_HASHES } from './tree-shape.ts';

export interface SlotRepairParts extends ExchangeParts {
  readonly engine: Engine;
  readonly refill: RefillBook;
  readonly digestSeed: number;
}

interface Part extends HashRange {
  readonly slot: Slot;
}

/** What is asked of a part. */
interface Told {
  readonly part: Part;
  /** Ours, up to a hash, inclusive. */
  readonly keys: readonly DigestedKey[];
  readonly toHash: number;
}

interface Task {
  readonly member: MemberIndex;
  readonly keyspace: Keyspace;
  readonly exchanged: Map<Slot, Exchanged>;
  /** Of which not everything was told. */
  readonly untold: Set<Slot>;
  /** Still to be asked. */
  readonly row: Part[];
}

/** In one message, when they have few keys. */
export const SLOTS_TOGETHER = 16;

/** Whose buckets are compared beside each other. */
const SLOTS_AT_ONCE = 4;

/** The prints of more keys would cost more than the digests of buckets, and another turn. */
const KEYS_WITHOUT_BUCKETS_MAX = 256;

/** Buckets that are worth prints of their own: each reads its slot. */
const BUCKETS_APART_MAX = 4;

const ALL_HASHES: HashRange = { fromHash: 0, toHash: 2 ** 32 - 1 };

export class SlotRepair {
  readonly #parts: SlotRepairParts;
  readonly #exchange: ObjectExchange;
  /** Of the prints: another one each time. */
  #salt = 0;

  constructor(parts: SlotRepairParts) {
    this.#parts = parts;
    this.#exchange = new ObjectExchange(parts);
  }

  get counters(): ExchangeCounters {
    return this.#exchange.counters;
  }

  /**
   * Of each slot, but for those of which we were not told everything, or cannot read all ourselves.
   * Rejects as our disk, but for that.
   */
  async run(
    member: MemberIndex,
    keyspace: Keyspace,
    slots: readonly Slot[],
  ): Promise<ReadonlyMap<Slot, Exchanged>> {
    const exchanged = new Map(slots.map((slot) => [slot, nothingYet()]));
    const task: Task = { member, keyspace, exchanged, untold: new Set(), row: [] };
    await fanOut(slots, SLOTS_AT_ONCE, (slot) => this.#lineUp(task, slot));
    while (task.row.length > 0) await this.#takeTurn(task);
    await this.#parts.window.drained();
    for (const slot of task.untold) exchanged.delete(slot);
    return exchanged;
  }

  /** The slot, or those parts of it that differ. */
  async #lineUp({ member, keyspace, row, untold }: Task, slot: Slot): Promise<void> {
    const { engine, peers, requestMs, digestSeed } = this.#parts;
    const { number } = keyspace;
    if (engine.countOf(number, slot) <= KEYS_WITHOUT_BUCKETS_MAX) {
      row.push({ slot, ...ALL_HASHES });
      return;
    }
    const buckets = await readable(bucketDigests(engine, digestSeed, number, slot));
    if (buckets === undefined) {
      untold.add(slot);
      return;
    }
    const request = { kind: 'compare-buckets', keyspace: number, slot, buckets } as const;
    const answer = await answerOf(peers, member, request, requestMs);
    if (answer.kind !== 'buckets') untold.add(slot);
    else for (const range of bucketRanges(answer.differing)) row.push({ slot, ...range });
  }

  /** One question about what stands first in the row, and what follows from the answer. */
  async #takeTurn(task: Task): Promise<void> {
    const { peers, requestMs } = this.#parts;
    const { member, keyspace, row } = task;
    const asked = await this.#take(task);
    if (asked.length === 0) return;
    this.#salt = (this.#salt + 1) >>> 0;
    const salt = this.#salt;
    const parts = asked.map(({ part, keys, toHash }) => {
      return { slot: part.slot, fromHash: part.fromHash, toHash, prints: printsOf(keys, salt) };
    });
    const request = { kind: 'compare-keys', keyspace: keyspace.number, salt, parts } as const;
    const answer = await answerOf(peers, member, request, requestMs);
    if (answer.kind !== 'keys' || answer.parts.length === 0) {
      // Who refuses has looked at the first of them only.
      const open = [...asked.map(({ part }) => part), ...row.splice(0)];
      const dropped = answer.kind === 'refused' ? open.splice(0, 1) : open.splice(0);
      for (const { slot } of dropped) task.untold.add(slot);
      row.push(...open);
      return;
    }
    row.unshift(...asked.slice(answer.parts.length).map(({ part }) => part));
    for (const [i, answered] of answer.parts.entries()) {
      const told = asked[i];
      if (told !== undefined) await this.#level(task, told, answered);
    }
  }

  /**
   * From the row, and with what we have there: at least one, unless none can be read, and as many
   * as go into a message.
   */
  async #take({ keyspace, row, untold }: Task): Promise<Told[]> {
    const asked: Told[] = [];
    let keys = 0;
    while (asked.length < SLOTS_TOGETHER && keys < KEYS_MAX) {
      const part = row.shift();
      if (part === undefined) break;
      const at = { keyspace: keyspace.number, slot: part.slot };
      const ours = await readable(slotKeys(this.#parts, at, part));
      if (ours === undefined) untold.add(part.slot);
      else asked.push({ part, ...ours });
      keys += ours?.keys.length ?? 0;
    }
    return asked;
  }

  async #level(task: Task, { part, keys, toHash }: Told, answered: AnsweredPart): Promise<void> {
    const { digestSeed, replica } = this.#parts;
    const { member, keyspace } = task;
    const at: SlotAt = { keyspace: keyspace.number, slot: part.slot };
    const end = Math.min(answered.toHash, toHash);
    const { found, areAll } = differencesIn({
      ours: keys.filter(({ hash }) => hash <= end),
      answer: answered,
      digestOf: ({ key, version }) => digestOf(digestSeed, { ...at, key }, version.context),
      absent: replica.objectOf(at, undefined),
    });
    if (!areAll || end < part.fromHash) task.untold.add(part.slot);
    for (const difference of found) {
      const slot = task.exchanged.get(part.slot) as Exchanged;
      await this.#exchange.begin(member, keyspace, { ...difference, ...at }, slot);
    }
    const isOpen = end >= part.fromHash && end < part.toHash;
    if (isOpen) task.row.push({ ...part, fromHash: end + 1 });
  }
}

/** Undefined: not all of it can. Damage in one slot keeps no other from being levelled. */
async function readable<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (!hasCode(error, 'CORRUPTION')) throw error;
    return undefined;
  }
}

function nothingYet(): Exchanged {
  return { keys: 0, bytes: 0, hasAll: true, isLevel: true };
}

/** The buckets that differ, or the whole slot when many do. */
function bucketRanges(differing: number): HashRange[] {
  const buckets = Array.from({ length: BUCKET_COUNT }, (_, bucket) => bucket);
  const places = buckets.filter((bucket) => ((differing >>> bucket) & 1) === 1);
  if (places.length > BUCKETS_APART_MAX) return [ALL_HASHES];
  return places.map((place) => {
    const fromHash = place * BUCKET_HASHES;
    return { fromHash, toHash: fromHash + BUCKET_HASHES - 1 };
  });
}
