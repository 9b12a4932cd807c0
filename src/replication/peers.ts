// How replication reaches the other members of the cluster: one question to some of them, an
// answer or a loss from each. The node implements it over the network (node/remote-peers.ts).

import type { Reply, Request, StoreRequest } from './messages.ts';

/** Place of a member in the topology's list. */
export type MemberIndex = number;

export type Answer = Reply | Lost;

/** No reply will come. `wasSent` false: it certainly never arrived there. */
export interface Lost {
  readonly kind: 'lost';
  readonly wasSent: boolean;
}

export interface Question {
  readonly request: Request;
  /** Milliseconds from now until unanswered members count as lost. */
  readonly budgetMs: number;
  /** Called once for each member asked, never within ask() itself. */
  readonly onAnswer: (member: MemberIndex, answer: Answer) => void;
  /** When somebody has not answered for so long, onSlow is called, once and some time later. */
  readonly slowAfterMs?: number;
  readonly onSlow?: () => void;
}

/** What may be passed on: who carries it out twice has done no harm. */
export interface PassedQuestion extends Question {
  readonly request: StoreRequest;
}

export interface Asking {
  ask(members: readonly MemberIndex[], question: Question): void;
}

export interface Peers extends Asking {
  /**
   * The same, over a link that the request shall cross once: one of them is asked and passes it on
   * to the others, and each answers for itself. Who has not answered in the usual time, or was to
   * hear it from one who is lost, is asked directly.
   */
  askThrough(members: readonly MemberIndex[], question: PassedQuestion): void;
}

/** One member's answer to one request. Never rejects. */
export function answerOf(
  peers: Asking,
  member: MemberIndex,
  request: Request,
  budgetMs: number,
): Promise<Answer> {
  return new Promise((resolve) => {
    peers.ask([member], { request, budgetMs, onAnswer: (_, answer) => resolve(answer) });
  });
}
