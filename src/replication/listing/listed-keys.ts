// Listings of the same part of the ring by several replicas, laid over each other.
//
// Pure: no clock, no disk, no network; dice are an argument.

import type { ObjectVersion } from '../../causality/siblings.ts';
import type { Listing } from '../messages.ts';
import type { KeyPosition } from '../request.ts';

export interface KeyVersions {
  readonly key: Buffer;
  /** At the place of each listing; undefined where it lacks the key. */
  readonly versions: (ObjectVersion | undefined)[];
}

/** All keys before `end` that any of them has. */
export function versionsByKey(
  listings: readonly Listing[],
  end: KeyPosition | undefined,
): KeyVersions[] {
  const found = new Map<string, KeyVersions>();
  for (const [place, listing] of listings.entries()) {
    for (const entry of listing.entries) {
      if (end !== undefined && !isBefore(entry, end)) break;
      const name = entry.key.toString('latin1');
      let known = found.get(name);
      if (known === undefined) {
        const versions = new Array<ObjectVersion | undefined>(listings.length).fill(undefined);
        known = { key: entry.key, versions };
        found.set(name, known);
      }
      known.versions[place] = entry.version;
    }
  }
  return [...found.values()];
}

/** Up to where all of them have looked; undefined: to the end. */
export function commonEnd(listings: readonly Listing[]): KeyPosition | undefined {
  let first: KeyPosition | undefined;
  for (const { next } of listings) {
    if (next !== undefined && (first === undefined || isBefore(next, first))) first = next;
  }
  return first;
}

export function isBefore(a: KeyPosition, b: KeyPosition): boolean {
  return a.slot < b.slot || (a.slot === b.slot && a.hash < b.hash);
}
