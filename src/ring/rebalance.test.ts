import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SLOT_COUNT } from '../base/ids.ts';
import { placeTokens } from './placement.ts';
import { preferenceLists } from './preference-list.ts';
import { exactQuotas, quotaRanges } from './quota.ts';
import { rebalance } from './rebalance.ts';
import { checkRing, type Member, movesBetween, type Ring, runsOf, slotsOwned } from './ring.ts';
import { anyMembers, memberOf, membersOf } from './test-members.ts';

function movedBetween(before: Ring, after: Ring): number {
  return movesBetween(before, after).reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

/** Slots that members must gain to own their exact quotas. */
function forcedMoves(before: Ring, members: readonly Member[]): number {
  const owned = slotsOwned(before);
  const held = new Map(before.members.map(({ id }, i) => [id, owned[i] as number]));
  return exactQuotas(members).reduce(
    (sum, quota, i) => sum + Math.max(0, quota - (held.get(members[i]?.id as never) ?? 0)),
    0,
  );
}

function checkQuotas(ring: Ring): void {
  checkRing(ring);
  const owned = slotsOwned(ring);
  for (const [i, { low, high }] of quotaRanges(ring.members).entries()) {
    const slots = owned[i] as number;
    assert.ok(slots >= low && slots <= high, `member ${i} owns ${slots}, not ${low} … ${high}`);
  }
}

function largestLoad(ring: Ring): number {
  const loads = new Float64Array(ring.members.length);
  const table = preferenceLists(ring, 3);
  for (const slot of ring.owners.keys()) {
    for (const member of table.primaries(slot as never)) loads[member] = (loads[member] ?? 0) + 1;
  }
  return (Math.max(...loads) * loads.length) / (table.n * SLOT_COUNT);
}

test('a member that joins equal ones draws its share and little else moves', () => {
  for (const count of [1, 2, 3, 5, 10, 40]) {
    const before = placeTokens(membersOf(count), { n: 3 });
    const after = rebalance(before, membersOf(count + 1), { n: 3 });
    const bound = SLOT_COUNT / (count + 1);
    const moved = movedBetween(before, after);
    assert.ok(moved <= 1.05 * bound, `${count} members: ${moved} moved of ${bound}`);
    assert.equal(after.epoch, before.epoch + 1);
    checkQuotas(after);
  }
});

test('a member that leaves gives its slots away and little else moves', () => {
  for (const count of [2, 3, 5, 10, 40]) {
    const before = placeTokens(membersOf(count), { n: 3 });
    const after = rebalance(before, membersOf(count).slice(1), { n: 3 });
    const moved = movedBetween(before, after);
    assert.ok(moved <= (1.05 * SLOT_COUNT) / count, `${count} members: ${moved} moved`);
    checkQuotas(after);
  }
});

test('a changed capacity moves the difference', () => {
  const members = membersOf(10);
  const before = placeTokens(members, { n: 3 });
  const larger = members.with(4, memberOf(4, { capacity: 2 }));
  const after = rebalance(before, larger, { n: 3 });
  assert.ok(movedBetween(before, after) <= 1.05 * forcedMoves(before, larger));
  checkQuotas(after);
});

test('nothing moves when nothing changed, and a new label moves nothing either', () => {
  const members = membersOf(7);
  const before = placeTokens(members, { n: 3 });
  assert.deepEqual(rebalance(before, members, { n: 3 }).owners, before.owners);
  const relabelled = members.map((member) => ({ ...member, rack: 'elsewhere' })).reverse();
  assert.deepEqual(movesBetween(before, rebalance(before, relabelled, { n: 3 })), []);
});

test('joins from 3 to 24, then leaves and joins: loads stay even and rows few', () => {
  let ring = placeTokens(membersOf(3), { n: 3 });
  const check = (members: readonly Member[]) => {
    ring = rebalance(ring, members, { n: 3 });
    const load = largestLoad(ring);
    assert.ok(load <= 1.05, `${members.length} members: replica load ${load}`);
    const rows = runsOf(ring).length / members.length;
    assert.ok(rows <= 26, `${members.length} members: ${rows} rows each`);
    checkQuotas(ring);
  };
  for (let count = 4; count <= 24; count++) check(membersOf(count));
  for (let i = 0; i < 20; i++) {
    const { members } = ring;
    if (i % 2 === 0) check(members.toSpliced((i * 7) % members.length, 1));
    else check([...members, memberOf(100 + i)]);
  }
});

test('from any topology to any other: quotas, fewest moves, determinism', () => {
  fc.assert(
    fc.property(anyMembers, anyMembers, fc.nat(24), (all, pool, keep) => {
      const from = all.slice(0, 24);
      const kept = from.slice(0, keep);
      const joining = pool.slice(0, 5).map((member, i) => ({
        ...memberOf(1_000 + i),
        capacity: member.capacity,
      }));
      const members = [...joining, ...kept];
      const before = placeTokens(from, { n: 3 });
      const after = rebalance(before, members, { n: 3 });
      checkQuotas(after);
      // Rounding may cost one slot a member: quotas are whole, shares are not.
      const most = 1.05 * forcedMoves(before, members) + members.length;
      assert.ok(movedBetween(before, after) <= most, `${movedBetween(before, after)} of ${most}`);
      assert.deepEqual(rebalance(before, members, { n: 3 }), after);
    }),
    { numRuns: 5 },
  );
});
