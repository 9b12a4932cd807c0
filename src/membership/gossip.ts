// Gossip between the members of a cluster: who is there, how busy, and which topology is newest.
// Once an interval a node counts up its heartbeat and exchanges news with a few others chosen by
// dice (gossip-message.ts), so that word of anything reaches n members in O(log n) rounds, whoever
// is down; what it hears feeds its failure detector.
//
// It decides who is asked, never who owns a slot. Whoever drives it calls tick() every 100 ms and
// delivers messages, in any order, late, doubled or not at all.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { FailureDetector } from './failure-detector.ts';
import type { GossipMessage } from './gossip-message.ts';
import type { GossipPreset } from './gossip-preset.ts';
import type { Heartbeat, Load } from './heartbeat.ts';
import { MemberTable } from './member-table.ts';

/** How often tick() is to be called, in milliseconds. */
export const GOSSIP_TICK_MS = 100;

/** So long a node that starts gossips at every tick, until it has heard everybody. */
const EAGER_MS = 5_000;

export interface GossipOptions {
  /** Node numbers, in the order of the topology; a member is known by its index. */
  readonly members: readonly number[];
  /** Index of this node. */
  readonly self: number;
  /** Higher than that of any run of this node before; where it is not, it is raised. */
  readonly generation: number;
  readonly epoch: number;
  readonly preset: GossipPreset;
  /** Whole numbers from 0 up to, but not including, `below`. */
  readonly dice: (below: number) => number;
  readonly nowMs: number;
}

export interface Moment {
  /** Monotonic. */
  readonly nowMs: number;
  /** Since 1970, as this machine believes. */
  readonly wallMs: number;
}

export interface Outgoing {
  readonly to: number;
  /** Names the exchange, together with who began it. */
  readonly exchange: number;
  readonly message: GossipMessage;
}

interface OpenExchange {
  readonly to: number;
  readonly askedMs: number;
}

export class Gossip {
  readonly detector: FailureDetector;
  readonly #table: MemberTable;
  readonly #options: GossipOptions;
  /** Begun by this node and not answered yet, oldest first. */
  readonly #open = new Map<number, OpenExchange>();
  #lastExchange: number;
  #nextRoundMs: number;
  #exchangesLost = 0;

  constructor(options: GossipOptions) {
    const { members, preset, nowMs } = options;
    this.#options = options;
    this.detector = new FailureDetector(members.length, preset, nowMs);
    this.#table = new MemberTable({ ...options, messageBytesMax: preset.messageBytesMax });
    this.#lastExchange = options.dice(2 ** 32);
    this.#nextRoundMs = nowMs;
  }

  /** Exchanges that this node began and nobody answered in time. */
  get exchangesLost(): number {
    return this.#exchangesLost;
  }

  /** What `member` said last; generation 0: nothing yet. */
  heartbeat(member: number): Heartbeat {
    return this.#table.of(member);
  }

  /** Judges everybody anew, and begins a round when one is due. `load`: asked for it then. */
  tick({ nowMs, wallMs }: Moment, load: () => Load): Outgoing[] {
    this.#expire(nowMs);
    this.detector.tick(nowMs);
    if (nowMs < this.#nextRoundMs && !this.#isEager(nowMs)) return [];
    this.#nextRoundMs = Math.max(this.#nextRoundMs + this.#options.preset.intervalMs, nowMs);
    this.#table.beat(load());
    return this.#partners(nowMs).map((to) => this.#begin(to, { nowMs, wallMs }));
  }

  /** What `from` says; answers what to say back. */
  hear(from: number, exchange: number, message: GossipMessage, nowMs: number): Outgoing[] {
    if (message.kind === 'digest') {
      const answer = { kind: 'answer', ...this.#table.compare(message.stamps) } as const;
      return [{ to: from, exchange, message: answer }];
    }
    for (const heartbeat of message.heartbeats) this.#merge(heartbeat, nowMs);
    const asked = message.kind === 'answer' ? this.#open.get(exchange) : undefined;
    const tookMs = asked?.to === from ? nowMs - asked.askedMs : undefined;
    if (tookMs !== undefined) this.#open.delete(exchange);
    this.detector.answered(from, nowMs, tookMs);
    if (message.kind === 'closing') return [];
    const heartbeats = this.#table.told(message.wanted);
    return [{ to: from, exchange, message: { kind: 'closing', heartbeats } }];
  }

  /** Goodbye to as many as spread it for certain; nothing is to be said after it. */
  leave(): Outgoing[] {
    const last = this.#table.leave();
    const message = { kind: 'closing', heartbeats: [last] } as const;
    const alive = this.#others((member) => this.detector.isAlive(member));
    const told = this.#drawn(alive, 3 * this.#options.preset.fanOut);
    return told.map((to) => ({ to, exchange: 0, message }));
  }

  #merge(heartbeat: Heartbeat, nowMs: number): void {
    const index = this.#table.indexOf(heartbeat.member);
    const isFirst = index !== undefined && !this.#table.isHeardOf(index);
    const member = this.#table.merge(heartbeat);
    if (member === undefined) return;
    if (heartbeat.hasLeft) this.detector.left(member, nowMs);
    else this.detector.arrived(member, isFirst, nowMs);
  }

  #begin(to: number, { nowMs, wallMs }: Moment): Outgoing {
    this.#lastExchange = (this.#lastExchange + 1) >>> 0;
    this.#open.set(this.#lastExchange, { to, askedMs: nowMs });
    const message = { kind: 'digest', sentMs: wallMs, stamps: this.#table.digest() } as const;
    return { to, exchange: this.#lastExchange, message };
  }

  #expire(nowMs: number): void {
    for (const [exchange, { to, askedMs }] of this.#open) {
      if (nowMs - askedMs < this.#options.preset.answerMs) return;
      this.#open.delete(exchange);
      this.#exchangesLost += 1;
      this.detector.failed(to, askedMs, nowMs);
    }
  }

  #isEager(nowMs: number): boolean {
    if (nowMs - this.#options.nowMs > EAGER_MS) return false;
    return this.#others((member) => this.detector.state(member) === 'unheard').length > 0;
  }

  /** Some who are alive, and at least one who is not, in case he is again. */
  #partners(nowMs: number): number[] {
    const { fanOut } = this.#options.preset;
    const { detector } = this;
    const isEager = this.#isEager(nowMs);
    const isCalled = (member: number) => {
      return detector.isAlive(member) || (isEager && detector.state(member) === 'unheard');
    };
    const chosen = this.#drawn(this.#others(isCalled), fanOut);
    const missing = this.#others((member) => {
      return !isCalled(member) && detector.state(member) !== 'left';
    });
    return [...chosen, ...this.#drawn(missing, Math.max(1, fanOut - chosen.length))];
  }

  #others(isWanted: (member: number) => boolean): number[] {
    const others: number[] = [];
    for (let member = 0; member < this.#options.members.length; member++) {
      if (member !== this.#options.self && isWanted(member)) others.push(member);
    }
    return others;
  }

  /** `count` of them by dice, or all; the list is used up. */
  #drawn(list: number[], count: number): number[] {
    const drawn: number[] = [];
    while (drawn.length < count && list.length > 0) {
      const at = this.#options.dice(list.length);
      drawn.push(list[at] as number);
      list[at] = list.at(-1) as number;
      list.pop();
    }
    return drawn;
  }
}
