// Asks every replica of a key what it has, and says what a read makes of it: for people, and so
// without a quorum: whoever does not answer in time is shown as silent.

import { KvorumError, messageOf } from '../../base/errors.ts';
import type { ObjectVersion } from '../../causality/siblings.ts';
import type { CoordinatorParts } from '../coordinator.ts';
import type { HintBook } from '../hints/hint-book.ts';
import type { Keyspace } from '../keyspace.ts';
import type { KeyAt } from '../messages.ts';
import { type Answer, answerOf, type MemberIndex } from '../peers.ts';
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
  /** Of fallbacks that keep the key for primaries that were away. */
  readonly standIns: readonly ReplicaReport[];
  /** Primaries that lack what stands here, and are brought it when they are back. */
  readonly hinted: readonly MemberIndex[];
  readonly verdicts: readonly Verdict[];
}

export interface ExplainParts extends CoordinatorParts {
  readonly hints: HintBook;
}

/** Never rejects; takes at most the time of a request. */
export async function explainKey(
  parts: ExplainParts,
  keyspace: Keyspace,
  at: KeyAt,
): Promise<KeyExplanation> {
  const { view, clock } = parts;
  const primaries = view.primaries(keyspace, at.slot);
  const asked = (members: readonly MemberIndex[]) => {
    return Promise.all(
      members.map((member) => {
        return member === view.self ? ownReport(parts, keyspace, at) : reportOf(parts, member, at);
      }),
    );
  };
  const [reports, others, hinted] = await Promise.all([
    asked(primaries),
    asked(view.fallbacks(keyspace, at.slot).filter((member) => view.isAlive(member))),
    hintedFrom(parts, primaries, at),
  ]);
  const standIns = others.filter(({ state }) => state === 'has');
  const versions = [...reports, ...standIns].flatMap(({ version }) => version ?? []);
  const fates = verdicts(versions, keyspace.conflictRule, clock.wallMs());
  return { reports, standIns, hinted, verdicts: fates };
}

async function hintedFrom(
  { hints, view }: ExplainParts,
  primaries: readonly MemberIndex[],
  at: KeyAt,
): Promise<MemberIndex[]> {
  const hinted: MemberIndex[] = [];
  try {
    for (const member of primaries) {
      if ((await hints.sequenceOf(view.nodeNumber(member), at)) > 0) hinted.push(member);
    }
  } catch (error) {
    // A disk that cannot tell says so in our own report.
    if (!(error instanceof KvorumError)) throw error;
  }
  return hinted;
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

async function reportOf(
  { peers, requestMs }: CoordinatorParts,
  member: MemberIndex,
  at: KeyAt,
): Promise<ReplicaReport> {
  return heard(member, await answerOf(peers, member, { ...at, kind: 'read-version' }, requestMs));
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
