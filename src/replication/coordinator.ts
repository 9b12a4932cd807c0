// One client request, top to bottom. The coordinator is a primary of the key: it mints the dot
// of a write and collects the answers. A node that is no primary forwards the request, once, to
// the first primary that seems alive, in its own data center if there is one. Where none does, the
// nodes that stand in for them coordinate what needs no primary: reads of what they keep, and plain
// puts, which they keep with hints.
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
import { type ClusterView, coordinators, nearestFirst, standInPlace } from './cluster-view.ts';
import { DeadlineSweep } from './deadline-sweep.ts';
import { isFinal } from './forwarding/final-refusal.ts';
import { Forwarder } from './forwarding/forwarder.ts';
import { ableOf, countAlive, type Place } from './levels/able.ts';
import { atMost, type Need, needOf, nothingOf, type Share } from './levels/need.ts';
import { mergedValues, mergeFailed } from './merged-values.ts';
import type { KeyAt } from './messages.ts';
import type { MemberIndex, Peers } from './peers.ts';
import { noHedges } from './read/hedger.ts';
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

interface Terms {
  readonly need: Need;
  readonly deadlineMs: number;
  /** The primaries, by number, where this node stands in for all of them. */
  readonly targets: readonly number[];
}

const NOBODY: readonly number[] = [];

export class Coordinator {
  readonly reader: QuorumReader;
  readonly hedges = noHedges();
  readonly #parts: CoordinatorParts;
  readonly #forwarder: Forwarder;
  readonly #writerParts: WriterParts;

  constructor(parts: CoordinatorParts) {
    this.#parts = parts;
    this.reader = new QuorumReader({ ...parts, hedges: this.hedges });
    this.#forwarder = new Forwarder({ ...parts, hedges: this.hedges });
    this.#writerParts = { ...parts, ownDisk: new DeadlineSweep(parts.clock) };
  }

  /** Throws or rejects with NO_SUCH_KEYSPACE, BAD_OPTION and LEVEL_IMPOSSIBLE (of R) only. */
  get(request: GetRequest): Later<GetOutcome> {
    const place = this.#locate(request);
    const need = this.#needOfRead(request, place);
    if (this.#mayCoordinate(place)) return this.#getHere(request, place, need);
    const near = nearestFirst(this.#parts.view, this.#coordinators(place));
    return this.#forwarder.get(need, { home: this.#home, ...request }, near);
  }

  /**
   * Throws or rejects with NO_SUCH_KEYSPACE, BAD_OPTION and LEVEL_IMPOSSIBLE (of W), BAD_CONTEXT,
   * TOO_MANY_SIBLINGS, VALUE_TOO_LARGE and MERGE_FAILED (what uses the value) only.
   *
   * What depends on the value before goes to the first live primary, so that two such writes meet
   * in one turn: as long as nodes agree on who lives, SET NX is granted once.
   */
  write(request: WriteRequest): Later<WriteOutcome> {
    const place = this.#locate(request);
    const { clock } = this.#parts;
    if (request.context !== undefined) refuseFutureIncarnations(request.context, clock.wallMs());
    const need = this.#needOfWrite(request, place);
    if (!this.#mayCoordinate(place) || this.#isElsewhere(request, place)) {
      return this.#forward(request, place, need);
    }
    try {
      const outcome = this.#writeHere(request, place, need);
      if (!(outcome instanceof Promise)) return outcome;
      return outcome.catch((error) => this.#writeElsewhere(request, place, need, error));
    } catch (error) {
      return this.#writeElsewhere(request, place, need, error);
    }
  }

  /** A request that another node forwarded to us; refuses rather than forward it again. */
  writeForwarded(request: WriteRequest): Later<WriteOutcome | undefined> {
    const place = this.#locate(request);
    const need = this.#needOfWrite(request, place);
    return this.#mayCoordinate(place) ? this.#writeHere(request, place, need) : undefined;
  }

  getForwarded(request: GetRequest): Later<GetOutcome | undefined> {
    const place = this.#locate(request);
    const need = this.#needOfRead(request, place);
    return this.#mayCoordinate(place) ? this.#getHere(request, place, need) : undefined;
  }

  async #forward(request: WriteRequest, place: Place, need: Need): Promise<WriteOutcome> {
    const { view } = this.#parts;
    const { keyspace } = place;
    const asked = this.#coordinators(place);
    // Those that depend on the value before meet at the first of all, wherever it stands.
    const inOrder = needsRead(request) ? asked : nearestFirst(view, asked);
    const outcome = await this.#forwarder.write({ keyspace, need }, this.#atHome(request), inOrder);
    if (outcome.kind !== 'not-applied' || asked !== place.primaries) return outcome;
    // Those who seemed alive when they were asked may not be: then others stand in for them.
    return this.#coordinators(place) === asked ? outcome : this.write(request);
  }

  #getHere(request: GetRequest, place: Place, need: Need): Later<GetOutcome> {
    const { keyspace, at } = place;
    const terms = { need, after: request.after, deadlineMs: this.#deadline() };
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
  #writeHere(request: WriteRequest, place: Place, need: Need): Later<WriteOutcome> {
    const deadlineMs = this.#deadline();
    for (const share of need) {
      const able = ableOf(this.#parts.view, place, share);
      if (able.got < able.needed) return { kind: 'not-applied', ...able };
    }
    if (!this.#isPrimary(place)) {
      if (!isPlainPut(request)) {
        return { kind: 'not-applied', ...nothingOf(need), why: NO_PRIMARY };
      }
      const targets = place.primaries.map((member) => this.#parts.view.nodeNumber(member));
      return this.#writeInTurn(request, place, { need, deadlineMs, targets });
    }
    const terms = { need, deadlineMs, targets: NOBODY };
    if (needsRead(request)) return this.#readAndWrite(request, place, terms);
    return this.#writeInTurn(request, place, terms);
  }

  async #readAndWrite(request: WriteRequest, place: Place, terms: Terms): Promise<WriteOutcome> {
    const { replica } = this.#parts;
    const { keyspace, at } = place;
    const { deadlineMs } = terms;
    // Best effort below R: what a dead replica alone knows is concurrent with this write.
    const { home } = request;
    const wanted = this.#needOfRead({ home }, place);
    const need = atMost(wanted, (share) => {
      return countAlive(this.#parts.view, place.primaries, share);
    });
    const read = await this.reader.read(keyspace, at, { need, deadlineMs });
    if (read.kind === 'no-answer') return { ...read, kind: 'not-applied' };
    if (read.object.context.length > 0) {
      const merged = replica.merge(keyspace, at, encodeObject(read.object));
      if (merged instanceof Promise) await this.#beforeDeadline(merged, deadlineMs);
    }
    const usesValue = request.change.kind === 'expire' || request.returnPrevious === true;
    if (!usesValue || keyspace.merge === undefined) return this.#writeInTurn(request, place, terms);
    const value = await this.#oneValue(place, read.object);
    if (value === undefined) return this.#writeInTurn(request, place, terms);
    const merged = { context: read.object.context, ...onValue(request, value) };
    const outcome = await this.#writeInTurn(merged, place, terms);
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
    place: Place,
    { need, deadlineMs }: Terms,
  ): Later<WriteOutcome> {
    const { keyspace, at, primaries } = place;
    if (taken === undefined || taken.kind === 'too-late') {
      return { kind: 'not-applied', ...ableOf(this.#parts.view, place, need[0] as Share) };
    }
    if (taken.kind === 'condition-failed') return taken;
    const terms = { keyspace, primaries, own: this.#ownPlace(place), need, deadlineMs };
    return new ReplicatedWrite(this.#writerParts, at, taken, terms).run();
  }

  /** Our disk takes no writes and nothing was written: another primary may take it. */
  async #writeElsewhere(request: WriteRequest, place: Place, need: Need, error: unknown) {
    if (!(error instanceof KvorumError) || isFinal(error.code)) throw error;
    const { view } = this.#parts;
    const { keyspace } = place;
    const able = nearestFirst(view, this.#coordinators(place));
    const others = able.filter((member) => member !== view.self);
    const outcome = await this.#forwarder.write({ keyspace, need }, this.#atHome(request), others);
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

  /** The primary in whose place we count: ourselves, or one of those that we stand in for. */
  #ownPlace({ keyspace, primaries }: Place): MemberIndex {
    const { view } = this.#parts;
    if (primaries.includes(view.self)) return view.self;
    const near = primaries.find((member) => {
      return standInPlace(view, keyspace, member) === standInPlace(view, keyspace, view.self);
    });
    return near ?? (primaries[0] as MemberIndex);
  }

  get #home(): string {
    const { view } = this.#parts;
    return view.dataCenterOf(view.self);
  }

  /** As another node must see it: `local` is where the client asked. */
  #atHome(request: WriteRequest): WriteRequest {
    return { home: this.#home, ...request };
  }

  #needOfRead({ r, home }: Pick<GetRequest, 'r' | 'home'>, { keyspace }: Place): Need {
    return needOf(keyspace, { letter: 'R', level: r ?? keyspace.r, home: home ?? this.#home });
  }

  #needOfWrite({ w, home }: WriteRequest, { keyspace }: Place): Need {
    return needOf(keyspace, { letter: 'W', level: w ?? keyspace.w, home: home ?? this.#home });
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
