// Which other nodes lack something that stands here, and how much: the hints of this node, which
// the engine keeps (hint-record.ts), with their numbers by target in memory.
//
// Who writes a hint does it under the turn of its key, in one batch with the copy that it speaks
// of, or after that copy: a hint whose copy a power cut took away would promise what nobody has.
//
// Bounded for each target, in bytes and in time: a node that is away for longer than the window,
// or for which too much has gathered, is left to anti-entropy, and nobody counts on hints for it.
//
// Source: DeCandia et al.: "Dynamo" (SOSP 2007), section 4.6.

import { KvorumError } from '../../base/errors.ts';
import type { Slot } from '../../base/ids.ts';
import { type Later, later } from '../../base/later.ts';
import type { Clock } from '../../host/host.ts';
import type { Engine } from '../../storage/engine.ts';
import type { KeyAt } from '../messages.ts';
import { readableEntries } from '../refill/readable-entries.ts';
import { HINTS_KEYSPACE, type Hint, hintBytes, hintKeyOf, readHint } from './hint-record.ts';

export interface HintLimits {
  /** Bytes of hints for one target; the copies that they speak of come on top. */
  readonly bytesMax: number;
  /** Milliseconds that a target may be away and still get new hints. */
  readonly windowMs: number;
}

export const HINT_LIMITS: HintLimits = { bytesMax: 64 * 1024 ** 2, windowMs: 24 * 3_600_000 };

/** Of one target. */
export interface PendingHints {
  count: number;
  bytes: number;
  /** Wall clock of the oldest, in milliseconds since 1970. */
  sinceMs: number;
}

export interface HintCounters {
  kept: number;
  delivered: number;
  /** For want of room: the target is left to anti-entropy for these. */
  refused: number;
}

export interface Lacking {
  readonly hint: Hint;
  /** Of the write that put it there before; 0: it is new. */
  readonly sequence: number;
}

export class HintBook {
  readonly counters: HintCounters = { kept: 0, delivered: 0, refused: 0 };
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #limits: HintLimits;
  readonly #pending = new Map<number, PendingHints>();

  constructor(engine: Engine, clock: Clock, limits: HintLimits = HINT_LIMITS) {
    this.#engine = engine;
    this.#clock = clock;
    this.#limits = limits;
  }

  /** By the number of the target; those without any are left out. */
  get pending(): ReadonlyMap<number, PendingHints> {
    return this.#pending;
  }

  /** Counts what the engine has from before; once, before anything else. */
  async load(): Promise<void> {
    for await (const hint of this.all()) this.#count(hint);
  }

  /** Every hint that is here now. */
  async *all(): AsyncGenerator<Hint> {
    for await (const entry of readableEntries(this.#engine, HINTS_KEYSPACE)) yield readHint(entry);
  }

  /** All of them were dropped. */
  forget(): void {
    this.#pending.clear();
  }

  /** Whether there is one for a key of the slot. */
  async isAny(slot: Slot): Promise<boolean> {
    if (this.#pending.size === 0) return false;
    const range = { keyspace: HINTS_KEYSPACE, fromSlot: slot, toSlot: slot };
    const page = await this.#engine.scan(range, { entriesMax: 1, bytesMax: 1 });
    return page.entries.length > 0;
  }

  /**
   * The hint that `target` lacks the key: to be written, and then noted with kept(), unless it
   * stands there already. Throws or rejects with HINTS_FULL. Only under the turn of the key.
   */
  lacking(target: number, at: KeyAt): Later<Lacking> {
    return later(this.sequenceOf(target, at), (sequence) => {
      const hint = { target, at, sinceMs: this.#clock.wallMs() };
      if (sequence === 0) this.#refuseTooMuch(hint);
      return { hint, sequence };
    });
  }

  /** Of the write that put the hint there; 0: there is none. */
  sequenceOf(target: number, at: KeyAt): Later<number> {
    return later(this.#engine.get(hintKeyOf(target, at)), (stored) => stored?.sequence ?? 0);
  }

  /** A hint was written. */
  kept(hint: Hint): void {
    this.counters.kept += 1;
    this.#count(hint);
  }

  /** A hint was removed, because its target has what stands here. */
  delivered({ target, at }: Hint): void {
    this.counters.delivered += 1;
    const pending = this.#pending.get(target);
    if (pending === undefined) return;
    pending.count -= 1;
    pending.bytes -= hintBytes(at);
    if (pending.count === 0) this.#pending.delete(target);
  }

  #count({ target, at, sinceMs }: Hint): void {
    const pending = this.#pending.get(target) ?? { count: 0, bytes: 0, sinceMs };
    this.#pending.set(target, pending);
    pending.count += 1;
    pending.bytes += hintBytes(at);
    pending.sinceMs = Math.min(pending.sinceMs, sinceMs);
  }

  #refuseTooMuch({ target, at, sinceMs }: Hint): void {
    const pending = this.#pending.get(target);
    if (pending === undefined) return;
    const { bytesMax, windowMs } = this.#limits;
    const isTooMuch = pending.bytes + hintBytes(at) > bytesMax;
    if (!isTooMuch && sinceMs - pending.sinceMs < windowMs) return;
    this.counters.refused += 1;
    const why = isTooMuch ? `hints for it take ${pending.bytes} bytes` : 'it is away for too long';
    const fix = 'Bring the node back; anti-entropy brings it what it missed beyond its hints.';
    throw new KvorumError('HINTS_FULL', `node number ${target} gets no more hints: ${why}`, fix);
  }
}
