// Gossip on this host: gives the pure core (membership/gossip.ts) its ticks and what this node
// bears, sends what it has to say, and logs every change of what it thinks of the others.

import type { Clock, Log, Timer } from '../host/host.ts';
import { GOSSIP_TICK_MS, type Outgoing } from '../membership/gossip.ts';
import type { GossipMessage } from '../membership/gossip-message.ts';
import type { Load } from '../membership/heartbeat.ts';
import type { MemberIndex } from '../replication/peers.ts';
import type { ClusterMap } from './cluster-map.ts';
import type { MemberHealth } from './store.ts';

/** Of each new tick in what is told of lateness: seconds, not single pauses, are news. */
const LATENESS_WEIGHT = 1 / 16;

export interface GossipAgentParts {
  readonly map: ClusterMap;
  readonly clock: Clock;
  readonly log: Log;
  readonly say: (outgoing: Outgoing) => void;
  /** What this node bears beside the lateness of its timers, which the agent measures. */
  readonly burden: () => Burden;
}

export interface Burden extends Pick<Load, 'isDiskFull' | 'freePercent'> {
  /** Reads and writes coordinated since the start. */
  readonly requests: number;
}

export class GossipAgent {
  readonly #parts: GossipAgentParts;
  /** What was last logged of each member. */
  readonly #told: MemberHealth[] = [];
  #timer: Timer | undefined;
  #lateMs = 0;
  #requests = 0;
  #measuredMs: number;

  constructor(parts: GossipAgentParts) {
    this.#parts = parts;
    this.#measuredMs = parts.clock.monotonicMs();
  }

  /** A node that stands alone has nobody to talk to. */
  start(): void {
    if (this.#parts.map.members.length > 1) this.#tick();
  }

  /** Tells the others that this node stops; it says nothing after it. */
  leave(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const outgoing of this.#parts.map.gossip.leave()) this.#parts.say(outgoing);
  }

  hear(member: MemberIndex, exchange: number, message: GossipMessage): void {
    const { map, clock, say } = this.#parts;
    if (this.#timer === undefined) return;
    for (const outgoing of map.gossip.hear(member, exchange, message, clock.monotonicMs())) {
      say(outgoing);
    }
  }

  #tick(): void {
    const { map, clock, say } = this.#parts;
    const nowMs = clock.monotonicMs();
    const moment = { nowMs, wallMs: clock.wallMs() };
    const said = map.gossip.tick(moment, () => this.#load(nowMs));
    for (const outgoing of said) say(outgoing);
    for (let member = 0; member < map.members.length; member++) {
      if (member !== map.self) this.#logChange(member);
    }
    this.#timer = clock.after(GOSSIP_TICK_MS, () => {
      const lateMs = Math.max(0, clock.monotonicMs() - nowMs - GOSSIP_TICK_MS);
      this.#lateMs += (lateMs - this.#lateMs) * LATENESS_WEIGHT;
      this.#tick();
    });
  }

  #load(nowMs: number): Load {
    const { requests, ...disk } = this.#parts.burden();
    const seconds = (nowMs - this.#measuredMs) / 1_000;
    const done = requests - this.#requests;
    this.#requests = requests;
    this.#measuredMs = nowMs;
    const requestsPerSecond = seconds > 0 ? Math.round(done / seconds) : 0;
    return { ...disk, lateMs: Math.round(this.#lateMs), requestsPerSecond };
  }

  #logChange(member: MemberIndex): void {
    const { map, log } = this.#parts;
    const health = map.health(member);
    const told = this.#told[member];
    this.#told[member] = health;
    const { state, phi, silentMs } = health;
    const node = map.members[member]?.name;
    if (state !== (told?.state ?? 'unheard')) {
      const change = { node, phi: round(phi), silentMs: round(silentMs ?? 0), was: told?.state };
      if (state === 'alive' || state === 'left') log.info(`node ${state}`, change);
      else log.warn(`node ${state}`, change);
    }
    if (health.isSlow !== (told?.isSlow ?? false)) {
      const fields = { node, answerMs: round(health.answerMs ?? 0) };
      if (health.isSlow) log.warn('node slow', fields);
      else log.info('node no longer slow', fields);
    }
    if (health.isDiskFull === (told?.isDiskFull ?? false)) return;
    if (health.isDiskFull) log.warn('node disk-full', { node });
    else log.info('node no longer disk-full', { node });
  }
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
