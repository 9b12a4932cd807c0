// Rot on the disk of this node heals by itself: slots in which something cannot be read are dropped
// and refilled from the other replicas. Whole slots, for nobody knows what stood where nothing can
// be read, and the digests of the slot count it still.
//
// A slot is dropped only when nothing is lost by it that can still be read:
//
//   another primary lists, and so can read, exactly what was ever written here: that a digest
//     says, which damage does not change
//   or all other primaries list it, none of them being refilled, and have got what can be read of
//     it here. Where others have newer versions than ours the digests never meet, nor where we only
//     keep copies with hints; and what was acknowledged has another of its W copies elsewhere
//
// In either case this node then writes as a new actor, for what its present one has named in the
// slot it is about to forget (own-actor.ts), and
//
//   the floor of the slot, which vouches for what was there, is taken back; rounds on it fail
//   its copies count for nothing, durably, until it was level with all others (refill-book.ts)
//   it is dropped; with the last of its slots the damaged file goes
//
// in one turn, and anti-entropy refills it. Of our own notes (hints, floors) memory knows enough.

import { KvorumError, messageOf } from '../../base/errors.ts';
import { fanOut } from '../../base/fan-out.ts';
import { ALL_SLOTS, SLOT_COUNT, type Slot } from '../../base/ids.ts';
import type { Clock, Log, Timer } from '../../host/host.ts';
import type { Digest, Engine } from '../../storage/engine.ts';
import type { ClusterView } from '../cluster-view.ts';
import type { HintBook } from '../hints/hint-book.ts';
import { HINTS_KEYSPACE } from '../hints/hint-record.ts';
import type { Keyspace } from '../keyspace.ts';
import type { SlotAt } from '../messages.ts';
import type { OwnActor } from '../own-actor.ts';
import type { Asking } from '../peers.ts';
import type { DeadSlots } from '../reaping/dead-slots.ts';
import type { FloorBook } from '../reaping/floor-book.ts';
import { REAPING_KEYSPACE } from '../reaping/floor-record.ts';
import type { RoundMember } from '../reaping/round-member.ts';
import type { Replica } from '../replica.ts';
import { bringReadable } from './readable-entries.ts';
import type { RefillBook } from './refill-book.ts';
import { type SlotCopy, slotCopyAt } from './slot-copy.ts';

export interface DamageHealerParts {
  readonly engine: Engine;
  readonly actor: Pick<OwnActor, 'renewed'>;
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
/** Nothing there. */
const EMPTY: Digest = { high: 0, low: 0 };
const NO_FILES: ReadonlySet<string> = new Set();

export class DamageHealer {
  /** Slots that were dropped, to be refilled. */
  readonly counters = { slotsDropped: 0 };
  readonly #parts: DamageHealerParts;
  /**
   * By slot, the files that were damaged when it was dropped: nothing new of it comes into them,
   * but a table that has what is new may still refer to them for the sake of another slot.
   */
  readonly #dropped = new Map<string, ReadonlySet<string>>();
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
      if (isHealed && !this.#isClosed) await this.#healHints();
    } catch (error) {
      // A disk that refuses this refuses writes, and says so there.
      if (!(error instanceof KvorumError)) throw error;
      this.#parts.log.warn('damage not healed', { why: messageOf(error) });
    }
    if (!this.#isClosed) this.start();
  }

  /** Whether nothing of the keyspace is damaged any more. */
  async #healIn(keyspace: Keyspace): Promise<boolean> {
    const { actor, engine, log } = this.#parts;
    const files = new Set(engine.stats().damaged.map(({ file }) => file));
    if (files.size === 0) this.#dropped.clear();
    if (this.#unneeded(keyspace, files).length > 0) {
      await actor.renewed();
      const unneeded = this.#unneeded(keyspace, files);
      this.#dropRuns(keyspace, unneeded);
      this.#noteDropped(keyspace, unneeded, files);
    }
    const damaged = this.#damagedSlots(keyspace, files);
    const dropped = await this.#dropThoseElsewhere(keyspace, damaged, files);
    if (dropped > 0) log.info('damaged slots dropped', { keyspace: keyspace.name, dropped });
    return damaged.length === dropped;
  }

  /** But for those that were dropped since these files are damaged. */
  #damagedSlots(keyspace: Keyspace, files: ReadonlySet<string>): Slot[] {
    return [...this.#parts.engine.damagedSlots(keyspace.number)].filter((slot) => {
      return !this.#dropped.get(nameOf(keyspace, slot))?.isSupersetOf(files);
    });
  }

  #noteDropped(keyspace: Keyspace, slots: readonly Slot[], files: ReadonlySet<string>): void {
    for (const slot of slots) this.#dropped.set(nameOf(keyspace, slot), files);
  }

  /** How many of the slots stand elsewhere, and were dropped, while these files were damaged. */
  async #dropThoseElsewhere(
    keyspace: Keyspace,
    all: readonly Slot[],
    files: ReadonlySet<string>,
  ): Promise<number> {
    let dropped = 0;
    for (let i = 0; i < all.length && !this.#isClosed; i += SLOTS_AT_A_TIME) {
      const some = all.slice(i, i + SLOTS_AT_A_TIME);
      const elsewhere = await fanOut(some, SLOTS_AT_ONCE, (slot) => {
        return this.#standsElsewhere({ keyspace: keyspace.number, slot });
      });
      if (elsewhere.every((digest) => digest === undefined)) continue;
      await this.#parts.actor.renewed();
      const slots = some.filter((slot, place) => this.#isAll(keyspace, slot, elsewhere[place]));
      this.#dropToRefill(keyspace, slots);
      this.#noteDropped(keyspace, slots, files);
      dropped += slots.length;
    }
    return dropped;
  }

  /** Damaged slots of which this node has nothing, or nothing that it still keeps for others. */
  #unneeded(keyspace: Keyspace, files: ReadonlySet<string>): Slot[] {
    const { hints, replica, view } = this.#parts;
    const inTurn = replica.slotsInTurn(keyspace.number);
    return this.#damagedSlots(keyspace, files).filter((slot) => {
      if (inTurn.has(slot)) return false;
      if (isSame(this.#digestOf({ keyspace: keyspace.number, slot }), EMPTY)) return true;
      return hints.pending.size === 0 && !view.primaries(keyspace, slot).includes(view.self);
    });
  }

  /** The digest of what is written here, when it can be done without. */
  async #standsElsewhere(at: SlotAt): Promise<Digest | undefined> {
    const { view } = this.#parts;
    const primaries = view.primaries(view.keyspace(at.keyspace), at.slot);
    const others = primaries.filter((member) => member !== view.self);
    const isOwner = others.length < primaries.length;
    const before = this.#digestOf(at);
    const copies: SlotCopy[] = [];
    for (const member of others) {
      if (!view.isAlive(member) || this.#isClosed) continue;
      const copy = await slotCopyAt(this.#parts, member, at);
      if (copy === undefined) continue;
      if (isOwner && isSame(copy.digest, this.#digestOf(at))) return copy.digest;
      if (!copy.isRefilling) copies.push(copy);
    }
    if (copies.length === 0 || copies.length < others.length) return undefined;
    return (await bringReadable(this.#parts, at, copies)) ? before : undefined;
  }

  /** Whether it is still all that is written here, and nobody is about to write. */
  #isAll({ number: keyspace }: Keyspace, slot: Slot, copy: Digest | undefined): boolean {
    if (copy === undefined || !isSame(copy, this.#digestOf({ keyspace, slot }))) return false;
    return !this.#parts.replica.slotsInTurn(keyspace).has(slot);
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
  #digestOf({ keyspace, slot }: SlotAt): Digest {
    const words = this.#parts.engine.digests(keyspace)?.words;
    if (words === undefined) return EMPTY;
    return { high: words[2 * slot] as number, low: words[2 * slot + 1] as number };
  }

  /** What this node noted for itself is written anew from memory. */
  #healNotes(): void {
    const { dead, engine, floors, log, refill } = this.#parts;
    if (engine.damagedSlots(REAPING_KEYSPACE).size === 0) return;
    engine.drop({ keyspace: REAPING_KEYSPACE, ...ALL_SLOTS });
    engine.write([...floors.records(), ...dead.records(), ...refill.records()]);
    log.info('floors written anew');
  }

  /**
   * Where hints cannot be read nobody knows which copy is for whom: all that is kept for others
   * only goes back to its primaries, and then the hints go. What other targets lack anti-entropy
   * brings them, so they must be there.
   */
  async #healHints(): Promise<void> {
    const { engine, hints, keyspaces, log, view } = this.#parts;
    if (engine.damagedSlots(HINTS_KEYSPACE).size === 0) return;
    for (const each of keyspaces) {
      await this.#dropThoseElsewhere(each, this.#keptForOthers(each), NO_FILES);
    }
    const isKept = keyspaces.some((keyspace) => this.#keptForOthers(keyspace).length > 0);
    const targets = [...hints.pending.keys()].map((number) => view.memberNumbered(number));
    const areAllHere = targets.every((member) => member === undefined || view.isAlive(member));
    if (isKept || !areAllHere || this.#isClosed) return;
    engine.drop({ keyspace: HINTS_KEYSPACE, ...ALL_SLOTS });
    hints.forget();
    log.info('damaged hints dropped');
  }

  /** Slots of which this node is no primary, and that have something or are about to. */
  #keptForOthers(keyspace: Keyspace): Slot[] {
    const { replica, view } = this.#parts;
    const inTurn = replica.slotsInTurn(keyspace.number);
    const slots: Slot[] = [];
    for (let slot = 0 as Slot; slot < SLOT_COUNT; slot++) {
      if (view.primaries(keyspace, slot).includes(view.self)) continue;
      const isEmpty = isSame(this.#digestOf({ keyspace: keyspace.number, slot }), EMPTY);
      if (!isEmpty || inTurn.has(slot)) slots.push(slot);
    }
    return slots;
  }
}

function nameOf({ number }: Keyspace, slot: Slot): string {
  return `${number} ${slot}`;
}

function isSame(one: Digest, other: Digest): boolean {
  return one.high === other.high && one.low === other.low;
}
