// A request for a key of which this node is no primary: hand it to one that is, as a whole, once.
// A read may be tried again elsewhere; a write only when it certainly never arrived, for a second
// coordinator would mint a second dot for it.

import type { NodeId } from '../base/ids.ts';
import type { Clock } from '../host/host.ts';
import type { ClusterView } from './cluster-view.ts';
import type { RemoteWriteOutcome, Request } from './messages.ts';
import type { Answer, MemberIndex, Peers } from './peers.ts';
import type { GetOutcome, GetRequest, WriteOutcome, WriteRequest } from './request.ts';

export interface ForwarderParts {
  readonly view: ClusterView;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly requestMs: number;
}

/** The primary decides after requestMs; its answer still needs the way back. */
const GRACE_MS = 200;

export class Forwarder {
  readonly #parts: ForwarderParts;

  constructor(parts: ForwarderParts) {
    this.#parts = parts;
  }

  async get(request: GetRequest, primaries: readonly MemberIndex[]): Promise<GetOutcome> {
    for (const member of this.#alive(primaries)) {
      const answer = await this.#ask(member, { kind: 'coordinate-get', ...request });
      if (answer.kind === 'got') return answer.outcome;
    }
    return { kind: 'no-answer', needed: 1, got: 0 };
  }

  async write(request: WriteRequest, primaries: readonly MemberIndex[]): Promise<WriteOutcome> {
    for (const member of this.#alive(primaries)) {
      const answer = await this.#ask(member, { kind: 'coordinate-write', ...request });
      if (answer.kind === 'wrote') return this.#localOutcome(answer.outcome);
      if (answer.kind === 'lost' && answer.wasSent) {
        return { kind: 'indeterminate', needed: 1, got: 0 };
      }
    }
    return { kind: 'not-applied', needed: 1, got: 0 };
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
