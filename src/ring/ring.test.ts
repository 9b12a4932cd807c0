import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../base/errors.ts';
import { SLOT_COUNT } from '../base/ids.ts';
import { checkMembers, checkRing, type Member, movesBetween, runsOf, slotsOwned } from './ring.ts';
import { drawnRing, memberOf, membersOf } from './test-members.ts';

const THREE = membersOf(3);

test('runs are what CLUSTER SLOTS prints', () => {
  const ring = drawnRing('A B B C', THREE);
  assert.deepEqual(runsOf(ring), [
    { first: 0, last: 4095, owner: 0 },
    { first: 4096, last: 12_287, owner: 1 },
    { first: 12_288, last: 16_383, owner: 2 },
  ]);
  assert.deepEqual([...slotsOwned(ring)], [4096, 8192, 4096]);
});

test('a run that goes on past the last slot is two rows', () => {
  const runs = runsOf(drawnRing('A B C A', THREE));
  assert.deepEqual(
    runs.map(({ owner }) => owner),
    [0, 1, 2, 0],
  );
});

test('moves name members by id, whatever their order in the two rings', () => {
  const [a, b, c] = THREE as [Member, Member, Member];
  const before = drawnRing('A B B C', [a, b, c]);
  const after = drawnRing('C B A C', [c, b, a]);
  assert.deepEqual(movesBetween(before, after), [
    { first: 8192, last: 12_287, from: b.id, to: c.id },
    { first: 12_288, last: 16_383, from: c.id, to: a.id },
  ]);
  assert.deepEqual(movesBetween(before, before), []);
});

test('members that cannot form a ring are refused with the numbers', () => {
  const cases: [members: Member[], why: RegExp][] = [
    [[], /no members/],
    [[memberOf(1), memberOf(1)], /two members have the id 0+1/],
    [[memberOf(1, { capacity: 0 })], /capacity 0/],
    [[memberOf(1, { capacity: -2 })], /capacity -2/],
    [[memberOf(1, { capacity: Number.NaN })], /capacity NaN/],
    [[memberOf(1), memberOf(2, { capacity: 1e-6 })], /earns 0.02 slots/],
    [[memberOf(1, { host: 'x' }), memberOf(2, { host: 'x', rack: 's' })], /host "x" stands in/],
    [membersOf(SLOT_COUNT + 1), /16385 members share 16384 slots/],
  ];
  for (const [members, why] of cases) {
    assert.throws(
      () => checkMembers(members),
      (error: Error) => hasCode(error, 'PLACEMENT_IMPOSSIBLE') && why.test(error.message),
      String(why),
    );
  }
});

test('a malformed ring is refused', () => {
  const ring = drawnRing('A B C', THREE);
  checkRing(ring);
  const refused = (error: Error) => hasCode(error, 'PLACEMENT_IMPOSSIBLE');
  assert.throws(() => checkRing({ ...ring, owners: ring.owners.slice(1) }), refused);
  assert.throws(() => checkRing({ ...ring, members: THREE.slice(1) }), refused);
});
