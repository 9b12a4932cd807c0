// A request for a key of which this node is no primary: hand it to one that is, as a whole, once.
// A read may be tried again elsewhere; a write only when it certainly never arrived, for a second
// coordinator would mint a second dot for it.

import type { NodeId } from '../base/ids.ts';
import type { Clock } from '../host/host.ts';
import type { ClusterView } from './cluster-view.ts';
import type { RemoteWriteOutcome, Request } from './messages.ts';
import type { Answer, MemberIndex, Peers } from './peers.ts';
import type { GetOutcome, GetRequest, NotApplied, WriteOutcome, WriteRequest } from './request.ts';

export interface ForwarderParts {
  readonly view: ClusterView;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly requestMs: number;
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

  /** Asks the next primary as well when one is lost, refuses, or is slow. */
  get(request: GetRequest, primaries: readonly MemberIndex[]): Promise<GetOutcome> {
    const { peers, requestMs } = this.#parts;
    const waiting = this.#alive(primaries);
    let best: GetOutcome = { kind: 'no-answer', needed: 1, got: 0 };
    let missing = 0;
    return new Promise((resolve) => {
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
        if (answer.kind === 'got') best = answer.outcome;
        if (best.kind !== 'no-answer') resolve(best);
        else askNext();
        if (missing === 0) resolve(best);
      };
      askNext();
      if (missing === 0) resolve(best);
    });
  }

  /** Asks the next primary when one wrote nothing: it may just have started, and see nobody yet. */
  async write(request: WriteRequest, primaries: readonly MemberIndex[]): Promise<WriteOutcome> {
    let unwritten: NotApplied = { kind: 'not-applied', needed: 1, got: 0 };
    for (const member of this.#alive(primaries)) {
      const sentMs = this.#parts.clock.wallMs();
      const answer = await this.#ask(member, { kind: 'coordinate-write', sentMs, ...request });
      if (answer.kind === 'lost' && answer.wasSent) {
        return { kind: 'indeterminate', needed: 1, got: 0 };
      }
      if (answer.kind === 'refused' && answer.code !== 'NOT_ENOUGH_REPLICAS') {
        unwritten = { ...unwritten, why: { code: answer.code, message: answer.why } };
      }
      if (answer.kind !== 'wrote') continue;
      if (answer.outcome.kind !== 'not-applied') return this.#localOutcome(answer.outcome);
      unwritten = answer.outcome;
    }
    return unwritten;
  }

  #alive(primaries: readonly MemberIndex[]): MemberIndex[] {
    return primaries.filter((member) => this.#parts.view.isAlive(member));
  }

  #ask(member: MemberIndex, request: Request): Promise<Answer> {
    return new Promise((resolve) => {
      const budgetMs = this.#parts.requestMs + GRACE_MS;
      this.#parts.peers.ask([member], { request, budgetMs, onAnswer: (_, each) => resolve(each) });
    });
  }

  #localOutcome(outcome: RemoteWriteOutcome): WriteOutcome {
    if (outcome.kind !== 'ok') return outcome;
    const { epoch } = this.#parts.view;
    const nodes = outcome.nodes as readonly NodeId[];
    const receipt = { nodes, epoch, durability: 'fsync', settled: Promise.resolve() } as const;
    const { dot, context, previous } = outcome;
    return { kind: 'ok', dot, context, previous, receipt };
  }
}
