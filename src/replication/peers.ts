// How replication reaches the other members of the cluster: one question to some of them, an
// answer or a loss from each. The node implements it over the network (node/remote-peers.ts).

import type { Reply, Request } from './messages.ts';

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

export interface Peers {
  ask(members: readonly MemberIndex[], question: Question): void;
}

/** One member's answer to one request. Never rejects. */
export function answerOf(
  peers: Peers,
  member: MemberIndex,
  request: Request,
  budgetMs: number,
): Promise<Answer> {
  return new Promise((resolve) => {
    peers.ask([member], { request, budgetMs, onAnswer: (_, answer) => resolve(answer) });
  });
}
