// Rot on the disk of this node heals by itself: slots in which something cannot be read are dropped
// and refilled from the other replicas. Whole slots, for nobody knows what stood where nothing can
// be read, and the digests of the slot count it still.
//
// A slot is dropped only when nothing is lost by it: when another primary lists, and so can read,
// exactly what was ever written here. That a digest says, which damage does not change. Then
//
//   its floor, which vouches for what was there, is taken back; rounds that would raise it fail
//   its copies count for nothing, durably, until it was level with all others (refill-book.ts)
//   it is dropped; with the last of its slots the damaged file goes
//
// in one turn, and anti-entropy refills it. Of our own notes (hints, floors) memory knows enough.

import { KvorumError, messageOf } from '../../base/errors.ts';
import { fanOut } from '../../base/fan-out.ts';
import { ALL_SLOTS, type Slot } from '../../base/ids.ts';
import type { Clock, Log, Timer } from '../../host/host.ts';
import type { Digest, Engine } from '../../storage/engine.ts';
import { digestOf } from '../anti-entropy/key-digest.ts';
import type { ClusterView } from '../cluster-view.ts';
import type { HintBook } from '../hints/hint-book.ts';
import { HINTS_KEYSPACE } from '../hints/hint-record.ts';
import type { Keyspace } from '../keyspace.ts';
import type { SlotsRequest } from '../messages.ts';
import { type Asking, answerOf, type MemberIndex } from '../peers.ts';
import type { DeadSlots } from '../reaping/dead-slots.ts';
import type { FloorBook } from '../reaping/floor-book.ts';
import { REAPING_KEYSPACE } from '../reaping/floor-record.ts';
import type { RoundMember } from '../reaping/round-member.ts';
import type { Replica } from '../replica.ts';
import type { KeyPosition } from '../request.ts';
import type { RefillBook } from './refill-book.ts';

export interface DamageHealerParts {
  readonly engine: Engine;
  readonly replica: Replica;
  readonly refill: RefillBook;
  readonly floors: FloorBook;
  readonly dead: DeadSlots;
  readonly hints: HintBook;
  readonly rounds: RoundMember;
  readonly view: ClusterView;
  readonly peers: Asking;
  readonly clock: Clock;
  readonly log: Log;
  readonly keyspaces: readonly Keyspace[];
  readonly requestMs: number;
  readonly digestSeed: number;
}

/** Between two looks whether anything is damaged. */
const LOOK_MS = 1_000;
/** Each waits for another node to read a slot. */
const SLOTS_AT_ONCE = 8;
/** Those that are dropped together cost one record that they are to be refilled. */
const SLOTS_AT_A_TIME = 256;
const PAGE_KEYS = 1_000;
/** Nothing there. */
const EMPTY: Digest = { high: 0, low: 0 };

export class DamageHealer {
  /** Slots that were dropped, to be refilled. */
  readonly counters = { slotsDropped: 0 };
  readonly #parts: DamageHealerParts;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(parts: DamageHealerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = this.#parts.clock.after(LOOK_MS, () => this.#run());
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  async #run(): Promise<void> {
    try {
      let isHealed = true;
      for (const keyspace of this.#parts.keyspaces) {
        if (!(await this.#healIn(keyspace))) isHealed = false;
      }
      if (isHealed && !this.#isClosed) this.#healNotes();
    } catch (error) {
      // A disk that refuses this refuses writes, and says so there.
      if (!(error instanceof KvorumError)) throw error;
      this.#parts.log.warn('damage not healed', { why: messageOf(error) });
    }
    if (!this.#isClosed) this.start();
  }

  /** Whether nothing of the keyspace is damaged any more. */
  async #healIn(keyspace: Keyspace): Promise<boolean> {
    const { engine, log } = this.#parts;
    this.#dropRuns(keyspace, this.#unneeded(keyspace));
    const damaged = [...engine.damagedSlots(keyspace.number)];
    let dropped = 0;
    for (let i = 0; i < damaged.length && !this.#isClosed; i += SLOTS_AT_A_TIME) {
      const some = damaged.slice(i, i + SLOTS_AT_A_TIME);
      const elsewhere = await fanOut(some, SLOTS_AT_ONCE, (slot) => this.#copyOf(keyspace, slot));
      const slots = some.filter((slot, place) => this.#isAll(keyspace, slot, elsewhere[place]));
      this.#dropToRefill(keyspace, slots);
      dropped += slots.length;
    }
    if (dropped > 0) log.info('damaged slots dropped', { keyspace: keyspace.name, dropped });
    return damaged.length === dropped;
  }

  /** Damaged slots of which this node has nothing, or nothing that it still keeps for others. */
  #unneeded(keyspace: Keyspace): Slot[] {
    const { engine, hints, replica, view } = this.#parts;
    const inTurn = replica.slotsInTurn(keyspace.number);
    return [...engine.damagedSlots(keyspace.number)].filter((slot) => {
      if (inTurn.has(slot)) return false;
      if (isSame(this.#digestOf(keyspace, slot), EMPTY)) return true;
      return hints.pending.size === 0 && !view.primaries(keyspace, slot).includes(view.self);
    });
  }

  /** The digest of what is written here, where another primary can read all of it. */
  async #copyOf(keyspace: Keyspace, slot: Slot): Promise<Digest | undefined> {
    const { view } = this.#parts;
    const primaries = view.primaries(keyspace, slot);
    if (!primaries.includes(view.self)) return undefined;
    for (const member of primaries) {
      if (member === view.self || !view.isAlive(member) || this.#isClosed) continue;
      const theirs = await this.#readableAt(member, keyspace, slot);
      if (theirs !== undefined && isSame(theirs, this.#digestOf(keyspace, slot))) return theirs;
    }
    return undefined;
  }

  /** Whether it is still all that is written here, and nobody is about to write. */
  #isAll(keyspace: Keyspace, slot: Slot, copy: Digest | undefined): boolean {
    if (copy === undefined || !isSame(copy, this.#digestOf(keyspace, slot))) return false;
    return !this.#parts.replica.slotsInTurn(keyspace.number).has(slot);
  }

  #dropToRefill(keyspace: Keyspace, slots: readonly Slot[]): void {
    const { dead, floors, refill, rounds } = this.#parts;
    if (slots.length === 0 || this.#isClosed) return;
    refill.begin(keyspace, slots);
    for (const slot of slots) {
      const at = { keyspace: keyspace.number, slot };
      rounds.leave(at);
      floors.lower(at);
      dead.clear(at);
    }
    this.#dropRuns(keyspace, slots);
    this.counters.slotsDropped += slots.length;
  }

  /** Ascending. */
  #dropRuns({ number: keyspace }: Keyspace, slots: readonly Slot[]): void {
    let first = 0;
    for (let i = 1; i <= slots.length; i++) {
      if (i < slots.length && slots[i] === (slots[i - 1] as Slot) + 1) continue;
      const [fromSlot, toSlot] = [slots[first] as Slot, slots[i - 1] as Slot];
      this.#parts.engine.drop({ keyspace, fromSlot, toSlot });
      first = i;
    }
  }

  /** What stands here, read or not. */
  #digestOf({ number }: Keyspace, slot: Slot): Digest {
    const words = this.#parts.engine.digests(number)?.words;
    if (words === undefined) return EMPTY;
    return { high: words[2 * slot] as number, low: words[2 * slot + 1] as number };
  }

  /** The digest of all that the member can read of the slot; undefined: it did not list it. */
  async #readableAt(
    member: MemberIndex,
    { number }: Keyspace,
    slot: Slot,
  ): Promise<Digest | undefined> {
    const { digestSeed, peers, requestMs } = this.#parts;
    let { high, low } = EMPTY;
    let from: KeyPosition | undefined = { slot, hash: 0 };
    while (from !== undefined) {
      const page = { from, toSlot: slot, count: PAGE_KEYS };
      const request: SlotsRequest = { kind: 'list-slots', keyspace: number, ...page };
      const answer = await answerOf(peers, member, request, requestMs);
      if (answer.kind !== 'listing') return undefined;
      for (const { key, version } of answer.entries) {
        const digest = digestOf(digestSeed, { keyspace: number, slot, key }, version.context);
        high ^= digest.high;
        low ^= digest.low;
      }
      from = answer.next;
    }
    return { high, low };
  }

  /**
   * What this node noted for itself is written anew from memory. Hints that cannot be read go when
   * whom they are for are back, for anti-entropy brings those what they lack.
   */
  #healNotes(): void {
    const { dead, engine, floors, hints, log, refill, view } = this.#parts;
    if (engine.damagedSlots(REAPING_KEYSPACE).size > 0) {
      engine.drop({ keyspace: REAPING_KEYSPACE, ...ALL_SLOTS });
      engine.write([...floors.records(), ...dead.records(), ...refill.records()]);
      log.info('floors written anew');
    }
    if (engine.damagedSlots(HINTS_KEYSPACE).size === 0) return;
    const targets = [...hints.pending.keys()].map((number) => view.memberNumbered(number));
    if (!targets.every((member) => member === undefined || view.isAlive(member))) return;
    engine.drop({ keyspace: HINTS_KEYSPACE, ...ALL_SLOTS });
    hints.forget();
    log.info('damaged hints dropped');
  }
}

function isSame(one: Digest, other: Digest): boolean {
  return one.high === other.high && one.low === other.low;
}
