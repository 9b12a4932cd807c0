import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SLOT_COUNT, type Slot } from '../base/ids.ts';
import { idealLoads } from './ideal-load.ts';
import { placeTokens } from './placement.ts';
import { preferenceLists } from './preference-list.ts';
import type { Replication } from './replica-rule.ts';
import { type Member, type Ring, runsOf, slotsOwned } from './ring.ts';
import { anyMembers, membersOf } from './test-members.ts';

/** Largest replica load over its ideal, of the members that have one. */
function worstLoad(ring: Ring, n: Replication): number {
  const table = preferenceLists(ring, n);
  const ideals = idealLoads(ring.members, typeof n === 'number' ? table.n : n);
  const loads = ideals.map(() => 0);
  for (let slot = 0 as Slot; slot < SLOT_COUNT; slot++) {
    for (const member of table.primaries(slot)) loads[member] = (loads[member] as number) + 1;
  }
  return Math.max(...[...loads].map((load, i) => (load === 0 ? 0 : load / (ideals[i] as number))));
}

test('equal members: equal replica loads, and few rows for clients to read', () => {
  const cases: [count: number, rowsMax: number][] = [
    [1, 1],
    [2, 32],
    [3, 64],
    [4, 72],
    [10, 180],
    [30, 520],
    [100, 1_700],
  ];
  for (const [count, rowsMax] of cases) {
    const ring = placeTokens(membersOf(count), { n: 3 });
    const rows = runsOf(ring).length;
    assert.ok(rows <= rowsMax, `${count} members: ${rows} rows`);
    const load = worstLoad(ring, 3);
    assert.ok(load <= 1.03, `${count} members: replica load ${load}`);
  }
});

test('unequal members: replica loads in proportion, as far as hosts and racks allow', () => {
  const cases: [name: string, members: Member[]][] = [
    ['capacities', membersOf(24, (i) => ({ capacity: 1 + (i % 4) }))],
    ['racks', membersOf(30, (i) => ({ rack: `r${i % 3}` }))],
    ['uneven racks', membersOf(25, (i) => ({ rack: `r${Math.floor(i / 10)}` }))],
    ['hosts', membersOf(40, (i) => ({ host: `h${i % 10}` }))],
  ];
  for (const [name, members] of cases) {
    const load = worstLoad(placeTokens(members, { n: 3 }), 3);
    assert.ok(load <= 1.05, `${name}: replica load ${load}`);
  }
});

test('counts per data center: even in each of them, and nothing elsewhere', () => {
  const placeOf = (i: number) => {
    const dataCenter = i < 10 ? 'east' : i < 20 ? 'west' : i < 25 ? 'north' : 'south';
    return { dataCenter, rack: `r${i % 2}` };
  };
  const members = membersOf(28, placeOf);
  const counts = { east: 3, west: 2, north: 1 };
  const load = worstLoad(placeTokens(members, { n: counts }), counts);
  assert.ok(load <= 1.05, `replica load ${load}`);
  const perSlot = [...idealLoads(members, counts)].map((ideal) => ideal / SLOT_COUNT);
  assert.deepEqual(
    [0, 10, 20, 25].map((i) => Number(perSlot[i]?.toFixed(3))),
    [0.3, 0.2, 0.2, 0],
  );
});

test('the ideal load knows what hosts and racks cannot take', () => {
  const capacities = (...list: number[]) => membersOf(list.length, (i) => ({ capacity: list[i] }));
  const perSlot = (members: Member[], n: number) =>
    [...idealLoads(members, n)].map((load) => Number((load / SLOT_COUNT).toFixed(3)));
  assert.deepEqual(perSlot(capacities(1, 1, 2), 2), [0.5, 0.5, 1]);
  assert.deepEqual(perSlot(capacities(1, 1, 8), 2), [0.5, 0.5, 1]);
  assert.deepEqual(perSlot(capacities(1, 2, 4), 3), [1, 1, 1]);
  const racks = membersOf(4, (i) => ({ rack: i < 3 ? 'big' : 'small' }));
  assert.deepEqual(perSlot(racks, 2), [0.333, 0.333, 0.333, 1]);
  const hosts = membersOf(4, (i) => ({ host: i < 2 ? 'shared' : `h${i}` }));
  assert.deepEqual(perSlot(hosts, 2), [0.5, 0.5, 0.5, 0.5]);
});

test('neighbours stand on distinct hosts, and failures spread', () => {
  const ring = placeTokens(membersOf(5), { n: 3 });
  const heirs = new Map<number, Set<number>>();
  const table = preferenceLists(ring, 3);
  for (const { owner, first } of runsOf(ring)) {
    const heir = table.primaries(first)[1] as number;
    heirs.set(owner, (heirs.get(owner) ?? new Set()).add(heir));
  }
  for (const others of heirs.values()) assert.equal(others.size, 4);
});

test('on any topology: quotas exact to the slot, and the same ring for the same seed', () => {
  const seeds = fc.integer({ min: 0, max: 1_000_000 });
  fc.assert(
    fc.property(anyMembers, seeds, (members, seed) => {
      const ring = placeTokens(members, { n: 3, seed });
      const total = members.reduce((sum, { capacity }) => sum + capacity, 0);
      const owned = slotsOwned(ring);
      for (const [i, { capacity }] of members.entries()) {
        const share = (SLOT_COUNT * capacity) / total;
        assert.ok(Math.abs((owned[i] as number) - share) < 1, `${owned[i]} of ${share}`);
      }
      assert.deepEqual(placeTokens(members, { n: 3, seed }), ring);
    }),
    { numRuns: 30 },
  );
});
