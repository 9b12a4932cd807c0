// This node's copy of the keys: read it, write to it as their coordinator, merge what other
// nodes send. A write or merge is one turn: get, decide, put. The turn ends when the engine has
// taken the bytes, not when they are durable, so that a hot key costs no fdatasync per write.
//
// Invariants:
// - a dot is minted under the key's turn, from a counter that this incarnation never reuses, so
//   that within one key this actor has seen all of its own earlier dots;
// - a read answers only what is as durable here as its keyspace asks: with `fsync`, what a power
//   cut could take back is not shown;
// - a copy never loses knowledge: what is put covers everything that stood there before.

import type { KeyspaceNumber, Slot } from '../base/ids.ts';
import { type Later, later } from '../base/later.ts';
import type { Dot } from '../causality/dot.ts';
import { type HybridTime, observe, tick } from '../causality/hybrid-clock.ts';
import { decodeObject, encodeObject } from '../causality/object-format.ts';
import { closed } from '../causality/pruning.ts';
import {
  EMPTY_OBJECT,
  mergeObjects,
  type Sibling,
  type StoredObject,
  writeSibling,
} from '../causality/siblings.ts';
import { descends, EMPTY_VECTOR, type VersionVector } from '../causality/version-vector.ts';
import type { Clock, Log } from '../host/host.ts';
import { slotOf } from '../ring/slot.ts';
import type { Engine, Stored, Written } from '../storage/engine.ts';
import { type Decision, decide } from './change.ts';
import { resolved } from './conflict-rule.ts';
import type { Step } from './copy-change.ts';
import { CopyWriter, type CopyWriterParts, isMissing, NO_HINTS } from './copy-writer.ts';
import type { HintBook, Lacking } from './hints/hint-book.ts';
import type { Hint } from './hints/hint-record.ts';
import { KeyTurns } from './key-turns.ts';
import type { Keyspace } from './keyspace.ts';
import type { KeyAt, SlotAt } from './messages.ts';
import { refuseGrowth } from './object-limits.ts';
import { type ObjectCounters, ObjectWatch } from './object-watch.ts';
import type { OwnActor } from './own-actor.ts';
import { isForgettable } from './reaping/floor.ts';
import type { FloorBook } from './reaping/floor-book.ts';
import { SlotsNoted } from './reaping/slots-noted.ts';
import type { LiveValue, WriteRequest } from './request.ts';

export interface ReplicaParts extends CopyWriterParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly actor: OwnActor;
}

/** A write that this node minted and took into its own copy. */
export interface Minted {
  readonly kind: 'minted';
  readonly dot: Dot;
  readonly context: VersionVector;
  /** The whole object as it now stands here, encoded: what the other primaries get. */
  readonly object: Buffer;
  readonly previous: LiveValue | undefined;
  /** When it is as durable here as the keyspace asks; rejects as Written.durable does. */
  readonly durable: Promise<void>;
}

export type Refusal = Extract<Decision, { kind: 'condition-failed' }>;

/** The turn came after the deadline: nothing was written. */
export interface TooLate {
  readonly kind: 'too-late';
}

export interface Confirmation {
  readonly confirmed: VersionVector;
  /** By number. */
  readonly primaries: readonly number[];
}

export interface TurnTerms {
  /** Nothing is written in a turn that comes then or later. */
  readonly deadlineMs: number;
  /** Numbers of the nodes for which hints are to be written with the object. */
  readonly targets: readonly number[];
}

/** What stands in this copy after a merge. */
export interface Merged {
  readonly context: VersionVector;
  /** Of the write that put it there. */
  readonly sequence: number;
  /** Of that write, when it was this merge. */
  readonly durable: Promise<void> | undefined;
}

const TOO_LATE: TooLate = { kind: 'too-late' };

export class Replica {
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #actor: OwnActor;
  readonly #hints: HintBook;
  readonly #floors: FloorBook;
  readonly #writer: CopyWriter;
  readonly #turns = new KeyTurns();
  readonly #watch: ObjectWatch;
  readonly #takenDown = new SlotsNoted();
  #time: HybridTime = 0;

  constructor(parts: ReplicaParts) {
    this.#engine = parts.engine;
    this.#clock = parts.clock;
    this.#actor = parts.actor;
    this.#hints = parts.hints;
    this.#floors = parts.floors;
    this.#writer = new CopyWriter(parts);
    this.#watch = new ObjectWatch(parts.log);
    this.observeTime(parts.engine.newestTime());
  }

  /** The newest hybrid time that this node knows of; travels with every message. */
  get time(): HybridTime {
    return this.#time;
  }

  get counters(): ObjectCounters {
    return this.#watch.counters;
  }

  observeTime(remote: HybridTime): void {
    if (remote > this.#time) this.#time = observe(this.#time, remote, this.#clock.wallMs());
  }

  /**
   * The copy, encoded, once it is as durable as the keyspace asks. Rejects when what stands here
   * cannot become so.
   */
  read(keyspace: Keyspace, at: KeyAt): Later<Buffer | undefined> {
    const stored = this.#engine.get(at);
    if (keyspace.durability === 'interval') return later(stored, bytesOf);
    if (stored instanceof Promise) return stored.then((found) => this.#whenDurable(found));
    return this.#whenDurable(stored);
  }

  /**
   * Carries out `request` as its coordinator, unless its turn comes too late: then nothing is
   * written, for ever. Throws or rejects as Engine.write does, as refuseGrowth and with HINTS_FULL.
   */
  write(
    keyspace: Keyspace,
    at: KeyAt,
    request: WriteRequest,
    terms: TurnTerms,
  ): Later<Minted | Refusal | TooLate> {
    if (request.context !== undefined) this.learnContext(request.context);
    if (this.#actor.isStale) return this.#writeRenewed(keyspace, at, request, terms);
    const taken = this.#turnFor(terms.targets, at, (before, lacking) => {
      // While the old value was read, somebody may have shown that we forgot something.
      if (this.#actor.isStale) return undefined;
      if (this.#clock.monotonicMs() >= terms.deadlineMs) return TOO_LATE;
      return this.#mint(keyspace, at, request, before, lacking);
    });
    const renewed = () => this.#writeRenewed(keyspace, at, request, terms);
    if (!(taken instanceof Promise)) return taken ?? renewed();
    return taken.then((each) => each ?? renewed());
  }

  /** Merges `incoming` into this copy; visible at once, see whenKept(). */
  merge(keyspace: Keyspace, at: KeyAt, incoming: Buffer): Later<Merged> {
    return this.#turn(at, (before) => this.#mergeInto(keyspace, at, incoming, before));
  }

  /**
   * The same, with a hint that the node numbered `target` lacks it. Throws or rejects with
   * HINTS_FULL as well.
   */
  mergeFor(target: number, keyspace: Keyspace, at: KeyAt, incoming: Buffer): Later<Merged> {
    return this.#turnFor([target], at, (before, lacking) => {
      return this.#mergeInto(keyspace, at, incoming, before, lacking);
    });
  }

  /** A hint that the node numbered `target` lacks what stands here. Errors as in mergeFor(). */
  noteLacking(target: number, at: KeyAt): Later<void> {
    return this.#turns.take(at, () => {
      return later(this.#hints.lacking(target, at), (lacking) => {
        if (isMissing(lacking)) this.#writer.putHints(this.#time, [lacking]);
      });
    });
  }

  /**
   * The target of `hint` has a copy with this context: takes the hint away, unless more stands here
   * by now. `others` are those for whom this node may hold hints of the key; when none of them
   * lacks it either the copy goes too. Undefined: this node is a primary of the key, and keeps it.
   */
  delivered(
    hint: Hint,
    context: VersionVector,
    others: readonly number[] | undefined,
  ): Later<boolean> {
    const { at } = hint;
    return this.#turns.take(at, async () => {
      const stored = await this.#engine.get(at);
      const object = stored && decodeObject(stored.value);
      if (!descends(context, object?.context ?? EMPTY_VECTOR)) return false;
      const isKept = others === undefined || (await this.#isLacking(others, at));
      if (!isKept && object !== undefined) await this.#actor.outlive(object.context);
      this.#writer.removeHint(hint, isKept ? undefined : object, this.#time);
      return true;
    });
  }

  async #isLacking(targets: readonly number[], at: KeyAt): Promise<boolean> {
    for (const target of targets) if ((await this.#hints.sequenceOf(target, at)) > 0) return true;
    return false;
  }

  /** What a key is here: `stored`, as bytes, or what its absence says. */
  objectOf(at: SlotAt, stored: Buffer | undefined): StoredObject {
    return stored === undefined ? this.#floors.objectAt(at) : decodeObject(stored);
  }

  /**
   * Erases what stands under the key if it is dead by `nowMs`, a wall clock, and the floor of the
   * slot says all that it does; whether it did. Throws or rejects as Engine.write.
   */
  forget(at: KeyAt, nowMs: number): Later<boolean> {
    return this.#turn(at, (stored) => {
      if (stored === undefined) return false;
      const object = decodeObject(stored.value);
      if (!isForgettable(object, this.#floors.floorOf(at), nowMs)) return false;
      this.#writer.remove(at, object, this.#time);
      return true;
    });
  }

  /** From here on it is taken down in which slots something is written. */
  takeDown(keyspace: KeyspaceNumber): void {
    this.#takenDown.begin(keyspace);
  }

  /** The slots that were taken down, and those in which a turn is under way; no more from here. */
  takenDown(keyspace: KeyspaceNumber): ReadonlySet<Slot> {
    const slots = this.#takenDown.end(keyspace);
    for (const slot of this.slotsInTurn(keyspace)) slots.add(slot);
    return slots;
  }

  /** In which a turn is under way: it goes by what it has seen there. */
  slotsInTurn(keyspace: KeyspaceNumber): ReadonlySet<Slot> {
    return new Set([...this.#turns.underWay(keyspace)].map(slotOf));
  }

  /** When a merged copy is as durable as the keyspace asks; rejects as Written.durable does. */
  whenKept({ durability }: Keyspace, { durable, sequence }: Merged): Later<void> {
    if (durability === 'interval') return undefined;
    if (durable !== undefined) return durable;
    if (sequence > this.#engine.durableSequence()) return this.#engine.whenDurable(sequence);
  }

  /**
   * A context that knows more of me than I do means that my disk or my clock went back in time:
   * what I forgot must not be covered by what I write next, nor what I write by a later life of
   * mine, so I go on as a new actor after all of them. Returns whether it is so.
   */
  learnContext(context: VersionVector): boolean {
    return this.#actor.learn(context);
  }

  /**
   * All `primaries` have the object with the context `confirmed`, and nothing else: closes what
   * that allows in our copy, if it still is that one. What then stands here; undefined: nothing
   * changed.
   */
  closeIncarnations(
    keyspace: Keyspace,
    at: KeyAt,
    { confirmed, primaries }: Confirmation,
  ): Later<Buffer | undefined> {
    return this.#turn(at, (stored) => {
      if (stored === undefined) return undefined;
      const before = decodeObject(stored.value);
      const { context, siblings } = before;
      if (!descends(confirmed, context) || !descends(context, confirmed)) return undefined;
      const after = { context: closed(context, siblings, primaries), siblings };
      if (after.context === context) return undefined;
      const encoded = encodeObject(after);
      this.#put(keyspace, at, { before, after, encoded });
      this.counters.contextsClosed += 1;
      return encoded;
    });
  }

  #whenDurable(stored: Stored | undefined): Later<Buffer | undefined> {
    if (stored === undefined) return undefined;
    if (stored.sequence <= this.#engine.durableSequence()) return stored.value;
    return this.#engine.whenDurable(stored.sequence).then(() => stored.value);
  }

  #turn<T>(at: KeyAt, act: (before: Stored | undefined) => T): Later<T> {
    return this.#turns.take(at, () => later(this.#engine.get(at), act));
  }

  /** The same, with the hints that `targets` lack the key. Throws or rejects with HINTS_FULL. */
  #turnFor<T>(
    targets: readonly number[],
    at: KeyAt,
    act: (before: Stored | undefined, lacking: readonly Lacking[]) => T,
  ): Later<T> {
    if (targets.length === 0) return this.#turn(at, (before) => act(before, NO_HINTS));
    return this.#turns.take(at, async () => {
      const lacking: Lacking[] = [];
      for (const target of targets) lacking.push(await this.#hints.lacking(target, at));
      return act(await this.#engine.get(at), lacking);
    });
  }

  /** Undefined: this actor must be replaced first. */
  #mint(
    keyspace: Keyspace,
    at: KeyAt,
    request: WriteRequest,
    stored: Stored | undefined,
    lacking: readonly Lacking[],
  ): Minted | Refusal | undefined {
    const known = this.objectOf(at, stored?.value);
    if (this.learnContext(known.context)) return undefined;
    const nowMs = this.#clock.wallMs();
    const decision = decide(keyspace, known, request, nowMs);
    if (decision.kind === 'condition-failed') return decision;

    const dot = this.#actor.nextDot();
    const sibling: Sibling = {
      dot,
      time: this.#nextTime(nowMs),
      expiresAt: decision.expiresAt,
      isTombstone: decision.isTombstone,
      value: decision.value,
    };
    // Under `latest` only what stands here counts as seen: see keepLatest for what would break.
    const seen = keyspace.conflictRule === 'latest' ? known.context : decision.seen;
    const object = resolved(keyspace, writeSibling(known, seen, sibling));
    const encoded = encodeObject(object);
    const sizeBefore = { siblings: known.siblings.length, bytes: stored?.value.length ?? 0 };
    const sizeAfter = { siblings: object.siblings.length, bytes: encoded.length };
    refuseGrowth(keyspace, sizeBefore, sizeAfter);
    const before = stored === undefined ? EMPTY_OBJECT : known;
    const written = this.#put(keyspace, at, { before, after: object, encoded }, lacking);
    const durable = keyspace.durability === 'interval' ? IN_MEMORY : written.durable;
    const { context } = object;
    return { kind: 'minted', dot, context, object: encoded, previous: decision.previous, durable };
  }

  #nextTime(nowMs: number): HybridTime {
    this.#time = tick(this.#time, nowMs);
    return this.#time;
  }

  #mergeInto(
    keyspace: Keyspace,
    at: KeyAt,
    incoming: Buffer,
    stored: Stored | undefined,
    lacking: readonly Lacking[] = NO_HINTS,
  ): Merged {
    const theirs = decodeObject(incoming);
    for (const sibling of theirs.siblings) this.observeTime(sibling.time);
    this.learnContext(theirs.context);
    const ours = this.objectOf(at, stored?.value);
    const merged = resolved(keyspace, mergeObjects(ours, theirs));
    const { context } = merged;
    // That a key is not there needs no object, whatever else of it was replaced.
    const isNew = stored === undefined ? merged.siblings.length > 0 : merged !== ours;
    if (!isNew && !lacking.some(isMissing)) {
      const sequences = lacking.map(({ sequence }) => sequence);
      const sequence = Math.max(stored?.sequence ?? 0, ...sequences);
      return { context, sequence, durable: undefined };
    }
    const encoded = merged === theirs ? incoming : encodeObject(merged);
    const before = stored === undefined ? EMPTY_OBJECT : ours;
    const step = { before, after: merged, encoded };
    const { sequence, durable } = isNew
      ? this.#put(keyspace, at, step, lacking)
      : this.#writer.putHints(this.#time, lacking);
    return { context, sequence, durable };
  }

  #put(keyspace: Keyspace, at: KeyAt, step: Step, lacking = NO_HINTS): Written {
    this.#takenDown.note(at);
    this.#watch.note(keyspace, at, step.before, step.after);
    return this.#writer.put(at, step, this.#time, lacking);
  }

  #writeRenewed(keyspace: Keyspace, at: KeyAt, request: WriteRequest, terms: TurnTerms) {
    return this.#actor.renewed().then(() => this.write(keyspace, at, request, terms));
  }
}

const IN_MEMORY: Promise<void> = Promise.resolve();
function bytesOf(stored: Stored | undefined): Buffer | undefined {
  return stored?.value;
}
