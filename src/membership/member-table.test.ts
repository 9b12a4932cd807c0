import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { heartbeatBytes, stampBytes } from './gossip-message.ts';
import { type Heartbeat, IDLE, isLater } from './heartbeat.ts';
import { MemberTable } from './member-table.ts';

const MEMBERS = [11, 12, 13, 14];

function tableOf(self: number, generation = 1, messageBytesMax = 10_000): MemberTable {
  return new MemberTable({ members: MEMBERS, self, generation, epoch: 1, messageBytesMax });
}

function said(member: number, generation: number, version: number, hasLeft = false): Heartbeat {
  return { member, generation, version, hasLeft, epoch: 1, load: IDLE };
}

const heartbeats = fc.array(
  fc.record(
    {
      member: fc.constantFrom(...MEMBERS.slice(1)),
      generation: fc.integer({ min: 1, max: 3 }),
      version: fc.nat(5),
      hasLeft: fc.boolean(),
      epoch: fc.constant(1),
      load: fc.constant(IDLE),
    },
    { noNullPrototype: true },
  ),
);

test('tables agree whatever the order, and however often each word comes', () => {
  const property = fc.property(heartbeats, fc.infiniteStream(fc.nat()), (words, dice) => {
    const [one, other] = [tableOf(0), tableOf(0)];
    for (const word of words) one.merge(word);
    const doubled = [...words, ...words].sort(() => (dice.next().value % 3) - 1);
    for (const word of doubled) other.merge(word);
    for (const index of MEMBERS.keys()) deepEqual(other.of(index), one.of(index));
  });
  fc.assert(property);
});

test('a member that left stays so until it starts again', () => {
  const property = fc.property(heartbeats, fc.nat(9), (words, version) => {
    const table = tableOf(0);
    table.merge(said(12, 3, version, true));
    for (const word of words) table.merge(word);
    ok(table.of(1).hasLeft);
    equal(table.merge(said(12, 3, version + 100)), undefined);
    equal(table.merge(said(12, 4, 0)), 1);
    ok(!table.of(1).hasLeft);
  });
  fc.assert(property);
});

test('what others say of this node is refuted by a higher generation', () => {
  for (const rumour of [
    said(11, 1, 9),
    said(11, 1, 0, true),
    said(11, 8, 2),
    said(11, 8, 2, true),
  ]) {
    const table = tableOf(0);
    equal(table.merge(rumour), undefined);
    ok(isLater(table.of(0), rumour), 'what it says is later than the rumour');
    ok(!table.of(0).hasLeft);
  }
  const table = tableOf(0);
  table.compare([said(11, 5, 5)]);
  ok(isLater(table.of(0), said(11, 5, 5)), 'a digest is a rumour too');
});

test('a stranger is no news', () => {
  const table = tableOf(0);
  equal(table.merge(said(99, 1, 1)), undefined);
  deepEqual(table.compare([said(99, 1, 1)]), { heartbeats: [], wanted: [] });
});

test('the most out-of-date goes first where not all fits', () => {
  const fresh = said(12, 1, 9);
  const table = tableOf(0, 1, 20 + 2 * heartbeatBytes(fresh) + 1);
  for (const word of [fresh, said(13, 1, 7), said(14, 2, 1)]) table.merge(word);
  const { heartbeats: told } = table.compare([said(12, 1, 3), said(13, 1, 6), said(14, 1, 8)]);
  deepEqual(
    told.map(({ member }) => member),
    [14, 12],
  );
});

test('a digest too small for all members comes round to each of them', () => {
  const own = said(11, 1, 0);
  const table = tableOf(0, 1, 20 + 2 * stampBytes(own));
  const digests = [1, 2, 3, 4].map(() => table.digest().map(({ member }) => member));
  deepEqual(digests, [
    [11, 12],
    [11, 13],
    [11, 14],
    [11, 12],
  ]);
});
