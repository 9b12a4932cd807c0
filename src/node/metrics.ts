// What a node counts about itself, as plain integers: cheap where they are counted, turned into
// Prometheus text only when somebody asks.

import type { MergeCounters } from '../merge/merger.ts';
import type { Admission } from '../replication/admission/admission.ts';
import type { SyncState } from '../replication/anti-entropy/anti-entropy.ts';
import type { ComparisonCounters } from '../replication/anti-entropy/comparison.ts';
import type { HintCounters, PendingHints } from '../replication/hints/hint-book.ts';
import type { ObjectCounters } from '../replication/object-watch.ts';
import type { HedgeCounters } from '../replication/read/hedger.ts';
import type { ReadCounters } from '../replication/read/quorum-reader.ts';
import type { ReapCounters } from '../replication/reaping/round-member.ts';
import type { EngineStats } from '../storage/engine.ts';
import type { PeerCounters } from './remote-peers.ts';
import type { MemberHealth } from './store.ts';

export interface NodeMetrics {
  readonly gets: OutcomeCounts<'found' | 'missing' | 'no-answer' | 'error'>;
  readonly writes: OutcomeCounts<
    'ok' | 'condition-failed' | 'not-applied' | 'indeterminate' | 'error'
  >;
  readonly getLatency: Histogram;
  readonly writeLatency: Histogram;
  readonly reads: ReadCounters;
  readonly hedges: HedgeCounters;
  readonly admission: Pick<Admission, 'underWay' | 'limit' | 'refused'>;
  readonly objects: ObjectCounters;
  readonly merges: MergeCounters;
  readonly antiEntropy: ComparisonCounters;
  /** By the name of the node that was compared. */
  readonly sync: ReadonlyMap<string, SyncState>;
  /** Of all keyspaces: what this node has of them counts for nothing yet. */
  readonly slotsRefilling: number;
  /** Of all keyspaces: something of them could not be read, and others had all of it. */
  readonly damagedSlotsDropped: number;
  readonly hints: HintCounters;
  /** By the name of the node that they are for. */
  readonly hintsPending: ReadonlyMap<string, PendingHints>;
  /** `slots`: in how many something is dead, or will be when it expires. */
  readonly reaping: ReapCounters & { readonly slots: number };
  /** Slots that wait to be reaped for want of a node, by its name. */
  readonly reapingWaits: ReadonlyMap<string, number>;
  readonly peers: PeerCounters;
  readonly engine: EngineStats;
  /** Exchanges that this node began and nobody answered in time. */
  readonly gossipExchangesLost: number;
  /** How often a member went down in the eyes of this node. */
  readonly memberDowns: number;
  /** By the name of the member, this one included. */
  readonly health: ReadonlyMap<string, MemberHealth>;
  readonly membersAlive: number;
  readonly members: number;
}

export type OutcomeCounts<Kind extends string> = Record<Kind, number>;

/** Upper bounds of the buckets, in milliseconds: doubling from 1/8 ms to 4 s. */
export const LATENCY_BOUNDS_MS: readonly number[] = Array.from(
  { length: 16 },
  (_, i) => 2 ** (i - 3),
);

export class Histogram {
  /** One count per bound, and a last one for everything slower. */
  readonly counts = new Float64Array(LATENCY_BOUNDS_MS.length + 1);
  sumMs = 0;

  add(ms: number): void {
    const bucket = ms <= 0.125 ? 0 : Math.ceil(Math.log2(ms)) + 3;
    const last = LATENCY_BOUNDS_MS.length;
    const index = Math.min(bucket, last);
    this.counts[index] = (this.counts[index] as number) + 1;
    this.sumMs += ms;
  }
}
