// Leads rounds (reap-round.ts) for slots in which something is dead, one after the other and
// slowly: nobody waits for what is deleted to be forgotten. Where a primary is away the slot waits,
// however long; the first primary of the slot is the first to lead, the others if it does not.

import { messageOf } from '../../base/errors.ts';
import type { KeyspaceNumber } from '../../base/ids.ts';
import type { Clock, Log, Timer } from '../../host/host.ts';
import type { Admission } from '../admission/admission.ts';
import type { ClusterView } from '../cluster-view.ts';
import type { Keyspace } from '../keyspace.ts';
import type { MemberIndex } from '../peers.ts';
import type { DeadSlot, DeadSlots } from './dead-slots.ts';
import type { FloorBook } from './floor-book.ts';
import { type Ask, ReapRound } from './reap-round.ts';
import type { ReapCounters } from './round-member.ts';

export interface ReaperParts {
  readonly view: ClusterView;
  readonly keyspaces: readonly Keyspace[];
  readonly ask: Ask;
  readonly floors: FloorBook;
  readonly dead: DeadSlots;
  readonly counters: ReapCounters;
  readonly admission: Pick<Admission, 'isBusy'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Between a delete and the round that forgets it, so that a round serves many: milliseconds. */
  readonly restMs: number;
}

/** So often is looked, in the time that a slot rests, whether it is the turn of one. */
const LOOKS_PER_REST = 10;
/** Of the time that passes, one part in so many goes into rounds. */
const SHARE = 20;
/** Where something stays dead, rests double, up to 128 times the first: 11 minutes. */
const DOUBLINGS_MAX = 7;
/** However long a round took, times the rest of a slot. */
const PAUSE_RESTS_MAX = 12;
const SAY_MS = 60_000;

export class Reaper {
  readonly #parts: ReaperParts;
  #timer: Timer | undefined;
  #isClosed = false;
  #saidMs = 0;
  #saidForgotten = 0;
  /** Those for whom it was said that slots wait. */
  #missed = new Set<MemberIndex>();

  constructor(parts: ReaperParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#later(this.#idleMs);
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  /** How many slots wait for a node that is away. */
  waiting(): Map<MemberIndex, number> {
    const waiting = new Map<MemberIndex, number>();
    for (const slot of this.#parts.dead.all()) {
      const keyspace = this.#keyspaceOf(slot.keyspace);
      if (keyspace === undefined || !this.#isDead(slot)) continue;
      for (const member of this.#parts.view.primaries(keyspace, slot.slot)) {
        if (this.#parts.view.isAlive(member)) continue;
        waiting.set(member, (waiting.get(member) ?? 0) + 1);
      }
    }
    return waiting;
  }

  get #idleMs(): number {
    return this.#parts.restMs / LOOKS_PER_REST;
  }

  #later(ms: number): void {
    if (this.#isClosed) return;
    this.#timer = this.#parts.clock.after(ms, () => this.#run());
  }

  async #run(): Promise<void> {
    const { admission, clock, restMs } = this.#parts;
    const fromMs = clock.monotonicMs();
    this.#say(fromMs);
    const isDone = !admission.isBusy && (await this.#maybeLead());
    const pauseMs = (clock.monotonicMs() - fromMs) * SHARE;
    this.#later(isDone ? Math.min(pauseMs, PAUSE_RESTS_MAX * restMs) : this.#idleMs);
  }

  /** A disk that refuses this refuses writes, and says so there. */
  async #maybeLead(): Promise<boolean> {
    try {
      return await this.#lead();
    } catch (error) {
      this.#parts.log.warn('deleted keys not forgotten', { why: messageOf(error) });
      return false;
    }
  }

  /** Leads one round, if one is due; whether it was. */
  async #lead(): Promise<boolean> {
    const { ask, dead, floors, view } = this.#parts;
    for (const slot of dead.all()) {
      const keyspace = this.#isDead(slot) ? this.#keyspaceOf(slot.keyspace) : undefined;
      if (keyspace === undefined) continue;
      const primaries = view.primaries(keyspace, slot.slot);
      const place = primaries.indexOf(view.self);
      // A fallback keeps copies until their owners have them: those need not be forgotten here.
      if (place < 0) dead.clear(slot);
      if (place < 0 || !this.#isRested(slot, place)) continue;
      if (!primaries.every((member) => view.isAlive(member))) continue;
      dead.tried(slot);
      const fallbacks = view.fallbacks(keyspace, slot.slot);
      const numberOf = (member: MemberIndex) => view.nodeNumber(member);
      const task = { keyspace, slot: slot.slot, primaries, fallbacks, numberOf };
      await new ReapRound(ask, floors, task).run();
      return true;
    }
    return false;
  }

  /** Undefined: the configuration has it no more. */
  #keyspaceOf(number: KeyspaceNumber): Keyspace | undefined {
    return this.#parts.keyspaces.find((keyspace) => keyspace.number === number);
  }

  #isDead({ deadFromMs }: DeadSlot): boolean {
    return deadFromMs <= this.#parts.clock.wallMs();
  }

  /** `place`: of this node among the primaries. */
  #isRested(slot: DeadSlot, place: number): boolean {
    const { clock, restMs } = this.#parts;
    const patience = (1 + 2 * place) * 2 ** Math.min(slot.tries, DOUBLINGS_MAX);
    return clock.monotonicMs() - slot.triedMs >= restMs * patience;
  }

  /** What was forgotten since it was said last; each node that is waited for, once. */
  #say(nowMs: number): void {
    if (nowMs - this.#saidMs < SAY_MS) return;
    this.#saidMs = nowMs;
    const { view, log, counters } = this.#parts;
    const count = counters.forgotten - this.#saidForgotten;
    if (count > 0) log.info('deleted keys forgotten', { count });
    this.#saidForgotten = counters.forgotten;
    const waiting = this.waiting();
    for (const [member, slots] of waiting) {
      if (this.#missed.has(member)) continue;
      log.warn('deleted keys cannot be forgotten', { slots, 'waiting for': view.nodeId(member) });
    }
    this.#missed = new Set(waiting.keys());
  }
}
