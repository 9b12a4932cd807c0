// Asks every replica of a key what it has, and says what a read makes of it: for people, and so
// without a quorum: whoever does not answer in time is shown as silent.

import { messageOf } from '../../base/errors.ts';
import type { ObjectVersion } from '../../causality/siblings.ts';
import type { CoordinatorParts } from '../coordinator.ts';
import type { Keyspace } from '../keyspace.ts';
import type { KeyAt } from '../messages.ts';
import type { Answer, MemberIndex } from '../peers.ts';
import { type Verdict, verdicts } from './verdict.ts';

export interface ReplicaReport {
  readonly member: MemberIndex;
  /**
   * `has`: this version. `has-nothing`: no sibling; it knows at most what was replaced. `refuses`:
   * it says why.
   */
  readonly state: 'has' | 'has-nothing' | 'silent' | 'refuses';
  readonly version: ObjectVersion | undefined;
  readonly why: string | undefined;
}

export interface KeyExplanation {
  /** In the order of the preference list. */
  readonly reports: readonly ReplicaReport[];
  readonly verdicts: readonly Verdict[];
}

/** Never rejects; takes at most the time of a request. */
export async function explainKey(
  parts: CoordinatorParts,
  keyspace: Keyspace,
  at: KeyAt,
): Promise<KeyExplanation> {
  const { view, clock } = parts;
  const primaries = view.primaries(keyspace, at.slot);
  const reports = await Promise.all(
    primaries.map((member) => {
      return member === view.self ? ownReport(parts, keyspace, at) : reportOf(parts, member, at);
    }),
  );
  const versions = reports.flatMap(({ version }) => (version === undefined ? [] : [version]));
  return { reports, verdicts: verdicts(versions, keyspace.conflictRule, clock.wallMs()) };
}

async function ownReport(
  { view, replica }: CoordinatorParts,
  keyspace: Keyspace,
  at: KeyAt,
): Promise<ReplicaReport> {
  const member = view.self;
  try {
    const bytes = await replica.read(keyspace, at);
    return report(member, replica.objectOf(at, bytes));
  } catch (error) {
    return { member, state: 'refuses', version: undefined, why: messageOf(error) };
  }
}

function reportOf(
  { peers, requestMs }: CoordinatorParts,
  member: MemberIndex,
  at: KeyAt,
): Promise<ReplicaReport> {
  const request = { kind: 'read-version', ...at } as const;
  return new Promise((resolve) => {
    const onAnswer = (_: MemberIndex, answer: Answer) => resolve(heard(member, answer));
    peers.ask([member], { request, budgetMs: requestMs, onAnswer });
  });
}

function heard(member: MemberIndex, answer: Answer): ReplicaReport {
  if (answer.kind === 'version') return report(member, answer.version);
  const why = answer.kind === 'refused' ? answer.why : undefined;
  return { member, state: why === undefined ? 'silent' : 'refuses', version: undefined, why };
}

function report(member: MemberIndex, version: ObjectVersion | undefined): ReplicaReport {
  const hasNothing = version === undefined || version.siblings.length === 0;
  return { member, state: hasNothing ? 'has-nothing' : 'has', version, why: undefined };
}
