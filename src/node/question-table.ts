// The questions of this node that wait for answers, found by their ids. Ids are given in turn and
// a question is over within milliseconds, so an id itself says where its question stands: in slot
// id modulo the size of the table. A Map costs twice as much here, for what it leaves behind when
// entries come and go all the time.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { assert } from '../base/assert.ts';
import { COPIES_MAX } from '../replication/keyspace.ts';
import type { MemberIndex, PassedQuestion, Question } from '../replication/peers.ts';

const FEWEST_SLOTS = 64;

export interface OpenQuestion {
  readonly id: number;
  readonly question: Question;
  readonly members: readonly MemberIndex[];
  /** Bit i: members[i] has not answered. Invariant: not 0 as long as it stands in the table. */
  waiting: number;
  readonly deadlineMs: number;
  /** When onSlow is due; Infinity: never, or done. */
  slowMs: number;
  /** As long as only one of the members was asked, and passes it on to the others. */
  relay: Relaying | undefined;
}

export interface Relaying {
  readonly delegate: MemberIndex;
  readonly question: PassedQuestion;
  /** When the others are asked directly. */
  readonly untilMs: number;
}

export function isWaitingFor({ members, waiting }: OpenQuestion, member: MemberIndex): boolean {
  return (waiting & (1 << members.indexOf(member))) !== 0;
}

export class QuestionTable {
  /** A power of two of slots; at most half of them are taken. */
  #slots = new Array<OpenQuestion | undefined>(FEWEST_SLOTS).fill(undefined);
  #size = 0;
  #lastId: number;

  /** Ids (32 bits) follow `lastId`. */
  constructor(lastId: number) {
    this.#lastId = lastId;
  }

  get size(): number {
    return this.#size;
  }

  /** At most COPIES_MAX members, each once; the array must stay as it is. */
  open(
    members: readonly MemberIndex[],
    question: Question,
    nowMs: number,
    relay?: Relaying,
  ): OpenQuestion {
    const count = members.length;
    assert(count > 0 && count <= COPIES_MAX, 'a question has a bit for each who is asked');
    if (this.#size * 2 >= this.#slots.length) this.#grow();
    const id = this.#nextId();
    const open: OpenQuestion = {
      id,
      question,
      members,
      waiting: 2 ** count - 1,
      deadlineMs: nowMs + question.budgetMs,
      slowMs: nowMs + (question.slowAfterMs ?? Number.POSITIVE_INFINITY),
      relay,
    };
    this.#slots[this.#slotOf(id)] = open;
    this.#size += 1;
    return open;
  }

  /** `member` has answered, or never will; undefined when question `id` does not wait for him. */
  settle(id: number, member: MemberIndex): Question | undefined {
    const open = this.#slots[this.#slotOf(id)];
    if (open === undefined || open.id !== id) return undefined;
    if (!isWaitingFor(open, member)) return undefined;
    open.waiting &= ~(1 << open.members.indexOf(member));
    if (open.waiting === 0) {
      this.#slots[this.#slotOf(id)] = undefined;
      this.#size -= 1;
    }
    return open.question;
  }

  /** Whether an answer of `member` to question `id` would be to what somebody else passed on. */
  isRelayed(id: number, member: MemberIndex): boolean {
    const open = this.#slots[this.#slotOf(id)];
    return open?.id === id && open.relay !== undefined && open.relay.delegate !== member;
  }

  /** All of them now: the table may change while the list is walked. */
  list(): OpenQuestion[] {
    return this.#slots.filter((open) => open !== undefined);
  }

  #nextId(): number {
    let id = this.#lastId;
    do id = (id + 1) >>> 0;
    while (this.#slots[this.#slotOf(id)] !== undefined);
    this.#lastId = id;
    return id;
  }

  #slotOf(id: number): number {
    return id & (this.#slots.length - 1);
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Array<OpenQuestion | undefined>(old.length * 2).fill(undefined);
    for (const open of old) if (open !== undefined) this.#slots[this.#slotOf(open.id)] = open;
  }
}
