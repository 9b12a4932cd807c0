// Situations that a run must get into, or what it proves is worth little: counted from what the
// nodes say of themselves (their log, their metrics at the end of each life), what clients were
// told, and what was done to the cluster. No code of the product knows of them.

import type { NodeMetrics } from '../../src/node/metrics.ts';
import type { DiskImage } from '../disk-image.ts';
import type { History } from '../history.ts';
import type { LogLine } from '../sim-machine.ts';
import type { FaultCounts } from '../weather/faults.ts';

/** By name of the probe: how often. */
export type ProbeCounts = Record<string, number>;

/** Lines of the log, by their event. */
const LINES: Readonly<Record<string, string>> = {
  'node suspect': 'a member is suspected',
  'node down': 'a member goes down',
  'node left': 'a member leaves in order',
  'node slow': 'a member is slow',
  'node disk-full': 'others hear of a full disk',
  'incarnation-renewed': 'a new incarnation in the middle of a life',
  'log-tail-cut': 'a torn tail of the log is cut',
  'log-poisoned': 'a failed sync poisons a log',
  'disk-full': 'a disk is full',
  'disk-full-healed': 'a disk has space again',
  'disk-space-low': 'a disk is below its reserve',
  'start failed': 'a start fails, and is tried again',
  'leftover-removed': 'a start finds what a crash has left',
  'hint not delivered': 'a hint cannot be delivered',
  'not compared': 'a comparison fails',
  'deleted keys not forgotten': 'a round of reaping fails on the disk',
  dropped: 'whole tables are dropped',
  'floors written anew': 'damaged floors are written anew',
  'damaged hints dropped': 'damaged hints are dropped',
  'table-suspect': 'a compaction meets damage',
};

/** Counters of a node, as they stand at the end of a life. */
const COUNTERS: Readonly<Record<string, (metrics: NodeMetrics) => number>> = {
  'a hint is written': ({ hints }) => hints.kept,
  'a hint is delivered': ({ hints }) => hints.delivered,
  'a hint is refused for want of room': ({ hints }) => hints.refused,
  'a life ends with hints': ({ hintsPending }) => hintsPending.size,
  'a read repairs': ({ reads }) => reads.repairsSent,
  'a read fetches a value': ({ reads }) => reads.valuesFetched,
  'a read has no answer': ({ gets }) => gets['no-answer'],
  'a write is indeterminate': ({ writes }) => writes.indeterminate,
  'a write is not applied': ({ writes }) => writes['not-applied'],
  'a condition fails': ({ writes }) => writes['condition-failed'],
  'a context is closed': ({ objects }) => objects.contextsClosed,
  'digests differ, and lead to keys': ({ antiEntropy }) => antiEntropy.slotsRepaired,
  'anti-entropy sends a key': ({ antiEntropy }) => antiEntropy.keysSent,
  'anti-entropy fetches a key': ({ antiEntropy }) => antiEntropy.keysFetched,
  'a floor is raised': ({ reaping }) => reaping.floorsRaised,
  'something dead is erased': ({ reaping }) => reaping.forgotten,
  'reaping waits for a member': ({ reapingWaits }) => reapingWaits.size,
  'a question is lost': ({ peers }) => peers.questionsLost,
  'gossip is lost': ({ gossipExchangesLost }) => gossipExchangesLost,
  'a memtable is flushed': ({ engine }) => engine.flushes,
  'tables are compacted': ({ engine }) => engine.compactions,
  'a life ends in a flush': ({ engine }) => engine.sealedMemtables,
  'a life ends in a compaction': ({ engine }) => engine.compactionsRunning,
  'values are moved': ({ engine }) => engine.valueBytesMoved,
  'a write is slowed down': ({ engine }) => engine.writesDelayed,
  'a write is refused for overload': ({ engine }) => engine.writesRefused,
  'background work fails': ({ engine }) => engine.backgroundFailures,
  'a log is replayed': ({ engine }) => engine.batchesRecovered,
  'a filter is asked': ({ engine }) => engine.filterChecks,
  'everything is scrubbed once': ({ engine }) => engine.scrub.passes,
  'the check of the disk finds damage': ({ engine }) => engine.scrub.damageFound,
  'a read meets damage': ({ engine }) => engine.corruptReads,
  'a damaged slot is dropped': ({ damagedSlotsDropped }) => damagedSlotsDropped,
};

/** What a run has seen when it is over. */
export interface Seen {
  readonly history: History;
  readonly faults: FaultCounts;
  readonly disks: ReadonlyMap<string, DiskImage>;
  /** Names of nodes whose disk was replaced by an empty one. */
  readonly wiped: ReadonlySet<string>;
}

const SEEN: Readonly<Record<string, (seen: Seen) => number>> = {
  'power is cut': ({ faults }) => faults.powerCuts,
  'a disk is lost': ({ faults }) => faults.disksLost,
  'a disk goes back in time': ({ faults }) => faults.disksRestored,
  'a bit rots': ({ faults }) => faults.bitsRotten,
  'a disk is replaced that rotted': ({ faults }) => faults.disksRotten,
  'a wiped node is refilled': ({ disks, wiped }) =>
    [...wiped].filter((name) => disks.get(name)?.objects.size !== 0).length,
  'a fallback counts for W': ({ history }) => history.writes.filter((w) => w.isSloppy).length,
  'a forwarded write depends on the value': ({ history }) =>
    history.writes.filter((w) => w.isForwarded && w.seen !== undefined).length,
  'a client sees siblings': ({ history }) => history.siblingsSeen,
  'a keyspace is flushed': ({ history }) => history.flushes.filter((f) => f.isDone).length,
  'a flush is refused': ({ history }) => history.flushes.filter((f) => !f.isDone).length,
  'an acknowledgement is checked on the disks': ({ history }) => history.looks,
  'a session reads': ({ history }) => history.sessionReads.length,
};

export const PROBES: readonly string[] = [
  ...new Set(Object.values(LINES)),
  'a member that was down comes back',
  ...Object.keys(COUNTERS),
  ...Object.keys(SEEN),
];

export class ProbeBook {
  readonly counts: ProbeCounts = Object.fromEntries(PROBES.map((name) => [name, 0]));

  hearLine({ event, fields }: LogLine): void {
    const name = LINES[event];
    if (name !== undefined) this.#add(name, 1);
    const isBack = event === 'node alive' && fields.was === 'down';
    if (isBack) this.#add('a member that was down comes back', 1);
  }

  /** Of a node, at the end of a life. */
  addMetrics(metrics: NodeMetrics): void {
    for (const [name, counted] of Object.entries(COUNTERS)) this.#add(name, counted(metrics));
  }

  addSeen(seen: Seen): void {
    for (const [name, counted] of Object.entries(SEEN)) this.#add(name, counted(seen));
  }

  #add(name: string, count: number): void {
    this.counts[name] = (this.counts[name] as number) + count;
  }
}
