// What the replicas of a key have and what a read makes of it, in the names that people use: a dot
// is written node/incarnation:counter.
//
// Pure: no clock, no disk, no network; dice are an argument.

import type { Slot } from '../base/ids.ts';
import { type Dot, incarnationOf, nodeNumberOf } from '../causality/dot.ts';
import { millisOf } from '../causality/hybrid-clock.ts';
import type { SiblingFacts } from '../causality/siblings.ts';
import { CUT, type VectorEntry } from '../causality/version-vector.ts';
import type { KeyExplanation, ReplicaReport } from '../replication/explain/explain.ts';
import type { Fate } from '../replication/explain/verdict.ts';
import type { Keyspace } from '../replication/keyspace.ts';
import type { ClusterMap } from './cluster-map.ts';

export interface Explanation {
  readonly keyspace: string;
  readonly conflictRule: Keyspace['conflictRule'];
  readonly slot: Slot;
  /** In the order of the preference list. */
  readonly replicas: readonly ExplainedReplica[];
  /** Fallbacks that keep the key for others, which were away when it was written. */
  readonly standIns: readonly ExplainedReplica[];
  /** Nodes that lack what stands on the one that was asked, and get it when they are back. */
  readonly hintsFor: readonly string[];
  readonly writes: readonly ExplainedWrite[];
  /** Whether all replicas answered, and with the same version. */
  readonly isAgreed: boolean;
}

export interface ExplainedReplica {
  readonly node: string;
  readonly dataCenter: string;
  readonly isAlive: boolean;
  readonly state: 'has' | 'has-nothing' | 'silent' | 'refuses';
  /** Why it refuses. */
  readonly why: string | undefined;
  /** Every write up to these dots is known there; see nameOfEntry for `…`. */
  readonly context: readonly string[];
  /** Those of them that stand there. */
  readonly dots: readonly string[];
}

export interface ExplainedWrite {
  readonly dot: string;
  readonly fate: Fate;
  /** By the hybrid clock of its coordinator, in milliseconds since 1970. */
  readonly writtenMs: number;
  /** Milliseconds since 1970; 0: never. */
  readonly expiresAt: number;
  readonly nodes: readonly string[];
}

export function explanationOf(
  map: ClusterMap,
  keyspace: Keyspace,
  slot: Slot,
  explanation: KeyExplanation,
): Explanation {
  const [replicas, standIns] = [explanation.reports, explanation.standIns].map((reports) => {
    return reports.map((report) => explained(map, report));
  }) as [ExplainedReplica[], ExplainedReplica[]];
  const holders = [...replicas, ...standIns];
  const writes = explanation.verdicts.map(({ sibling, fate }) => {
    const dot = nameOfDot(map, sibling.dot);
    const nodes = holders.filter(({ dots }) => dots.includes(dot)).map(({ node }) => node);
    return { dot, fate, ...timesOf(sibling), nodes };
  });
  const { name, conflictRule } = keyspace;
  const hintsFor = explanation.hinted.map((member) => map.memberStatus(member).name);
  const about = { keyspace: name, conflictRule, slot };
  return { ...about, replicas, standIns, hintsFor, writes, isAgreed: isAgreed(replicas) };
}

function explained(map: ClusterMap, report: ReplicaReport): ExplainedReplica {
  const { member, state, version, why } = report;
  return {
    node: map.memberStatus(member).name,
    dataCenter: map.dataCenterOf(member),
    isAlive: map.isAlive(member),
    state,
    why,
    context: version?.context.map((entry) => nameOfEntry(map, entry)) ?? [],
    dots: version?.siblings.map(({ dot }) => nameOfDot(map, dot)) ?? [],
  };
}

function timesOf({ time, expiresAt }: SiblingFacts) {
  return { writtenMs: millisOf(time), expiresAt };
}

function isAgreed(replicas: readonly ExplainedReplica[]): boolean {
  const isKnown = replicas.every(({ state }) => state === 'has' || state === 'has-nothing');
  return isKnown && new Set(replicas.map(({ context, dots }) => `${context} ${dots}`)).size === 1;
}

/** `n1/…7:4`: up to that dot, and all earlier lives of n1. `…5`: lives before were cut. */
function nameOfEntry(map: ClusterMap, entry: VectorEntry): string {
  if (entry.actor === CUT) return `…${entry.counter}`;
  const name = nameOfDot(map, entry);
  return entry.isClosed ? name.replace('/', '/…') : name;
}

function nameOfDot(map: ClusterMap, { actor, counter }: Dot): string {
  const number = nodeNumberOf(actor);
  const member = map.memberNumbered(number);
  const node = member === undefined ? `#${number}` : map.memberStatus(member).name;
  return `${node}/${incarnationOf(actor)}:${counter}`;
}
