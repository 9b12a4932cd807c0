// A request for a key of which this node is no primary: hand it to one that is, as a whole, once.
// A read may be tried again elsewhere; a write when it certainly never arrived, for a second
// coordinator would mint a second dot for it. Where that does no harm, a delete or an expiry is
// tried again on condition that nothing has been written since: see docs/decisions.

import { lineOf } from '../../base/errors.ts';
import { tick } from '../../causality/hybrid-clock.ts';
import { needsRead } from '../change.ts';
import type { Keyspace } from '../keyspace.ts';
import { type Need, nothingOf } from '../levels/need.ts';
import type { RemoteWriteOutcome, Request } from '../messages.ts';
import { type Answer, type Asking, answerOf, type MemberIndex } from '../peers.ts';
import { Hedger, type HedgerParts } from '../read/hedger.ts';
import type { Replica } from '../replica.ts';
import type { GetOutcome, GetRequest, NotApplied, WriteOutcome, WriteRequest } from '../request.ts';
import { errorOf, isFinal } from './final-refusal.ts';
import { ForwardedGet } from './forwarded-get.ts';

export interface ForwarderParts extends HedgerParts {
  readonly peers: Asking;
  /** Whose time no write that we know of is ahead of. */
  readonly replica: Pick<Replica, 'time'>;
  readonly requestMs: number;
}

export interface ForwardedTerms {
  readonly keyspace: Keyspace;
  readonly need: Need;
}

/** The primary decides after requestMs; its answer still needs the way back. */
const GRACE_MS = 200;

export class Forwarder {
  readonly #parts: ForwarderParts;
  readonly #hedger: Hedger;

  constructor(parts: ForwarderParts) {
    this.#parts = parts;
    this.#hedger = new Hedger(parts);
  }

  /** Rejects where it is the request that is wrong. */
  get(need: Need, request: GetRequest, primaries: readonly MemberIndex[]): Promise<GetOutcome> {
    const budgetMs = this.#parts.requestMs + GRACE_MS;
    const task = { request, primaries, need, budgetMs };
    return new ForwardedGet({ ...this.#parts, hedger: this.#hedger }, task).run();
  }

  /**
   * Asks the next primary when one wrote nothing: it may just have started, and see nobody yet.
   * Rejects where it is the request that is wrong.
   */
  async write(
    terms: ForwardedTerms,
    request: WriteRequest,
    primaries: readonly MemberIndex[],
  ): Promise<WriteOutcome> {
    const { clock, replica, requestMs } = this.#parts;
    const deadlineMs = clock.monotonicMs() + requestMs;
    const before = request.before ?? tick(replica.time, clock.wallMs());
    let unwritten: NotApplied = { kind: 'not-applied', ...nothingOf(terms.need) };
    const members = this.#candidates(request, primaries);
    for (const [place, member] of members.entries()) {
      const sentMs = this.#parts.clock.wallMs();
      const answer = await this.#ask(member, { kind: 'coordinate-write', sentMs, ...request });
      if (answer.kind === 'lost' && answer.wasSent) {
        const isLate = this.#parts.clock.monotonicMs() >= deadlineMs;
        const isOver = isLate || !mayRepeat(terms.keyspace, request);
        const rest = isOver ? [] : members.slice(place + 1);
        return this.#again(terms, { ...request, before }, rest);
      }
      if (answer.kind === 'refused' && answer.code !== 'NOT_ENOUGH_REPLICAS') {
        const error = errorOf(answer);
        if (isFinal(error.code)) throw error;
        unwritten = { ...unwritten, why: { code: error.code, message: lineOf(error) } };
      }
      if (answer.kind !== 'wrote') continue;
      if (answer.outcome.kind !== 'not-applied') return this.#localOutcome(answer.outcome);
      unwritten = answer.outcome;
    }
    return unwritten;
  }

  /** What was sent may have been done: only where it is done now do we know how it ended. */
  async #again(
    terms: ForwardedTerms,
    request: WriteRequest,
    members: readonly MemberIndex[],
  ): Promise<WriteOutcome> {
    const outcome = await this.write(terms, request, members);
    if (outcome.kind === 'ok') return outcome;
    return { kind: 'indeterminate', ...nothingOf(terms.need) };
  }

  /**
   * Those who seem alive; who takes no writes or is slow comes last. Not where the value before
   * matters: about the first of them all nodes must agree.
   */
  #candidates(request: WriteRequest, primaries: readonly MemberIndex[]): MemberIndex[] {
    const { view } = this.#parts;
    const alive = primaries.filter((member) => view.isAlive(member));
    if (needsRead(request)) return alive;
    const isUnfit = (member: MemberIndex) => view.isDiskFull(member) || view.isSlow(member);
    return alive.toSorted((a, b) => Number(isUnfit(a)) - Number(isUnfit(b)));
  }

  #ask(member: MemberIndex, request: Request): Promise<Answer> {
    const { peers, requestMs } = this.#parts;
    return answerOf(peers, member, request, requestMs + GRACE_MS);
  }

  #localOutcome(outcome: RemoteWriteOutcome): WriteOutcome {
    if (outcome.kind !== 'ok') return outcome;
    return { ...outcome, receipt: { ...outcome.receipt, settled: Promise.resolve() } };
  }
}

/**
 * Whether a second attempt leaves what one would have left. A put would stand there twice, and so
 * would a value with another expiry where siblings are kept; two tombstones are as good as one.
 */
function mayRepeat({ conflictRule }: Keyspace, { change, returnPrevious }: WriteRequest): boolean {
  if (returnPrevious) return false;
  return change.kind === 'delete' || (change.kind === 'expire' && conflictRule === 'latest');
}
