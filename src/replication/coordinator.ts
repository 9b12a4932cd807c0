// One client request, top to bottom. The coordinator is a primary of the key: it mints the dot
// of a write and collects the answers. A node that is no primary forwards the request, once, to
// the first primary that seems alive. Where none does, the nodes that stand in for them coordinate
// what needs no primary: reads of what they keep, and plain puts, which they keep with hints.
//
//   GET  quorum read → the values that live
//   PUT  (quorum read, if a condition needs it) → mint under the key's turn
//        → the object to all other primaries → W durable copies → context and receipt
//
// Source: DeCandia et al.: "Dynamo" (SOSP 2007), sections 4.5 and 5.

import { KvorumError, lineOf } from '../base/errors.ts';
import { type Later, later } from '../base/later.ts';
import { refuseFutureIncarnations } from '../causality/context.ts';
import { encodeObject } from '../causality/object-format.ts';
import { liveSiblings, type StoredObject } from '../causality/siblings.ts';
import type { Clock } from '../host/host.ts';
import type { Merger } from '../merge/merger.ts';
import { slotOf } from '../ring/slot.ts';
import { isPlainPut, needsRead } from './change.ts';
import { type ClusterView, coordinators, livingFallbacks } from './cluster-view.ts';
import { DeadlineSweep } from './deadline-sweep.ts';
import { Forwarder, isFinal } from './forwarder.ts';
import type { Keyspace } from './keyspace.ts';
import { mergedValues, mergeFailed } from './merged-values.ts';
import type { KeyAt } from './messages.ts';
import type { MemberIndex, Peers } from './peers.ts';
import { QuorumReader, type ReadResult } from './read/quorum-reader.ts';
import type { RefillBook } from './refill/refill-book.ts';
import type { Minted, Refusal, Replica, TooLate } from './replica.ts';
import { ReplicatedWrite, type WriterParts } from './replicated-write.ts';
import type {
  GetOutcome,
  GetRequest,
  LiveValue,
  Receipt,
  WriteOutcome,
  WriteRequest,
} from './request.ts';

export interface CoordinatorParts {
  readonly view: ClusterView;
  readonly replica: Replica;
  readonly refill: RefillBook;
  readonly peers: Peers;
  readonly clock: Clock;
  /** Milliseconds that a request may take; then it is decided without whoever is missing. */
  readonly requestMs: number;
  readonly merger: Merger;
}

/** A key, and who is responsible for it. */
interface Place {
  readonly keyspace: Keyspace;
  readonly at: KeyAt;
  readonly primaries: readonly MemberIndex[];
}

interface Terms {
  readonly w: number;
  readonly deadlineMs: number;
  /** Primaries that seem alive, and those who can stand in for others. */
  readonly able: number;
  /** The primaries, by number, where this node stands in for all of them. */
  readonly targets: readonly number[];
}

const NOBODY: readonly number[] = [];

export class Coordinator {
  readonly reader: QuorumReader;
  readonly #parts: CoordinatorParts;
  readonly #forwarder: Forwarder;
  readonly #writerParts: WriterParts;

  constructor(parts: CoordinatorParts) {
    this.#parts = parts;
    this.reader = new QuorumReader(parts);
    this.#forwarder = new Forwarder(parts);
    this.#writerParts = { ...parts, ownDisk: new DeadlineSweep(parts.clock) };
  }

  /** Throws or rejects with NO_SUCH_KEYSPACE and BAD_OPTION (an impossible R) only. */
  get(request: GetRequest): Later<GetOutcome> {
    const place = this.#locate(request);
    if (this.#mayCoordinate(place)) return this.#getHere(request, place);
    return this.#forwarder.get(place.keyspace, request, this.#coordinators(place));
  }

  /**
   * Throws or rejects with NO_SUCH_KEYSPACE, BAD_OPTION (an impossible W), BAD_CONTEXT,
   * TOO_MANY_SIBLINGS, VALUE_TOO_LARGE and MERGE_FAILED (what uses the value) only.
   *
   * What depends on the value before goes to the first live primary, so that two such writes meet
   * in one turn: as long as nodes agree on who lives, SET NX is granted once.
   */
  write(request: WriteRequest): Later<WriteOutcome> {
    const place = this.#locate(request);
    const { clock } = this.#parts;
    if (request.context !== undefined) refuseFutureIncarnations(request.context, clock.wallMs());
    if (!this.#mayCoordinate(place) || this.#isElsewhere(request, place)) {
      return this.#forward(request, place);
    }
    try {
      const outcome = this.#writeHere(request, place);
      if (!(outcome instanceof Promise)) return outcome;
      return outcome.catch((error) => this.#writeElsewhere(request, place, error));
    } catch (error) {
      return this.#writeElsewhere(request, place, error);
    }
  }

  /** A request that another node forwarded to us; refuses rather than forward it again. */
  writeForwarded(request: WriteRequest): Later<WriteOutcome | undefined> {
    const place = this.#locate(request);
    return this.#mayCoordinate(place) ? this.#writeHere(request, place) : undefined;
  }

  getForwarded(request: GetRequest): Later<GetOutcome | undefined> {
    const place = this.#locate(request);
    return this.#mayCoordinate(place) ? this.#getHere(request, place) : undefined;
  }

  async #forward(request: WriteRequest, place: Place): Promise<WriteOutcome> {
    const asked = this.#coordinators(place);
    const outcome = await this.#forwarder.write(place.keyspace, request, asked);
    if (outcome.kind !== 'not-applied' || asked !== place.primaries) return outcome;
    // Those who seemed alive when they were asked may not be: then others stand in for them.
    return this.#coordinators(place) === asked ? outcome : this.write(request);
  }

  #getHere(request: GetRequest, place: Place): Later<GetOutcome> {
    const { keyspace, at } = place;
    const r = quorumOf('R', request.r ?? keyspace.r, keyspace);
    const terms = { r, after: request.after, deadlineMs: this.#deadline() };
    const read = this.reader.read(keyspace, at, terms);
    return later(read, (result) => this.#outcomeOf(place, result));
  }

  #outcomeOf(place: Place, read: ReadResult): Later<GetOutcome> {
    if (read.kind === 'no-answer') return read;
    const { clock, merger } = this.#parts;
    const { keyspace, at } = place;
    const { context } = read.object;
    const receipt = this.#receiptOf(place, read.members);
    const values = liveSiblings(read.object, clock.wallMs());
    if (values.length === 0) return { kind: 'missing', context, receipt };
    const found = { kind: 'found', context, receipt, values } as const;
    if (keyspace.merge === undefined) return found;
    const merged = mergedValues(merger, keyspace, at, values);
    return later(merged, (each) => ({ ...found, ...each }));
  }

  #receiptOf({ keyspace, primaries }: Place, members: readonly MemberIndex[]): Receipt {
    const { view } = this.#parts;
    const nodes = members.map((member) => view.nodeId(member));
    const fallbacks = nodes.filter((_, place) => !primaries.includes(members[place] as number));
    return { nodes, fallbacks, durability: keyspace.durability, epoch: view.epoch };
  }

  /** At once as far as it goes: most writes wait for nothing before they are replicated. */
  #writeHere(request: WriteRequest, place: Place): Later<WriteOutcome> {
    const { keyspace } = place;
    const w = quorumOf('W', request.w ?? keyspace.w, keyspace);
    const deadlineMs = this.#deadline();
    const able = this.#countAble(place);
    if (able < w) return { kind: 'not-applied', needed: w, got: able };
    if (!this.#isPrimary(place)) {
      if (!isPlainPut(request)) return { kind: 'not-applied', needed: w, got: 0, why: NO_PRIMARY };
      const targets = place.primaries.map((member) => this.#parts.view.nodeNumber(member));
      return this.#writeInTurn(request, place, { w, deadlineMs, able, targets });
    }
    const terms = { w, deadlineMs, able, targets: NOBODY };
    if (needsRead(request)) return this.#readAndWrite(request, place, terms);
    return this.#writeInTurn(request, place, terms);
  }

  async #readAndWrite(request: WriteRequest, place: Place, terms: Terms): Promise<WriteOutcome> {
    const { replica } = this.#parts;
    const { keyspace, at } = place;
    const { deadlineMs } = terms;
    // Best effort below R: what a dead replica alone knows is concurrent with this write.
    const alive = place.primaries.filter((member) => this.#parts.view.isAlive(member));
    const r = Math.min(keyspace.r, alive.length);
    const read = await this.reader.read(keyspace, at, { r, deadlineMs });
    if (read.kind === 'no-answer') return { ...read, kind: 'not-applied' };
    if (read.object.context.length > 0) {
      const merged = replica.merge(keyspace, at, encodeObject(read.object));
      if (merged instanceof Promise) await this.#beforeDeadline(merged, deadlineMs);
    }
    const usesValue = request.change.kind === 'expire' || request.returnPrevious === true;
    if (!usesValue || keyspace.merge === undefined) return this.#writeInTurn(request, place, terms);
    const value = await this.#oneValue(place, read.object);
    if (value === undefined) return this.#writeInTurn(request, place, terms);
    const wanted = { context: read.object.context, ...onValue(request, value) };
    const outcome = await this.#writeInTurn(wanted, place, terms);
    const saysPrevious = outcome.kind === 'ok' || outcome.kind === 'condition-failed';
    return saysPrevious ? { ...outcome, previous: value } : outcome;
  }

  /** What a read would answer; rejects with MERGE_FAILED. */
  async #oneValue({ keyspace, at }: Place, object: StoredObject): Promise<LiveValue | undefined> {
    const { merger, clock } = this.#parts;
    const live = liveSiblings(object, clock.wallMs());
    if (live.length === 0) return undefined;
    const { values, merge } = await mergedValues(merger, keyspace, at, live);
    if (merge?.kind === 'unmerged') throw mergeFailed(merge.why);
    return values[0];
  }

  /** The key's turn has to wait where its old value must come from the disk. */
  #writeInTurn(request: WriteRequest, place: Place, terms: Terms): Later<WriteOutcome> {
    const { deadlineMs } = terms;
    const turn = this.#parts.replica.write(place.keyspace, place.at, request, terms);
    const taken = turn instanceof Promise ? this.#beforeDeadline(turn, deadlineMs) : turn;
    return later(taken, (each) => this.#replicate(each, place, terms));
  }

  /** Undefined when the deadline passes first. */
  #beforeDeadline<T>(promise: Promise<T>, deadlineMs: number): Promise<T | undefined> {
    const { clock } = this.#parts;
    return new Promise((resolve, reject) => {
      const timer = clock.after(deadlineMs - clock.monotonicMs(), () => resolve(undefined));
      promise.then(resolve, reject).finally(() => timer.cancel());
    });
  }

  /** Sends what was minted to all other primaries and waits until W copies are durable. */
  #replicate(
    taken: Minted | Refusal | TooLate | undefined,
    { keyspace, at, primaries }: Place,
    { w, deadlineMs, able }: Terms,
  ): Later<WriteOutcome> {
    if (taken === undefined || taken.kind === 'too-late') {
      return { kind: 'not-applied', needed: w, got: able };
    }
    if (taken.kind === 'condition-failed') return taken;
    const { self } = this.#parts.view;
    const own = primaries.includes(self) ? self : (primaries[0] as MemberIndex);
    const terms = { keyspace, primaries, own, w, deadlineMs };
    return new ReplicatedWrite(this.#writerParts, at, taken, terms).run();
  }

  /** Our disk takes no writes and nothing was written: another primary may take it. */
  async #writeElsewhere(request: WriteRequest, place: Place, error: unknown) {
    if (!(error instanceof KvorumError) || isFinal(error.code)) throw error;
    const { self } = this.#parts.view;
    const others = this.#coordinators(place).filter((member) => member !== self);
    const outcome = await this.#forwarder.write(place.keyspace, request, others);
    const why = { code: error.code, message: lineOf(error) };
    return outcome.kind === 'not-applied' ? { why, ...outcome } : outcome;
  }

  #locate(request: GetRequest | WriteRequest): Place {
    const { view } = this.#parts;
    const keyspace = view.keyspace(request.keyspace);
    const slot = slotOf(request.key);
    const at: KeyAt = { keyspace: request.keyspace, slot, key: request.key };
    return { keyspace, at, primaries: view.primaries(keyspace, slot) };
  }

  #isPrimary({ primaries }: Place): boolean {
    return primaries.includes(this.#parts.view.self);
  }

  #coordinators({ keyspace, at }: Place): readonly MemberIndex[] {
    return coordinators(this.#parts.view, keyspace, at.slot);
  }

  #mayCoordinate(place: Place): boolean {
    return this.#isPrimary(place) || this.#coordinators(place).includes(this.#parts.view.self);
  }

  /** Whether it depends on the value before, and another primary is the one for such writes. */
  #isElsewhere(request: WriteRequest, place: Place): boolean {
    if (!needsRead(request) || !this.#isPrimary(place)) return false;
    const { view } = this.#parts;
    return view.leader(place.keyspace, place.at.slot) !== view.self;
  }

  /** Those that could take a write now, this node among them; fallbacks count up to N. */
  #countAble({ keyspace, at, primaries }: Place): number {
    const { view } = this.#parts;
    let able = primaries.includes(view.self) ? 0 : 1;
    for (const member of primaries) if (view.isAlive(member)) able += 1;
    if (able === primaries.length) return able;
    const fallbacks = [...livingFallbacks(view, keyspace, at.slot)];
    return Math.min(primaries.length, able + fallbacks.length);
  }

  #deadline(): number {
    return this.#parts.clock.monotonicMs() + this.#parts.requestMs;
  }
}

/** A new expiry of what a merge function makes is a write of it. */
function onValue(request: WriteRequest, { value }: LiveValue): WriteRequest {
  const { change } = request;
  if (change.kind !== 'expire') return request;
  const put = { kind: 'put', value, expiresAt: change.expiresAt } as const;
  return { ...request, change: put, condition: 'present' };
}

const NO_PRIMARY = {
  code: 'NOT_ENOUGH_REPLICAS',
  message: 'no primary of the key can be reached, and those who stand in take plain puts only',
} as const;

function quorumOf(letter: 'R' | 'W', asked: number, keyspace: Keyspace): number {
  if (asked >= 1 && asked <= keyspace.n) return asked;
  throw new KvorumError(
    'BAD_OPTION',
    `${letter}=${asked} is impossible in keyspace "${keyspace.name}" with N=${keyspace.n}`,
    `Ask for 1 to ${keyspace.n}.`,
  );
}
