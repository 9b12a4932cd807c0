// What this node knows of every member's heartbeat, its own included, and what it tells of them:
// a digest, and the heartbeats that somebody lacks. Messages are bounded in bytes: a digest is a
// window that moves on through the members, and heartbeats go the most out-of-date first
// (Scuttlebutt's depth ordering), so that every member gets its turn however tight the bound.
//
// Members are known by the configuration alone: a heartbeat of a stranger is no news.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { assert } from '../base/assert.ts';
import { heartbeatBytes, MESSAGE_OVERHEAD_BYTES, stampBytes } from './gossip-message.ts';
import { gapBetween, type Heartbeat, IDLE, isLater, type Load, type Stamp } from './heartbeat.ts';

export interface MemberTableOptions {
  /** Node numbers, in the order of the topology. */
  readonly members: readonly number[];
  /** Index of this node in `members`. */
  readonly self: number;
  readonly generation: number;
  readonly epoch: number;
  readonly messageBytesMax: number;
}

export class MemberTable {
  readonly #heartbeats: Heartbeat[];
  readonly #indexes = new Map<number, number>();
  readonly #self: number;
  readonly #bytesMax: number;
  /** Where the next digest begins. */
  #cursor = 0;

  constructor({ members, self, generation, epoch, messageBytesMax }: MemberTableOptions) {
    assert(self >= 0 && self < members.length, 'a node is a member of its cluster');
    this.#self = self;
    this.#bytesMax = messageBytesMax - MESSAGE_OVERHEAD_BYTES;
    this.#heartbeats = members.map((member, index) => {
      this.#indexes.set(member, index);
      return index === self
        ? { member, generation, version: 0, hasLeft: false, epoch, load: IDLE }
        : { member, generation: 0, version: 0, hasLeft: false, epoch: 0, load: IDLE };
    });
  }

  of(index: number): Heartbeat {
    return this.#heartbeats[index] as Heartbeat;
  }

  indexOf(member: number): number | undefined {
    return this.#indexes.get(member);
  }

  isHeardOf(index: number): boolean {
    return this.of(index).generation > 0;
  }

  /** This node lives on, under that load. */
  beat(load: Load): void {
    const own = this.of(this.#self);
    this.#heartbeats[this.#self] = { ...own, version: own.version + 1, load };
  }

  /** The last word of this generation. */
  leave(): Heartbeat {
    const own = this.of(this.#self);
    const last = { ...own, version: own.version + 1, hasLeft: true };
    this.#heartbeats[this.#self] = last;
    return last;
  }

  /**
   * Takes what is later than what it has; answers the index of the member, or undefined: no news.
   * What others say of this node is an earlier run of it, and refuted by a higher generation.
   */
  merge(heartbeat: Heartbeat): number | undefined {
    const index = this.#indexes.get(heartbeat.member);
    if (index === undefined || !isLater(heartbeat, this.of(index))) return undefined;
    if (index === this.#self) {
      this.refute(heartbeat);
      return undefined;
    }
    this.#heartbeats[index] = heartbeat;
    return index;
  }

  /** Somebody has a later word of this node than it said: it goes on above it. */
  refute({ generation }: Stamp): void {
    const own = this.of(this.#self);
    this.#heartbeats[this.#self] = { ...own, generation: generation + 1, version: 1 };
  }

  /** Own stamp, and as many of others as fit, those next that the last digest left out. */
  digest(): Stamp[] {
    const count = this.#heartbeats.length;
    const stamps: Stamp[] = [stampOf(this.of(this.#self))];
    let left = this.#bytesMax - stampBytes(this.of(this.#self));
    for (let step = 0; step < count; step++) {
      const index = this.#cursor;
      const heartbeat = this.of(index);
      if (index !== this.#self) {
        left -= stampBytes(heartbeat);
        if (left < 0) break;
        stamps.push(stampOf(heartbeat));
      }
      this.#cursor = (index + 1) % count;
    }
    return stamps;
  }

  /** Of what the other has: what he lacks, and what he could tell. */
  compare(stamps: readonly Stamp[]): { heartbeats: Heartbeat[]; wanted: Stamp[] } {
    const wants: Gap[] = [];
    const news: Gap[] = [];
    for (const theirs of stamps) {
      const index = this.#indexes.get(theirs.member);
      if (index === undefined) continue;
      const own = this.of(index);
      if (isLater(own, theirs)) news.push({ index, gap: gapBetween(own, theirs) });
      else if (isLater(theirs, own)) {
        if (index === this.#self) this.refute(theirs);
        else wants.push({ index, gap: gapBetween(theirs, own) });
      }
    }
    // Half of the bytes for questions: what is told then leaves room for what is heard.
    const wanted = this.#mostOutOfDate(wants, this.#bytesMax / 2, stampBytes).map(stampOf);
    const asked = wanted.reduce((sum, stamp) => sum + stampBytes(stamp), 0);
    return {
      wanted,
      heartbeats: this.#mostOutOfDate(news, this.#bytesMax - asked, heartbeatBytes),
    };
  }

  /** What the other wants and lacks, as far as it fits. */
  told(wanted: readonly Stamp[]): Heartbeat[] {
    return this.compare(wanted).heartbeats;
  }

  #mostOutOfDate(
    gaps: Gap[],
    bytesMax: number,
    bytesOf: (heartbeat: Heartbeat) => number,
  ): Heartbeat[] {
    gaps.sort((a, b) => (a.gap === b.gap ? 0 : b.gap - a.gap));
    const chosen: Heartbeat[] = [];
    let left = bytesMax;
    for (const { index } of gaps) {
      const heartbeat = this.of(index);
      left -= bytesOf(heartbeat);
      if (left < 0) break;
      chosen.push(heartbeat);
    }
    return chosen;
  }
}

interface Gap {
  readonly index: number;
  readonly gap: number;
}

function stampOf({ member, generation, version, hasLeft }: Heartbeat): Stamp {
  return { member, generation, version, hasLeft };
}
