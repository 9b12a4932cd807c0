// A member in the flush of a keyspace (flush-round.ts), whoever asked for it.
//
// Invariants: nothing is dropped under floors that are not durable; a slot is dropped only when
// nothing was written to it since the flush began, and nobody is about to: a turn that has seen the
// old value (key-turns.ts) would put it back into the counts.

import { type KeyspaceNumber, SLOT_COUNT, type Slot } from '../../base/ids.ts';
import { encodeObject } from '../../causality/object-format.ts';
import type { Random } from '../../host/host.ts';
import type { Engine, ScanRange } from '../../storage/engine.ts';
import type { ClusterView } from '../cluster-view.ts';
import type { BeginFlushRequest, FlushRequest, Reply } from '../messages.ts';
import type { OwnActor } from '../own-actor.ts';
import type { Replica } from '../replica.ts';
import type { DeadSlots } from './dead-slots.ts';
import type { FloorBook } from './floor-book.ts';

export interface FlushMemberParts {
  readonly view: ClusterView;
  readonly replica: Replica;
  readonly actor: OwnActor;
  readonly floors: FloorBook;
  readonly dead: DeadSlots;
  readonly engine: Engine;
  readonly random: Random;
}

const PAGE = { entriesMax: 500, bytesMax: 1024 * 1024 };
/** Beyond 0, which begins a flush, and within 32 bits. */
const TOKENS = 2 ** 32 - 1;

export class FlushMember {
  readonly #parts: FlushMemberParts;
  /** Of the flush that has begun last. */
  readonly #tokens = new Map<KeyspaceNumber, number>();

  constructor(parts: FlushMemberParts) {
    this.#parts = parts;
  }

  begin({ keyspace, token }: BeginFlushRequest): Reply {
    const { actor, random, replica } = this.#parts;
    let own = this.#tokens.get(keyspace);
    if (token === 0) {
      own = 1 + (random.u32() % TOKENS);
      this.#tokens.set(keyspace, own);
      replica.takeDown(keyspace);
    }
    if (own === undefined || (token !== 0 && token !== own)) return refused();
    return { kind: 'position', token: own, last: actor.skipAhead() };
  }

  /** Answers when all of it is durable. Rejects as Engine.write. */
  async flush({ keyspace, token, floor }: FlushRequest): Promise<Reply> {
    const { engine, floors, replica } = this.#parts;
    if (this.#tokens.get(keyspace) !== token) return refused();
    this.#tokens.delete(keyspace);
    await floors.raiseKeyspace(keyspace, floor, replica.time);
    const touched = replica.takenDown(keyspace);
    const sequence = this.#dropAllBut(touched, keyspace);
    for (const slot of touched) await this.#flushKeys(keyspace, slot);
    await engine.whenDurable(sequence);
    return { kind: 'flushed' };
  }

  /** In as few stretches as it takes; the sequence of the last. */
  #dropAllBut(touched: ReadonlySet<Slot>, keyspace: KeyspaceNumber): number {
    const { dead, engine } = this.#parts;
    let sequence = 0;
    let from = 0;
    for (const end of [...touched, SLOT_COUNT].sort((a, b) => a - b)) {
      if (from < end) {
        const stretch = { keyspace, fromSlot: from as Slot, toSlot: (end - 1) as Slot };
        sequence = engine.drop(stretch).sequence;
      }
      from = end + 1;
    }
    for (let slot = 0 as Slot; slot < SLOT_COUNT; slot++) {
      if (!touched.has(slot)) dead.clear({ keyspace, slot });
    }
    return sequence;
  }

  /** One by one: what is named later stays. */
  async #flushKeys(number: KeyspaceNumber, slot: Slot): Promise<void> {
    const { engine, replica, view } = this.#parts;
    const keyspace = view.keyspace(number);
    const absent = encodeObject(replica.objectOf({ keyspace: number, slot }, undefined));
    let range: ScanRange | undefined = { keyspace: number, fromSlot: slot, toSlot: slot };
    while (range !== undefined) {
      const page = await engine.scan(range, PAGE);
      for (const { key } of page.entries) {
        const at = { keyspace: number, slot, key };
        await replica.whenKept(keyspace, await replica.merge(keyspace, at, absent));
      }
      range = page.next;
    }
  }
}

function refused(): Reply {
  const why = 'another flush has begun, or this node has started again';
  return { kind: 'refused', code: 'NOT_ENOUGH_REPLICAS', why, fix: 'Flush again.' };
}
