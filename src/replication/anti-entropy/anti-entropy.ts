// Compares what this node holds with every other one that must hold the same, again and again, and
// levels what differs; nobody has to ask for it. For all slots that two nodes share, equal copies
// cost one message of a kilobyte and an answer of a few bytes.
//
// Writes that are under way differ too for a moment, so only what differs twice is looked into.
// What still differs when no key does (contexts that were cut at different places) is remembered
// and left alone until one of the two digests changes.

import { messageOf } from '../../base/errors.ts';
import { fanOut } from '../../base/fan-out.ts';
import type { Slot } from '../../base/ids.ts';
import type { Log, Timer } from '../../host/host.ts';
import type { Admission } from '../admission/admission.ts';
import type { ClusterView } from '../cluster-view.ts';
import type { Keyspace } from '../keyspace.ts';
import type { BucketsRequest, CompareRequest, Reply } from '../messages.ts';
import { PacedWindow } from '../paced-window.ts';
import { answerOf, type MemberIndex } from '../peers.ts';
import { SharedSlots } from './shared-slots.ts';
import { bucketDigests } from './slot-buckets.ts';
import { type RepairCounters, SlotRepair, type SlotRepairParts } from './slot-repair.ts';
import { differingPlaces, GROUP_SLOTS } from './tree-shape.ts';

export interface AntiEntropyParts extends Omit<SlotRepairParts, 'window'> {
  readonly view: ClusterView;
  readonly log: Log;
  readonly keyspaces: readonly Keyspace[];
  readonly admission: Pick<Admission, 'isBusy'>;
  /** Milliseconds between two comparisons with all. */
  readonly periodMs: number;
}

export interface AntiEntropyCounters extends RepairCounters {
  readonly exchanges: number;
  readonly slotsRepaired: number;
}

/** What is known of one other node's copies. */
export interface SyncState {
  /** Wall clock of the last moment when all were the same, in ms since 1970; 0: never. */
  inSyncMs: number;
  /** Slots that differed when they were compared last, in all keyspaces. */
  slotsDiffering: number;
}

/** A write that was under way has arrived everywhere by then. */
const CONFIRM_MS = 500;

/** Between two looks whether it is time for anything. */
const LOOK_MS = 1_000;

/** So soon it is tried again to refill slots; twice as late each time that nothing came of it. */
const REFILL_PAUSE_MS = 200;

/** Each waits for several answers; how many keys are under way is bounded apart. */
const SLOTS_AT_ONCE = 8;

const NO_SLOTS: ReadonlySet<Slot> = new Set();

/** By slot, both digests of a slot that differs: `ours theirs`. */
type Differing = ReadonlyMap<Slot, string>;

export class AntiEntropy {
  readonly #parts: AntiEntropyParts;
  readonly #window = new PacedWindow();
  readonly #repair: SlotRepair;
  readonly #shared = new Map<string, SharedSlots>();
  readonly #alike = new Map<string, string>();
  readonly #states = new Map<MemberIndex, SyncState>();
  #exchanges = 0;
  #slotsRepaired = 0;
  /** When all are to be compared again, whatever was in between: on the monotonic clock. */
  #dueMs = 0;
  #refillPauseMs = REFILL_PAUSE_MS;
  /** That were refilled from one member, in this round. */
  #slotsLevelled = 0;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(parts: AntiEntropyParts) {
    this.#parts = parts;
    this.#repair = new SlotRepair({ ...parts, window: this.#window });
  }

  get counters(): AntiEntropyCounters {
    const [exchanges, slotsRepaired] = [this.#exchanges, this.#slotsRepaired];
    return { ...this.#repair.counters, exchanges, slotsRepaired };
  }

  /** Of every node that shares slots with this one and was compared. */
  get states(): ReadonlyMap<MemberIndex, SyncState> {
    return this.#states;
  }

  start(): void {
    const { clock, periodMs } = this.#parts;
    this.#dueMs = clock.monotonicMs() + periodMs;
    this.#later();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#window.close();
  }

  /** What another node that compares itself with us is told. */
  digestsFor({ keyspace, from, groups }: CompareRequest): Reply {
    const { engine, view } = this.#parts;
    const member = view.memberNumbered(from);
    if (member === undefined) return { kind: 'digests', groups: [] };
    const shared = this.#slotsSharedWith(member, view.keyspace(keyspace));
    const places = differingPlaces(shared.groups(engine), groups);
    const differing = [...places].map((group) => ({ group, digests: shared.slots(engine, group) }));
    return { kind: 'digests', groups: differing };
  }

  /** The same of the keys of one slot. Rejects as our disk does. */
  async bucketsFor({ keyspace, slot, buckets }: BucketsRequest): Promise<Reply> {
    const { engine, digestSeed } = this.#parts;
    const ours = await bucketDigests(engine, digestSeed, keyspace, slot);
    let differing = 0;
    for (const bucket of differingPlaces(ours, buckets)) differing |= 1 << bucket;
    return { kind: 'buckets', differing: differing >>> 0 };
  }

  #later(): void {
    const { clock, periodMs, refill } = this.#parts;
    const pauseMs = refill.slotsWaiting > 0 ? this.#refillPauseMs : LOOK_MS;
    this.#timer = clock.after(Math.min(pauseMs, periodMs), () => this.#run());
  }

  #slotsSharedWith(member: MemberIndex, keyspace: Keyspace): SharedSlots {
    const name = `${member} ${keyspace.number}`;
    const shared = this.#shared.get(name) ?? new SharedSlots(this.#parts.view, keyspace, member);
    this.#shared.set(name, shared);
    return shared;
  }

  /** All of them when it is time; who is needed for refilling as soon as may be. */
  async #run(): Promise<void> {
    const { admission, clock, periodMs, refill, view } = this.#parts;
    const isTime = clock.monotonicMs() >= this.#dueMs;
    this.#slotsLevelled = 0;
    let wasIdle = true;
    if (isTime) this.#dueMs = clock.monotonicMs() + periodMs;
    for (let member = 0; member < view.memberCount && !this.#isClosed; member++) {
      if (member === view.self || !view.isAlive(member) || admission.isBusy) continue;
      if (!isTime && !refill.waitsFor(member)) continue;
      wasIdle = false;
      try {
        await this.#compareWith(member);
      } catch (error) {
        // Our disk: it says so where clients ask, and we come again.
        this.#parts.log.warn('not compared', { member, why: messageOf(error) });
      }
    }
    const isWorthwhile = wasIdle || this.#slotsLevelled > 0;
    this.#refillPauseMs = isWorthwhile ? REFILL_PAUSE_MS : 2 * this.#refillPauseMs;
    if (!this.#isClosed) this.#later();
  }

  async #compareWith(member: MemberIndex): Promise<void> {
    const begunMs = this.#parts.clock.wallMs();
    let slotsDiffering = 0;
    let isShared = false;
    for (const keyspace of this.#parts.keyspaces) {
      if (this.#slotsSharedWith(member, keyspace).count === 0) continue;
      isShared = true;
      const differing = await this.#exchange(member, keyspace);
      if (differing === undefined) return;
      slotsDiffering += differing;
    }
    if (!isShared || this.#isClosed) return;
    const inSyncMs = slotsDiffering === 0 ? begunMs : (this.#states.get(member)?.inSyncMs ?? 0);
    this.#states.set(member, { inSyncMs, slotsDiffering });
  }

  /** How many slots still differed in the end; undefined: the other side did not answer. */
  async #exchange(member: MemberIndex, keyspace: Keyspace): Promise<number | undefined> {
    const { clock } = this.#parts;
    this.#exchanges += 1;
    const first = await this.#differing(member, keyspace);
    if (first === undefined) return undefined;
    if (first.size === 0) {
      this.#noteLevel(member, keyspace, NO_SLOTS);
      return 0;
    }
    await new Promise<void>((resolve) => clock.after(CONFIRM_MS, resolve));
    const second = await this.#differing(member, keyspace);
    if (second === undefined) return undefined;
    const slots = [...second].filter(([slot, digests]) => {
      return first.has(slot) && this.#alike.get(nameOf(member, keyspace, slot)) !== digests;
    });
    const uneven = new Set<Slot>();
    const repairs = await fanOut(slots, SLOTS_AT_ONCE, async ([slot, digests]) => {
      const repaired = await this.#level(member, keyspace, slot, digests);
      if (repaired?.isLevel !== true) uneven.add(slot);
      return repaired;
    });
    if (!this.#isClosed) this.#noteLevel(member, keyspace, uneven);
    if (repairs.includes(undefined)) return undefined;
    return repairs.filter((repaired) => repaired?.keys !== 0).length;
  }

  #noteLevel(member: MemberIndex, keyspace: Keyspace, but: ReadonlySet<Slot>): void {
    this.#slotsLevelled += this.#parts.refill.noteLevel(keyspace, member, but);
  }

  /** Undefined: the other side did not answer, or we are closed. */
  async #level(member: MemberIndex, keyspace: Keyspace, slot: Slot, digests: string) {
    if (this.#isClosed) return undefined;
    const repaired = await this.#repair.run(member, keyspace, slot);
    if (repaired?.keys === 0) this.#alike.set(nameOf(member, keyspace, slot), digests);
    else if (repaired !== undefined) this.#slotsRepaired += 1;
    return repaired;
  }

  async #differing(member: MemberIndex, keyspace: Keyspace): Promise<Differing | undefined> {
    const { engine, peers, view, requestMs } = this.#parts;
    const shared = this.#slotsSharedWith(member, keyspace);
    const groups = shared.groups(engine);
    const from = view.nodeNumber(view.self);
    const { number } = keyspace;
    const request = { kind: 'compare-digests', keyspace: number, from, groups } as const;
    const answer = await answerOf(peers, member, request, requestMs);
    if (answer.kind !== 'digests') return undefined;
    const differing = new Map<Slot, string>();
    for (const { group, digests } of answer.groups) {
      const ours = shared.slots(engine, group);
      for (const place of differingPlaces(ours, digests)) {
        const hex = [ours, digests].map((each) => each.toString('hex', place * 8, place * 8 + 8));
        differing.set((group * GROUP_SLOTS + place) as Slot, hex.join(' '));
      }
    }
    return differing;
  }
}

function nameOf(member: MemberIndex, keyspace: Keyspace, slot: Slot): string {
  return `${member} ${keyspace.number} ${slot}`;
}
