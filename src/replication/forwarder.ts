// A request for a key of which this node is no primary: hand it to one that is, as a whole, once.
// A read may be tried again elsewhere; a write when it certainly never arrived, for a second
// coordinator would mint a second dot for it. Where that does no harm, a delete or an expiry is
// tried again on condition that nothing has been written since: see docs/decisions.

import { type ErrorCode, KvorumError, lineOf } from '../base/errors.ts';
import { tick } from '../causality/hybrid-clock.ts';
import type { Clock } from '../host/host.ts';
import type { ClusterView } from './cluster-view.ts';
import type { Keyspace } from './keyspace.ts';
import type { Need, Progress, Share } from './levels/need.ts';
import type { Refused, RemoteWriteOutcome, Request } from './messages.ts';
import { type Answer, type Asking, answerOf, type MemberIndex } from './peers.ts';
import type { Replica } from './replica.ts';
import type { GetOutcome, GetRequest, NotApplied, WriteOutcome, WriteRequest } from './request.ts';

export interface ForwarderParts {
  readonly view: ClusterView;
  readonly peers: Asking;
  /** Whose time no write that we know of is ahead of. */
  readonly replica: Pick<Replica, 'time'>;
  readonly clock: Clock;
  readonly requestMs: number;
}

export interface ForwardedTerms {
  readonly keyspace: Keyspace;
  readonly need: Need;
}

/** The primary decides after requestMs; its answer still needs the way back. */
const GRACE_MS = 200;
/** A primary that is well has answered by then, its own hedges included. */
const SLOW_MS = 60;

export class Forwarder {
  readonly #parts: ForwarderParts;

  constructor(parts: ForwarderParts) {
    this.#parts = parts;
  }

  /**
   * Asks the next primary as well when one is lost, refuses, or is slow. Rejects where it is the
   * request that is wrong.
   */
  get(need: Need, request: GetRequest, primaries: readonly MemberIndex[]): Promise<GetOutcome> {
    const { peers, requestMs } = this.#parts;
    const waiting = this.#alive(primaries);
    let best: GetOutcome = { kind: 'no-answer', ...nothingOf(need) };
    let missing = 0;
    return new Promise((resolve, reject) => {
      const askNext = () => {
        const member = waiting.shift();
        if (member === undefined) return;
        missing += 1;
        const question = { budgetMs: requestMs + GRACE_MS, slowAfterMs: SLOW_MS, onSlow: askNext };
        peers.ask([member], {
          request: { kind: 'coordinate-get', ...request },
          onAnswer,
          ...question,
        });
      };
      const onAnswer = (_: MemberIndex, answer: Answer) => {
        missing -= 1;
        if (answer.kind === 'refused' && isFinal(answer.code)) reject(errorOf(answer));
        if (answer.kind === 'got') best = answer.outcome;
        if (best.kind !== 'no-answer') resolve(best);
        else askNext();
        if (missing === 0) resolve(best);
      };
      askNext();
      if (missing === 0) resolve(best);
    });
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
    const members = this.#alive(primaries);
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

  #alive(primaries: readonly MemberIndex[]): MemberIndex[] {
    return primaries.filter((member) => this.#parts.view.isAlive(member));
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

/** What it is if nobody has answered. */
function nothingOf([share]: Need): Progress {
  return { ...(share as Share), got: 0 };
}

/**
 * Whether a second attempt leaves what one would have left. A put would stand there twice, and so
 * would a value with another expiry where siblings are kept; two tombstones are as good as one.
 */
function mayRepeat({ conflictRule }: Keyspace, { change, returnPrevious }: WriteRequest): boolean {
  if (returnPrevious) return false;
  return change.kind === 'delete' || (change.kind === 'expire' && conflictRule === 'latest');
}

const FINAL: readonly ErrorCode[] = [
  'BAD_CONTEXT',
  'BAD_OPTION',
  'LEVEL_IMPOSSIBLE',
  'MERGE_FAILED',
  'NO_SUCH_KEYSPACE',
  'TOO_MANY_SIBLINGS',
  'VALUE_TOO_LARGE',
];

/** Whether the request itself is wrong, so that no other node would take it either. */
export function isFinal(code: ErrorCode): boolean {
  return FINAL.includes(code);
}

function errorOf({ code, why, fix }: Refused): KvorumError {
  return new KvorumError(code, why, fix);
}
