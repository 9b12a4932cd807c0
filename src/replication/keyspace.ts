// A keyspace: a named part of the store with its own replication, consistency, conflict rule,
// durability and limits. Presets name the usual choices of N, R and W (DeCandia et al.: "Dynamo"
// (SOSP 2007), 4.5).
//
// Pure: no clock, no disk, no network; dice are an argument.

import { KvorumError } from '../base/errors.ts';
import type { KeyspaceNumber } from '../base/ids.ts';
import type { MergeRule } from '../merge/merge-rule.ts';
import type { ConsistencyLevel } from './levels/consistency-level.ts';
import { majority } from './levels/need.ts';

/**
 * `siblings`: every concurrent value is kept. `latest`: the newest by hybrid time wins. `merge`:
 * they are kept as with `siblings`, and a read answers with what a function makes of them.
 */
export type ConflictRule = 'latest' | 'siblings' | 'merge';

/**
 * What a write waits for on each of its W nodes. `fsync`: it is on the disk. `interval`: it is in
 * memory and on its way there; a crash of all nodes that had it within the interval loses it.
 */
export type Durability = 'fsync' | 'interval';

/** Numbers above are the engine's own: hints, and what is to come. */
export const KEYSPACE_NUMBER_MAX = 253;

/** Who has answered is kept in the bits of one small integer. More copies serve nobody. */
export const COPIES_MAX = 31;

/** By the name of a data center, 1 or more each. */
export type Copies = Readonly<Record<string, number>>;

export interface Keyspace {
  readonly number: KeyspaceNumber;
  readonly name: string;
  /** Copies of each key, on as many distinct hosts; 1 … COPIES_MAX. */
  readonly n: number;
  /**
   * So many of them in each of these data centers and none elsewhere; they sum to n. Undefined:
   * wherever they fall.
   */
  readonly copies?: Copies | undefined;
  /** Answers that a read waits for. */
  readonly r: ConsistencyLevel;
  /** Copies that a write waits for, each as durable as `durability` says. */
  readonly w: ConsistencyLevel;
  readonly conflictRule: ConflictRule;
  /** With rule `merge`, and only then. */
  readonly merge?: MergeRule | undefined;
  /** Whether fallbacks stand in for primaries that are away; otherwise too few are refused. */
  readonly isSloppy: boolean;
  readonly durability: Durability;
  /** Milliseconds until a value expires whose writer says nothing about it; 0: never. */
  readonly ttlMs: number;
  readonly limits: ObjectLimits;
}

/** Of one object. They hold for what clients write; merge, repair and handoff heal all of them. */
export interface ObjectLimits {
  /** With more siblings it is said in the log and counted. */
  readonly siblingsWarned: number;
  /** A write that would leave more siblings, and more than before, is refused. */
  readonly siblingsMax: number;
  /** The same for the bytes of all siblings together. */
  readonly objectBytesMax: number;
}

/**
 * Riak's numbers for siblings: who reads and writes back contexts has a handful. N coordinators
 * may each fill an object before they hear of each other, and three times 4 MiB still fit into a
 * frame between nodes.
 */
export const DEFAULT_LIMITS: ObjectLimits = {
  siblingsWarned: 25,
  siblingsMax: 100,
  objectBytesMax: 4 * 1024 * 1024,
};

export const PRESETS = {
  quorum: (n: number) => ({ n, r: majority(n), w: majority(n) }),
  'fast-write': (n: number) => ({ n, r: n, w: 1 }),
  'fast-read': (n: number) => ({ n, r: 1, w: n }),
  eventual: (n: number) => ({ n, r: 1, w: 1 }),
  'local-quorum': (n: number) => ({ n, r: 'local-quorum', w: 'local-quorum' }),
  'each-quorum': (n: number) => ({ n, r: 'local-quorum', w: 'each-quorum' }),
} as const satisfies Record<string, (n: number) => Pick<Keyspace, 'n' | 'r' | 'w'>>;

export type Preset = keyof typeof PRESETS;

export const DEFAULT_KEYSPACE: Keyspace = {
  number: 0 as KeyspaceNumber,
  name: 'default',
  ...PRESETS.quorum(3),
  conflictRule: 'latest',
  isSloppy: true,
  durability: 'fsync',
  ttlMs: 0,
  limits: DEFAULT_LIMITS,
};

export const SIBLINGS_KEYSPACE: Keyspace = {
  ...DEFAULT_KEYSPACE,
  number: 1 as KeyspaceNumber,
  name: 'siblings',
  conflictRule: 'siblings',
};

/**
 * The keyspace as a topology of so many hosts can serve it: N is capped, R and W with it. Where
 * there is one data center all copies are in it; counts that were asked of several stand, and
 * whoever places them refuses what cannot be.
 */
export function cappedTo(
  keyspace: Keyspace,
  hosts: number,
  dataCenters: readonly string[],
): Keyspace {
  if (keyspace.copies !== undefined) return keyspace;
  const n = Math.min(keyspace.n, hosts);
  const capped = (level: ConsistencyLevel) =>
    typeof level === 'number' ? Math.min(level, n) : level;
  const copies = dataCenters.length === 1 ? { [dataCenters[0] as string]: n } : undefined;
  return { ...keyspace, n, copies, r: capped(keyspace.r), w: capped(keyspace.w) };
}

/** By its name, or by its number in digits; throws NO_SUCH_KEYSPACE. */
export function keyspaceCalled(keyspaces: readonly Keyspace[], called: string): Keyspace {
  for (const keyspace of keyspaces) {
    if (keyspace.name === called || String(keyspace.number) === called) return keyspace;
  }
  throw noSuchKeyspace(keyspaces, called);
}

/** Throws NO_SUCH_KEYSPACE. */
export function keyspaceNumbered(keyspaces: readonly Keyspace[], number: KeyspaceNumber): Keyspace {
  for (const keyspace of keyspaces) if (keyspace.number === number) return keyspace;
  throw noSuchKeyspace(keyspaces, String(number));
}

function noSuchKeyspace(keyspaces: readonly Keyspace[], called: string): KvorumError {
  const known = keyspaces.map(({ number, name }) => `${name} (${number})`).join(', ');
  const message = `there is no keyspace "${called}"`;
  return new KvorumError('NO_SUCH_KEYSPACE', message, `There are: ${known}.`);
}
