import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { KeyspaceNumber, Slot } from '../base/ids.ts';
import { COPIES_MAX } from '../replication/keyspace.ts';
import { QuestionTable } from './question-table.ts';

const keyspace = 0 as KeyspaceNumber;
const request = { kind: 'count-keys', keyspace, slots: Buffer.alloc(2_048) } as const;
const KEY = Buffer.from('k');
const QUESTION = { request, budgetMs: 5, onAnswer() {} } as const;

test('each member settles a question once, the last one ends it', () => {
  const table = new QuestionTable(7);
  const { id } = table.open([2, 5], QUESTION, 10);
  equal(table.settle(id, 3), undefined);
  equal(table.settle(id + 1, 2), undefined);
  equal(table.settle(id, 5), QUESTION);
  equal(table.settle(id, 5), undefined);
  equal(table.size, 1);
  equal(table.settle(id, 2), QUESTION);
  equal(table.settle(id, 2), undefined);
  deepEqual([table.size, table.list()], [0, []]);
});

test('who was to hear a question from a delegate answers what that one passed on', () => {
  const table = new QuestionTable(0);
  const copy = { kind: 'store-copy', keyspace, slot: 0 as Slot, key: KEY, object: KEY } as const;
  const question = { ...QUESTION, request: copy };
  const open = table.open([1, 2], question, 0, { delegate: 1, question, untilMs: 9 });
  deepEqual([table.isRelayed(open.id, 1), table.isRelayed(open.id, 2)], [false, true]);
  equal(table.isRelayed(open.id + 1, 2), false);
  open.relay = undefined;
  equal(table.isRelayed(open.id, 2), false);
});

test('budgets become times, and none that is slow is none for ever', () => {
  const table = new QuestionTable(0);
  const plain = table.open([1], QUESTION, 10);
  const hedged = table.open([1], { ...QUESTION, slowAfterMs: 3 }, 10);
  deepEqual([plain.deadlineMs, plain.slowMs], [15, Number.POSITIVE_INFINITY]);
  deepEqual([hedged.deadlineMs, hedged.slowMs], [15, 13]);
});

test('ids go round, and pass by whoever still waits', () => {
  const table = new QuestionTable(0xfffffffe);
  const first = table.open([1], QUESTION, 0);
  equal(first.id, 0xffffffff);
  const ids = new Set([first.id]);
  for (let n = 0; n < 1000; n++) {
    const { id } = table.open([1], QUESTION, 0);
    ok(!ids.has(id) && id < 2 ** 32);
    ids.add(id);
    table.settle(id, 1);
  }
  deepEqual(table.list(), [first]);
});

test('as many members as there are bits, and at least one', () => {
  const table = new QuestionTable(0);
  const members = Array.from({ length: COPIES_MAX }, (_, member) => member);
  const { id } = table.open(members, QUESTION, 0);
  for (const member of members) equal(table.settle(id, member), QUESTION);
  equal(table.size, 0);
  throws(() => table.open([...members, 31], QUESTION, 0));
  throws(() => table.open([], QUESTION, 0));
});

test('like a map of sets, whatever is opened and settled', () => {
  const step = fc.record({ members: fc.uniqueArray(fc.nat(5), { minLength: 1 }), old: fc.nat() });
  const property = fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
    const table = new QuestionTable(3);
    const model = new Map<number, Set<number>>();
    for (const { members, old } of steps) {
      const { id } = table.open(members, QUESTION, 0);
      ok(!model.has(id));
      model.set(id, new Set(members));
      const settled = [...model.keys()][old % model.size] as number;
      const waiting = model.get(settled) as Set<number>;
      for (let member = 0; member <= old % 6; member++) {
        const isKnown = waiting.delete(member);
        equal(table.settle(settled, member) !== undefined, isKnown);
      }
      if (waiting.size === 0) model.delete(settled);
    }
    deepEqual(new Set(table.list().map(({ id }) => id)), new Set(model.keys()));
    equal(table.size, model.size);
  });
  fc.assert(property, { numRuns: 300 });
});
