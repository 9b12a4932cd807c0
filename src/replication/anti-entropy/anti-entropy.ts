// Compares what this node holds with every other one that must hold the same, again and again, and
// levels what differs; nobody has to ask for it. Who is needed to refill slots (refill/) is
// compared as soon as may be.

import { messageOf } from '../../base/errors.ts';
import { ALL_SLOTS } from '../../base/ids.ts';
import type { Timer } from '../../host/host.ts';
import type { Admission } from '../admission/admission.ts';
import type { Keyspace } from '../keyspace.ts';
import type { MemberIndex } from '../peers.ts';
import type { RepairParts } from './repairs.ts';

export interface AntiEntropyParts extends RepairParts {
  readonly keyspaces: readonly Keyspace[];
  readonly admission: Pick<Admission, 'isBusy'>;
  /** Milliseconds between two comparisons with all. */
  readonly periodMs: number;
}

/** What is known of one other node's copies. */
export interface SyncState {
  /** Wall clock of the last moment when all were the same, in ms since 1970; 0: never. */
  readonly inSyncMs: number;
  /** Slots that differed when they were compared last, in all keyspaces. */
  readonly slotsDiffering: number;
  /** Of its slots the one that was the same longest ago: when, likewise; 0: one never was. */
  readonly oldestSlotMs: number;
}

/** Between two looks whether it is time for anything. */
const LOOK_MS = 1_000;

/** So soon it is tried again to refill slots; twice as late each time that nothing came of it. */
const REFILL_PAUSE_MS = 200;

export class AntiEntropy {
  readonly #parts: AntiEntropyParts;
  readonly #states = new Map<MemberIndex, SyncState>();
  /** When all are to be compared again, whatever was in between: on the monotonic clock. */
  #dueMs = 0;
  #refillPauseMs = REFILL_PAUSE_MS;
  /** That were refilled from one member, in this round. */
  #slotsLevelled = 0;
  #timer: Timer | undefined;

  constructor(parts: AntiEntropyParts) {
    this.#parts = parts;
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
    this.#timer?.cancel();
    this.#parts.comparison.close();
  }

  #later(): void {
    const { clock, periodMs, refill } = this.#parts;
    const pauseMs = refill.slotsWaiting > 0 ? this.#refillPauseMs : LOOK_MS;
    this.#timer = clock.after(Math.min(pauseMs, periodMs), () => this.#run());
  }

  /** All of them when it is time; who is needed for refilling as soon as may be. */
  async #run(): Promise<void> {
    const { admission, clock, comparison, periodMs, refill, view } = this.#parts;
    const isTime = clock.monotonicMs() >= this.#dueMs;
    if (isTime) this.#dueMs = clock.monotonicMs() + periodMs;
    this.#slotsLevelled = 0;
    let wasIdle = true;
    for (let member = 0; member < view.memberCount && !comparison.isClosed; member++) {
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
    if (!comparison.isClosed) this.#later();
  }

  async #compareWith(member: MemberIndex): Promise<void> {
    const { clock, comparison, keyspaces, syncTimes } = this.#parts;
    const begunMs = clock.wallMs();
    const shared = keyspaces.filter((each) => comparison.slotsSharedWith(member, each).count > 0);
    let slotsDiffering = 0;
    for (const keyspace of shared) {
      const differing = await this.#compareIn(keyspace, member, begunMs);
      if (differing === undefined) return;
      slotsDiffering += differing;
    }
    if (shared.length === 0) return;
    const inSyncMs = slotsDiffering === 0 ? begunMs : (this.#states.get(member)?.inSyncMs ?? 0);
    const oldestSlotMs = syncTimes.oldestMs(shared, member);
    this.#states.set(member, { inSyncMs, slotsDiffering, oldestSlotMs });
  }

  /** How many slots differed; undefined: the other side did not answer. */
  async #compareIn(keyspace: Keyspace, member: MemberIndex, begunMs: number) {
    const { comparison, refill, syncTimes } = this.#parts;
    const compared = { member, keyspace, ...ALL_SLOTS };
    const verdict = await comparison.run(compared);
    if (verdict === undefined || comparison.isClosed) return undefined;
    this.#slotsLevelled += refill.noteLevel(keyspace, member, verdict.lacking);
    syncTimes.note(compared, verdict.uneven, begunMs);
    return verdict.isWhole ? verdict.differing : undefined;
  }
}
