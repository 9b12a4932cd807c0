// A keyspace: a named part of the store with its own replication, consistency and conflict rule.
// Presets name the usual choices of N, R and W (DeCandia et al.: "Dynamo" (SOSP 2007), 4.5).
//
// Pure: no clock, no disk, no network; dice are an argument.

import type { KeyspaceNumber } from '../base/ids.ts';

/** `siblings`: every concurrent value is kept. `latest`: the newest by hybrid time wins. */
export type ConflictRule = 'latest' | 'siblings';

export interface Keyspace {
  readonly number: KeyspaceNumber;
  readonly name: string;
  /** Copies of each key, on as many distinct hosts. */
  readonly n: number;
  /** Answers that a read waits for. */
  readonly r: number;
  /** Durable copies that a write waits for. */
  readonly w: number;
  readonly conflictRule: ConflictRule;
}

export const PRESETS = {
  quorum: (n: number) => ({ n, r: majority(n), w: majority(n) }),
  'fast-write': (n: number) => ({ n, r: n, w: 1 }),
  'fast-read': (n: number) => ({ n, r: 1, w: n }),
  eventual: (n: number) => ({ n, r: 1, w: 1 }),
} as const;

export type Preset = keyof typeof PRESETS;

export const DEFAULT_KEYSPACE: Keyspace = {
  number: 0 as KeyspaceNumber,
  name: 'default',
  ...PRESETS.quorum(3),
  conflictRule: 'latest',
};

/** The keyspace as a topology of `hosts` hosts can serve it: N is capped, R and W with it. */
export function cappedTo(keyspace: Keyspace, hosts: number): Keyspace {
  const n = Math.min(keyspace.n, hosts);
  return { ...keyspace, n, r: Math.min(keyspace.r, n), w: Math.min(keyspace.w, n) };
}

function majority(n: number): number {
  return Math.floor(n / 2) + 1;
}
