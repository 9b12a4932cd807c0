import { deepEqual } from 'node:assert/strict';
import { test } from 'node:test';
import type { Slot } from '../../base/ids.ts';
import type { Listing } from '../messages.ts';
import { commonEnd, versionsByKey } from './listed-keys.ts';

const version = { context: [], siblings: [] };

/** `keys`: "key@slot.hash"; `next`: "slot.hash", or nothing. */
function listing(keys: string[], next?: string): Listing {
  const positionOf = (text: string) => {
    const [slot, hash] = text.split('.').map(Number) as [number, number];
    return { slot: slot as Slot, hash };
  };
  const entries = keys.map((text) => {
    const [key, place] = text.split('@') as [string, string];
    return { key: Buffer.from(key), ...positionOf(place), version };
  });
  return { kind: 'listing', entries, next: next === undefined ? undefined : positionOf(next) };
}

function table(listings: Listing[]): [string, string][] {
  return versionsByKey(listings, commonEnd(listings)).map(({ key, versions }) => {
    return [`${key}`, versions.map((each) => (each === undefined ? '-' : 'x')).join('')];
  });
}

test('keys of all listings stand beside each other', () => {
  deepEqual(table([listing(['a@1.5', 'b@1.7']), listing(['b@1.7', 'c@2.0']), listing([])]), [
    ['a', 'x--'],
    ['b', 'xx-'],
    ['c', '-x-'],
  ]);
});

test('what one of them has not looked at yet is left to the next page', () => {
  const short = listing(['a@1.5'], '1.6');
  deepEqual(commonEnd([short, listing([], '3.0'), listing([])]), { slot: 1, hash: 6 });
  deepEqual(table([short, listing(['a@1.5', 'b@1.6', 'c@2.0'], '3.0')]), [['a', 'xx']]);
  deepEqual(commonEnd([listing([]), listing([])]), undefined);
});
