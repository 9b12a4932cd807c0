// What the clients of a simulated run did and were told: the evidence that the oracles judge.

import type { KeyspaceNumber } from '../src/base/ids.ts';
import type { Dot } from '../src/causality/dot.ts';
import type { VersionVector } from '../src/causality/version-vector.ts';
import type { GetOutcome, WriteOutcome } from '../src/node/store.ts';

export interface WriteRecord {
  readonly keyspace: KeyspaceNumber;
  readonly key: string;
  /** Unique in the run; undefined: a delete. */
  readonly value: string | undefined;
  /** Milliseconds since 1970; 0: never. */
  readonly expiresAt: number;
  /** The context that the writer gave; undefined: a blind write, which replaces what is there. */
  readonly seen: VersionVector | undefined;
  readonly startMs: number;
  /** Infinity until an outcome came: then the write may still appear. */
  endMs: number;
  /** `unknown`: no answer yet, indeterminate, or the node that was asked crashed. */
  outcome: 'ok' | 'not-applied' | 'unknown';
  dot: Dot | undefined;
  /** Whether a fallback counted when it was acknowledged: a quorum of primaries may not know it. */
  isSloppy: boolean;
  /** Whether the node that was asked had to hand it on. */
  readonly isForwarded: boolean;
  /** Whether a reader was shown it by primaries of its key, who had it durably then. */
  isShown: boolean;
}

type Found = Extract<GetOutcome, { kind: 'found' }>;

type Intent = Pick<WriteRecord, 'keyspace' | 'key' | 'value' | 'seen' | 'startMs'>;

export interface FlushRecord {
  readonly keyspace: KeyspaceNumber;
  readonly startMs: number;
  /** What was begun later it has certainly not taken along. */
  lastMs: number;
  /** Whether all that had been acknowledged before is gone; else some of it may be. */
  isDone: boolean;
}

/** What a client with a session knew of a key, and what it was then shown. */
export interface SessionRead {
  readonly keyspace: KeyspaceNumber;
  readonly key: string;
  readonly known: VersionVector;
  readonly context: VersionVector;
  readonly values: readonly string[];
  /** Its own writes that were acknowledged before. */
  readonly written: readonly WriteRecord[];
}

export class History {
  readonly writes: WriteRecord[] = [];
  readonly flushes: FlushRecord[] = [];
  readonly sessionReads: SessionRead[] = [];
  /** Rules that were broken in front of a client's eyes. */
  readonly broken: string[] = [];
  /** How often the disks were looked at when a write was acknowledged. */
  looks = 0;
  /** How often a client was shown several values. */
  siblingsSeen = 0;
  readonly #byValue = new Map<string, WriteRecord>();
  /** By `keyspace/key`. */
  readonly #byKey = new Map<string, WriteRecord[]>();
  reads = 0;
  readsFailed = 0;
  #values = 0;

  freshValue(): string {
    this.#values += 1;
    return `v${this.#values}`;
  }

  begin(write: Intent & Partial<Pick<WriteRecord, 'expiresAt' | 'isForwarded'>>): WriteRecord {
    const endMs = Number.POSITIVE_INFINITY;
    const nothingYet = { outcome: 'unknown', dot: undefined, isSloppy: false } as const;
    const byDefault = { expiresAt: 0, isForwarded: false, isShown: false };
    const record: WriteRecord = { ...byDefault, ...write, endMs, ...nothingYet };
    this.writes.push(record);
    if (record.value !== undefined) this.#byValue.set(record.value, record);
    const name = `${record.keyspace}/${record.key}`;
    const ofKey = this.#byKey.get(name) ?? [];
    this.#byKey.set(name, ofKey);
    ofKey.push(record);
    return record;
  }

  /** All writes of a key, whatever became of them. */
  writesOf(keyspace: KeyspaceNumber, key: string): readonly WriteRecord[] {
    return this.#byKey.get(`${keyspace}/${key}`) ?? [];
  }

  writeOf(value: string): WriteRecord | undefined {
    return this.#byValue.get(value);
  }

  /** The writer was told so, at `endMs`. */
  conclude(record: WriteRecord, outcome: WriteOutcome | undefined, endMs: number): void {
    if (outcome?.kind === 'ok') {
      const isSloppy = outcome.receipt.fallbacks.length > 0;
      Object.assign(record, { outcome: 'ok', dot: outcome.dot, isSloppy, endMs });
    } else if (outcome?.kind === 'not-applied' || outcome?.kind === 'condition-failed') {
      Object.assign(record, { outcome: 'not-applied', endMs });
    }
  }

  /**
   * A client was shown these. What only a fallback had says less: it may be of a write that nobody
   * acknowledged, of a life that primaries have closed since.
   */
  show({ values, receipt }: Pick<Found, 'values' | 'receipt'>): void {
    if (values.length > 1) this.siblingsSeen += 1;
    if (receipt.fallbacks.length > 0) return;
    for (const { value, dot } of values) {
      const record = this.#byValue.get(String(value));
      if (record === undefined) continue;
      record.isShown = true;
      record.dot ??= dot;
    }
  }

  /** The end of the last flush that may have taken the write along; -Infinity: none. */
  flushedUntilMs({ keyspace, startMs }: WriteRecord): number {
    const ends = this.flushes
      .filter((flush) => flush.keyspace === keyspace && startMs <= flush.lastMs)
      .map(({ lastMs }) => lastMs);
    return Math.max(...ends);
  }

  /** Whether a flush of the keyspace of `keyspace/key` has begun, whatever became of it. */
  isFlushed(name: string): boolean {
    return this.flushes.some(({ keyspace }) => name.startsWith(`${keyspace}/`));
  }

  mayBeFlushed(write: WriteRecord): boolean {
    return this.flushedUntilMs(write) > 0;
  }

  /** Whether the write was acknowledged before a flush that took all along, and ended by `atMs`. */
  mustBeFlushed({ keyspace, endMs }: WriteRecord, atMs = Number.POSITIVE_INFINITY): boolean {
    return this.flushes.some(({ isDone, lastMs, ...flush }) => {
      return flush.keyspace === keyspace && isDone && endMs < flush.startMs && lastMs <= atMs;
    });
  }

  acknowledged(): number {
    return this.writes.filter((write) => write.outcome === 'ok').length;
  }
}
