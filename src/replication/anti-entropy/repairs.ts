// Comparisons that somebody asked for: of some slots with all other replicas, at once, with a
// progress that can be asked for. The same comparison as the one that goes on all the time, so that
// it does no harm when both meet.

import { KvorumError, messageOf } from '../../base/errors.ts';
import type { Slot } from '../../base/ids.ts';
import type { Clock, Log } from '../../host/host.ts';
import type { ClusterView } from '../cluster-view.ts';
import type { Keyspace } from '../keyspace.ts';
import type { MemberIndex } from '../peers.ts';
import type { RefillBook } from '../refill/refill-book.ts';
import type { Compared, Comparison } from './comparison.ts';
import type { SyncTimes } from './sync-times.ts';

export interface RepairParts {
  readonly comparison: Comparison;
  readonly refill: RefillBook;
  readonly syncTimes: SyncTimes;
  readonly view: ClusterView;
  readonly clock: Clock;
  readonly log: Log;
}

export interface RepairOrder {
  readonly keyspaces: readonly Keyspace[];
  readonly fromSlot: Slot;
  /** Inclusive. */
  readonly toSlot: Slot;
}

export interface Repair {
  readonly id: number;
  readonly isRunning: boolean;
  readonly fromSlot: Slot;
  readonly toSlot: Slot;
  /** Each slot counts once for each other replica. */
  readonly slotsTotal: number;
  readonly slotsDone: number;
  /** Keys that differed, and the bytes of the objects that were sent for them, both ways. */
  readonly keys: number;
  readonly bytes: number;
  /** Milliseconds since it began, until it ended. */
  readonly tookMs: number;
  /** Milliseconds until it ends, if it goes on like this; undefined: nobody knows. */
  readonly leftMs: number | undefined;
  /** Members that could not be compared, or not all of what they have. */
  readonly missed: readonly MemberIndex[];
}

interface Progress extends Omit<Repair, 'tookMs' | 'leftMs' | 'isRunning'> {
  slotsTotal: number;
  slotsDone: number;
  keys: number;
  bytes: number;
  readonly missed: MemberIndex[];
  readonly begunMs: number;
  endedMs: number | undefined;
}

/** They share one budget of work under way: more of them are not faster. */
const RUNNING_MAX = 4;
/** Whoever asks later is told of none. */
const KEPT_MAX = 32;

export class Repairs {
  readonly #parts: RepairParts;
  readonly #all = new Map<number, Progress>();
  #lastId = 0;

  constructor(parts: RepairParts) {
    this.#parts = parts;
  }

  /** Throws OVERLOADED when too many are running. */
  begin(order: RepairOrder): Repair {
    const running = [...this.#all.values()].filter(({ endedMs }) => endedMs === undefined);
    if (running.length >= RUNNING_MAX) throw tooMany(running.length);
    const progress = this.#newProgress(order);
    this.#run(order, progress);
    return this.#told(progress);
  }

  /** Undefined: there was none, or long ago. */
  find(id: number): Repair | undefined {
    const progress = this.#all.get(id);
    return progress === undefined ? undefined : this.#told(progress);
  }

  #newProgress({ fromSlot, toSlot, keyspaces }: RepairOrder): Progress {
    const { clock } = this.#parts;
    this.#lastId += 1;
    const progress: Progress = {
      ...{ id: this.#lastId, fromSlot, toSlot, slotsTotal: 0, slotsDone: 0, keys: 0, bytes: 0 },
      ...{ missed: [], begunMs: clock.monotonicMs(), endedMs: undefined },
    };
    for (const compared of this.#tasks({ fromSlot, toSlot, keyspaces })) {
      progress.slotsTotal += this.#slotsOf(compared);
    }
    this.#all.set(progress.id, progress);
    for (const [id, { endedMs }] of this.#all) {
      if (this.#all.size > KEPT_MAX && endedMs !== undefined) this.#all.delete(id);
    }
    return progress;
  }

  /** Never rejects. */
  async #run(order: RepairOrder, progress: Progress): Promise<void> {
    const { clock, log } = this.#parts;
    for (const compared of this.#tasks(order)) {
      const { member } = compared;
      const isDone = await this.#compare(compared, progress);
      if (!isDone && !progress.missed.includes(member)) progress.missed.push(member);
    }
    progress.endedMs = clock.monotonicMs();
    const { keys, bytes, slotsDone, slotsTotal } = progress;
    log.info('repaired', { id: progress.id, keys, bytes, slotsDone, slotsTotal });
  }

  async #compare(compared: Compared, progress: Progress): Promise<boolean> {
    const { clock, comparison, refill, syncTimes, view, log } = this.#parts;
    const { keyspace, member } = compared;
    if (!view.isAlive(member)) return false;
    const begunMs = clock.wallMs();
    const onSlots: Compared['onSlots'] = ({ slots, keys, bytes }) => {
      progress.slotsDone += slots;
      progress.keys += keys;
      progress.bytes += bytes;
    };
    try {
      const verdict = await comparison.run({ ...compared, onSlots });
      if (verdict === undefined || comparison.isClosed) return false;
      const chosen = { fromSlot: compared.fromSlot, toSlot: compared.toSlot };
      refill.noteLevel(keyspace, member, verdict.lacking, chosen);
      syncTimes.note(compared, verdict.uneven, begunMs);
      return verdict.isWhole && verdict.uneven.size === 0;
    } catch (error) {
      log.warn('not repaired', { member, why: messageOf(error) });
      return false;
    }
  }

  /** With whom, and where. */
  *#tasks({ keyspaces, fromSlot, toSlot }: RepairOrder): Generator<Compared> {
    const { view } = this.#parts;
    for (let member = 0; member < view.memberCount; member++) {
      for (const keyspace of keyspaces) {
        const compared = { member, keyspace, fromSlot, toSlot };
        if (member !== view.self && this.#slotsOf(compared) > 0) yield compared;
      }
    }
  }

  #slotsOf({ member, keyspace, fromSlot, toSlot }: Compared): number {
    return this.#parts.comparison.slotsSharedWith(member, keyspace).countIn(fromSlot, toSlot);
  }

  #told({ begunMs, endedMs, ...progress }: Progress): Repair {
    const { slotsDone, slotsTotal } = progress;
    const tookMs = Math.round((endedMs ?? this.#parts.clock.monotonicMs()) - begunMs);
    const share = slotsTotal === 0 ? 1 : slotsDone / slotsTotal;
    const leftMs = share === 0 ? undefined : Math.round((tookMs * (1 - share)) / share);
    const isRunning = endedMs === undefined;
    return { ...progress, isRunning, tookMs, leftMs: isRunning ? leftMs : undefined };
  }
}

function tooMany(running: number): KvorumError {
  const fix = 'Wait for one of them to end: "kvorum repair --wait" does.';
  return new KvorumError('OVERLOADED', `${running} repairs are running already`, fix);
}
