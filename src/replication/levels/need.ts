// What a request waits for, made of its consistency level: shares of answers, each of all replicas
// of the key or of those in one data center. A quorum is reached when every share is.
//
//   east 3, west 2      R or W          shares
//                       2               2 of all
//                       quorum          3 of all
//                       local-quorum    2 of east, when a node of east was asked
//                       each-quorum     2 of east and 2 of west
//
// A read at one level sees every write at another when each set of replicas that fills the shares
// of the one meets each that fills those of the other: need.test.ts counts them out.
//
// Pure: no clock, no disk, no network; dice are an argument.

import { KvorumError } from '../../base/errors.ts';
import type { Keyspace } from '../keyspace.ts';
import type { MemberIndex } from '../peers.ts';
import type { ConsistencyLevel } from './consistency-level.ts';

export interface Share {
  /** Absent: of all of them together. */
  readonly dataCenter?: string;
  /** Answers to wait for, 1 or more. */
  readonly needed: number;
}

/** At least one share; data centers are named once each. */
export type Need = readonly Share[];

/** Who knows where members stand. */
export interface Places {
  dataCenterOf(member: MemberIndex): string;
}

/** How far a request came: the counts of the share that it lacked, or of its first one. */
export interface Progress {
  readonly needed: number;
  readonly got: number;
  /** The one whose replicas were counted; absent: those of all of them. */
  readonly dataCenter?: string | undefined;
}

/** What a request wants instead of what its keyspace says, and where `local` is. */
export interface Wanted {
  readonly letter: 'R' | 'W';
  readonly level: ConsistencyLevel;
  /** The data center of the node that the client asked. */
  readonly home: string;
}

type Placed = Pick<Keyspace, 'name' | 'n' | 'copies'>;

/** Throws BAD_OPTION for a number, and LEVEL_IMPOSSIBLE for a level, that cannot be had. */
export function needOf(keyspace: Placed, { letter, level, home }: Wanted): Need {
  const { n } = keyspace;
  switch (level) {
    case 'one':
      return ofAll(1);
    case 'quorum':
      return ofAll(majority(n));
    case 'all':
      return ofAll(n);
    case 'local-quorum':
      return [shareOf(home, localCopies(keyspace, home))];
    case 'each-quorum': {
      const copies = countedCopies(keyspace, level);
      return Object.entries(copies).map(([name, count]) => shareOf(name, count));
    }
  }
  if (level >= 1 && level <= n) return ofAll(level);
  throw new KvorumError(
    'BAD_OPTION',
    `${letter}=${level} is impossible in keyspace "${keyspace.name}" with N=${n}`,
    `Ask for 1 to ${n}.`,
  );
}

export function counts({ dataCenter }: Share, places: Places, member: MemberIndex): boolean {
  return dataCenter === undefined || places.dataCenterOf(member) === dataCenter;
}

/** What reads and writes that say nothing wait for; `local` is left out where no copies are. */
export function usualNeeds(keyspace: Placed & Pick<Keyspace, 'r' | 'w'>, home: string): Need[] {
  const { r, w, copies } = keyspace;
  const isAway = copies !== undefined && copies[home] === undefined;
  const levels = [
    { letter: 'R', level: r },
    { letter: 'W', level: w },
  ] as const;
  return levels
    .filter(({ level }) => !(isAway && level === 'local-quorum'))
    .map((each) => needOf(keyspace, { ...each, home }));
}

/** As much of `need` as `count` says can be had of each share; when that is nothing, one of all. */
export function atMost(need: Need, count: (share: Share) => number): Need {
  const within = need
    .map((share) => ({ ...share, needed: Math.min(share.needed, count(share)) }))
    .filter(({ needed }) => needed > 0);
  return within.length > 0 ? within : ofAll(1);
}

/** How far a request came that nobody has answered. */
export function nothingOf(need: Need): Progress {
  return { ...(need[0] as Share), got: 0 };
}

export function majority(n: number): number {
  return Math.floor(n / 2) + 1;
}

/** Nearly every request waits for one of these, so they are made once. */
const OF_ALL: Need[] = [];

export function ofAll(needed: number): Need {
  OF_ALL[needed] ??= [{ needed }];
  return OF_ALL[needed];
}

function shareOf(dataCenter: string, copies: number): Share {
  return { dataCenter, needed: majority(copies) };
}

function localCopies(keyspace: Placed, home: string): number {
  const copies = countedCopies(keyspace, 'local-quorum');
  const here = copies[home];
  if (here !== undefined) return here;
  const why = `data center "${home}" has no replicas of keyspace "${keyspace.name}"`;
  const fix = `Ask a node in ${Object.keys(copies).join(' or ')}, or for another level.`;
  throw new KvorumError('LEVEL_IMPOSSIBLE', `local-quorum is impossible: ${why}`, fix);
}

function countedCopies({ name, n, copies }: Placed, level: string) {
  if (copies !== undefined) return copies;
  const why = `keyspace "${name}" has N=${n} wherever they fall, not so many per data center`;
  const fix = `Give it counts, as in n = { east = 3, west = 3 }, or ask for quorum.`;
  throw new KvorumError('LEVEL_IMPOSSIBLE', `${level} is impossible: ${why}`, fix);
}
