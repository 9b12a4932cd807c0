// A primary in rounds that raise the floor of a slot (reap-round.ts), whoever leads them.
//
//   open-round    "How far have you counted?"  From here until the floor is raised this node must
//                 live, and no other round of the slot may begin: a token says that it is so.
//   raise-floor   "All of you are level with that." The floor is made durable, and then what is
//                 dead under it is erased, without a word to anybody: whoever still has the
//                 tombstone and who has it no more mean the same.
//
// Invariants: a floor is taken only with a token of this life of the process, so that a directory
// that was emptied or went back in time takes none that others have earned; nothing is erased under
// a floor that is not durable.

import { ByteReader } from '../../base/bytes.ts';
import { messageOf } from '../../base/errors.ts';
import type { Slot } from '../../base/ids.ts';
import { readVersion } from '../../causality/object-format.ts';
import type { Clock, Log, Random } from '../../host/host.ts';
import type { Engine, ScanRange } from '../../storage/engine.ts';
import type { ClusterView } from '../cluster-view.ts';
import type { HintBook } from '../hints/hint-book.ts';
import type { OpenRequest, RaiseRequest, Reply, SlotAt } from '../messages.ts';
import type { OwnActor } from '../own-actor.ts';
import type { Replica } from '../replica.ts';
import type { DeadSlots } from './dead-slots.ts';
import { deadFrom, isForgettable } from './floor.ts';
import type { FloorBook } from './floor-book.ts';

export interface RoundMemberParts {
  readonly view: ClusterView;
  readonly replica: Replica;
  readonly actor: OwnActor;
  readonly floors: FloorBook;
  readonly hints: HintBook;
  readonly dead: DeadSlots;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface ReapCounters {
  floorsRaised: number;
  /** Tombstones and expired values that were erased. */
  forgotten: number;
}

const PAGE = { entriesMax: 500, bytesMax: 1024 * 1024 };

export class RoundMember {
  readonly counters: ReapCounters = { floorsRaised: 0, forgotten: 0 };
  readonly #parts: RoundMemberParts;
  /** The token of the round that is open, for each slot of a keyspace that has one. */
  readonly #tokens = new Map<string, number>();

  constructor(parts: RoundMemberParts) {
    this.#parts = parts;
  }

  /**
   * A node that is no primary says that it keeps nothing for others of what it has counted. Rejects
   * when this node goes on as a new actor and its disk does not take that.
   */
  async open(request: OpenRequest): Promise<Reply> {
    const { view, replica, actor, floors, hints, clock, random } = this.#parts;
    const { keyspace, slot } = request;
    replica.learnContext(request.floor);
    if (actor.isStale) await actor.renewed();
    const token = random.u32();
    const last = actor.skipAhead();
    const isPrimary = view.primaries(view.keyspace(keyspace), slot).includes(view.self);
    if (isPrimary) this.#tokens.set(nameOf(request), token);
    else if (await hints.isAny(slot)) return refused('it keeps writes of the slot for others');
    const floor = floors.floorOf(request);
    return { kind: 'opened', token, last, wallMs: clock.wallMs(), floor };
  }

  /** The slot is not what it was when the round began: no floor is taken that it would end with. */
  leave(at: SlotAt): void {
    this.#tokens.delete(nameOf(at));
  }

  /** Answers when the floor is durable; erases afterwards. Rejects as Engine.write. */
  async raise(request: RaiseRequest): Promise<Reply> {
    const { replica, floors } = this.#parts;
    const { token, floor } = request;
    if (this.#tokens.get(nameOf(request)) !== token) return refused('it is in no such round');
    this.#tokens.delete(nameOf(request));
    if (replica.learnContext(floor)) return refused('its directory went back in time');
    await floors.raise(request, floor, replica.time);
    this.counters.floorsRaised += 1;
    this.#forgetDead(request);
    return { kind: 'raised' };
  }

  /** What stays dead, because it was written meanwhile, is for the next round. Never rejects. */
  async #forgetDead(request: RaiseRequest): Promise<void> {
    const { dead, log } = this.#parts;
    const slot = dead.at(request);
    if (slot === undefined) return;
    const { notes } = slot;
    try {
      dead.settle(slot, notes, await this.#forgetIn(request));
    } catch (error) {
      // A disk that refuses this refuses writes, and says so there; the mark stays.
      log.warn('deleted keys not erased', { slot: request.slot, why: messageOf(error) });
    }
  }

  /** When the first of what is left is dead, by the wall clock; Infinity: nothing is, ever. */
  async #forgetIn({ keyspace, slot, nowMs }: RaiseRequest): Promise<number> {
    const { engine, replica, floors, clock } = this.#parts;
    const floor = floors.floorOf({ keyspace, slot });
    let nextMs = Number.POSITIVE_INFINITY;
    let range: ScanRange | undefined = { keyspace, fromSlot: slot, toSlot: slot as Slot };
    while (range !== undefined) {
      const page = await engine.scan(range, PAGE);
      for (const { key, value } of page.entries) {
        const version = readVersion(new ByteReader(value));
        const isDead = isForgettable(version, floor, nowMs);
        if (isDead && (await replica.forget({ keyspace, slot, key }, nowMs))) {
          this.counters.forgotten += 1;
        } else nextMs = Math.min(nextMs, deadFrom(version));
      }
      range = page.next;
      if (range !== undefined) await new Promise<void>((resolve) => clock.after(0, resolve));
    }
    return nextMs;
  }
}

function refused(why: string): Reply {
  const fix = 'Nothing: another round will follow.';
  return { kind: 'refused', code: 'NOT_ENOUGH_REPLICAS', why, fix };
}

function nameOf({ keyspace, slot }: SlotAt): string {
  return `${keyspace}:${slot}`;
}
