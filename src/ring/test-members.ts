// Topologies for the tests of this folder: small ones, drawn by hand, and any number at random.

import fc from 'fast-check';
import { type NodeId, SLOT_COUNT } from '../base/ids.ts';
import { diceOf } from './dice.ts';
import type { Member, Ring } from './ring.ts';

export type Place = Partial<Omit<Member, 'id'>>;

export function memberOf(number: number, place: Place = {}): Member {
  const id = number.toString(16).padStart(40, '0') as NodeId;
  return { id, host: `h${number}`, rack: 'r', dataCenter: 'dc', capacity: 1, ...place };
}

export function membersOf(count: number, placeOf: (number: number) => Place = () => ({})) {
  return Array.from({ length: count }, (_, number) => memberOf(number, placeOf(number)));
}

/**
 * A ring drawn as one letter a run, `A` for member 0: runs of equal length, the last one longer.
 * Spaces are only for the eye.
 */
export function drawnRing(drawing: string, members: readonly Member[]): Ring {
  const letters = [...drawing.replaceAll(' ', '')];
  const length = Math.floor(SLOT_COUNT / letters.length);
  const owners = new Uint16Array(SLOT_COUNT).map((_, slot) => {
    const letter = letters[Math.min(Math.floor(slot / length), letters.length - 1)] as string;
    return letter.charCodeAt(0) - 'A'.charCodeAt(0);
  });
  return { epoch: 1, members, owners };
}

/** About 4 runs a member in random order: worse than any ring that the planner would make. */
export function shuffledRing(members: readonly Member[], seed: number): Ring {
  const dice = diceOf(seed);
  const length = Math.floor(SLOT_COUNT / (4 * members.length));
  const owners = new Uint16Array(SLOT_COUNT);
  for (let slot = 0, run = 0; slot < SLOT_COUNT; slot += length, run++) {
    const owner = run < members.length ? run : dice(members.length);
    owners.fill(owner, slot, slot + length);
  }
  return { epoch: 1, members, owners };
}

/** 1 … 60 members with shared hosts, several racks and data centers, capacities up to 1 : 4. */
export const anyMembers: fc.Arbitrary<Member[]> = fc
  .record({
    count: fc.integer({ min: 1, max: 60 }),
    perHost: fc.integer({ min: 1, max: 4 }),
    racks: fc.integer({ min: 1, max: 6 }),
    dataCenters: fc.integer({ min: 1, max: 3 }),
    capacities: fc.array(fc.integer({ min: 4, max: 16 }), { minLength: 1, maxLength: 8 }),
    skew: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ count, perHost, racks, dataCenters, capacities, skew }) =>
    membersOf(count, (number) => {
      const host = Math.floor(number / perHost);
      const dataCenter = host % dataCenters;
      // The higher the skew, the more hosts crowd in the first racks.
      const rack = Math.floor(racks * (((host * 7) % 11) / 11) ** skew);
      const capacity = (capacities[number % capacities.length] as number) / 4;
      return { host: `h${host}`, rack: `r${rack}`, dataCenter: `dc${dataCenter}`, capacity };
    }),
  );
