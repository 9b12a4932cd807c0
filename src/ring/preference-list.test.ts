import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hasCode } from '../base/errors.ts';
import { SLOT_COUNT, type Slot } from '../base/ids.ts';
import { FALLBACKS_MAX, type PreferenceTable, preferenceLists } from './preference-list.ts';
import type { Replication } from './replica-rule.ts';
import type { Ring } from './ring.ts';
import { anyMembers, drawnRing, membersOf, type Place, shuffledRing } from './test-members.ts';

/** The list of slot 0 as letters: `AB | C`. */
function drawn(ring: Ring, replication: Replication): string {
  const table = preferenceLists(ring, replication);
  const letters = (list: readonly number[]) =>
    list.map((member) => String.fromCharCode(65 + member)).join('');
  const slot = 0 as Slot;
  return `${letters(table.primaries(slot))} | ${letters(table.fallbacks(slot))}`;
}

function places(key: 'host' | 'rack' | 'dataCenter', letters: string): (i: number) => Place {
  return (i) => ({ [key]: letters[i] });
}

test('the walk takes the first N distinct hosts, then names fallbacks', () => {
  const cases: [drawing: string, n: number, list: string, placeOf?: (i: number) => Place][] = [
    ['A B C D', 3, 'ABC | D'],
    ['A A B A C', 2, 'AB | C'],
    ['A B C', 1, 'A | BC'],
    ['A B', 3, 'AB | '],
    ['A', 3, 'A | '],
    // B stands on the host of A: neither a second replica nor a fallback.
    ['A B C D', 2, 'AC | D', places('host', 'xxyz')],
    ['A B C D', 3, 'AC | ', places('host', 'xxyy')],
    // Racks: A and B share one, so C comes before B.
    ['A B C D', 2, 'AC | BD', places('rack', 'xxyy')],
    ['A B C D', 3, 'ABC | D', places('rack', 'xxyy')],
    ['A B C D E', 3, 'ADE | BC', places('rack', 'xxxyz')],
    // Every rack has its second replica before one has its third.
    ['A B C D E', 4, 'ABDE | C', places('rack', 'xxxyy')],
    ['A B C D', 4, 'ABCD | ', places('rack', 'xxxy')],
  ];
  for (const [drawing, n, list, placeOf] of cases) {
    const members = membersOf(new Set(drawing.replaceAll(' ', '')).size, placeOf);
    assert.equal(drawn(drawnRing(drawing, members), n), list, `${drawing}, N=${n}`);
  }
});

test('counts per data center', () => {
  const members = membersOf(6, places('dataCenter', 'eewwwa'));
  const ring = drawnRing('A B C D E F', members);
  assert.equal(drawn(ring, { e: 1, w: 2 }), 'ACD | BE');
  assert.equal(drawn(ring, { w: 2 }), 'CD | E');
  assert.equal(drawn(ring, { e: 2, w: 3, a: 1 }), 'ABCDEF | ');
});

test('what cannot be placed is refused with the numbers', () => {
  const ring = drawnRing('A B C', membersOf(3, places('dataCenter', 'eew')));
  const cases: [replication: Replication, why: RegExp][] = [
    [{ e: 3 }, /"e" has 2 hosts for 3 replicas/],
    [{ moon: 1 }, /"moon" has 0 hosts for 1 replicas/],
    [{ e: 0 }, /0 replicas are asked of data center "e"/],
    [{}, /no data center is named/],
    [0, /0 replicas/],
    [1.5, /1.5 replicas/],
  ];
  for (const [replication, why] of cases) {
    assert.throws(
      () => preferenceLists(ring, replication),
      (error: Error) => hasCode(error, 'PLACEMENT_IMPOSSIBLE') && why.test(error.message),
      String(why),
    );
  }
});

test('members without a slot offer neither host nor rack', () => {
  const members = membersOf(4, places('rack', 'xxxy'));
  assert.equal(drawn(drawnRing('A B C', members), 2), 'AB | C');
});

test('slots with equal lists share them', () => {
  const table = preferenceLists(drawnRing('A B C A B C', membersOf(3)), 3);
  assert.equal(table.primaries(1 as Slot), table.primaries(0 as Slot));
  assert.equal(table.lists.length, 3);
});

test('on any topology: distinct hosts, distinct racks, disjoint fallbacks', () => {
  const n = fc.integer({ min: 1, max: 5 });
  fc.assert(
    fc.property(anyMembers, n, fc.nat(), (members, n, seed) => {
      const ring = shuffledRing(members, seed);
      const table = preferenceLists(ring, n);
      const count = (key: (i: number) => string) => new Set(members.map((_, i) => key(i))).size;
      const hostOf = (i: number) => members[i]?.host ?? '';
      const rackOf = (i: number) => `${members[i]?.rack} ${members[i]?.dataCenter}`;
      assert.equal(table.n, Math.min(n, count(hostOf)));
      checkLists(ring, table, hostOf, count(hostOf));
      for (const { primaries } of table.lists) {
        const racks = new Set(primaries.map(rackOf)).size;
        assert.equal(racks, Math.min(table.n, count(rackOf)));
      }
    }),
    { numRuns: 1_200 },
  );
});

test('on any topology: so many replicas in each data center', () => {
  fc.assert(
    fc.property(anyMembers, fc.integer({ min: 1, max: 3 }), fc.nat(), (members, most, seed) => {
      const counts: Record<string, number> = {};
      for (const { dataCenter } of members) {
        const inside = members.filter((member) => member.dataCenter === dataCenter);
        counts[dataCenter] = Math.min(most, new Set(inside.map(({ host }) => host)).size);
      }
      const ring = shuffledRing(members, seed);
      const table = preferenceLists(ring, counts);
      const hostOf = (i: number) => members[i]?.host ?? '';
      checkLists(ring, table, hostOf, new Set(members.map(({ host }) => host)).size);
      for (const { primaries } of table.lists) {
        const got: Record<string, number> = {};
        for (const i of primaries) {
          const dataCenter = members[i]?.dataCenter ?? '';
          got[dataCenter] = (got[dataCenter] ?? 0) + 1;
        }
        assert.deepEqual(got, { ...counts, ...got });
      }
    }),
    { numRuns: 400 },
  );
});

function checkLists(
  ring: Ring,
  table: PreferenceTable,
  hostOf: (member: number) => string,
  hostCount: number,
): void {
  for (const { primaries, fallbacks } of table.lists) {
    assert.equal(primaries.length, table.n);
    assert.equal(fallbacks.length, Math.min(FALLBACKS_MAX, hostCount - table.n));
    const all = [...primaries, ...fallbacks];
    assert.equal(new Set(all.map(hostOf)).size, all.length, 'all on distinct hosts');
  }
  for (let slot = 0 as Slot; slot < SLOT_COUNT; slot++) {
    if (table.primaries(slot)[0] !== ring.owners[slot]) assert.fail(`slot ${slot}: not its owner`);
  }
}
