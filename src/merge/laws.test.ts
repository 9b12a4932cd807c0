import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { type LawVerdict, lawVerdict } from './laws.ts';
import { functionOf } from './module-function.ts';
import { READY_FUNCTIONS } from './ready-functions.ts';
import { diceFrom, sampleFamilies } from './sample-values.ts';

type Carts = Readonly<Record<string, number>>;

function verdictOf(
  merge: (a: never, b: never) => unknown,
  values: 'bytes' | 'json' = 'json',
  recorded: readonly string[] = [],
): LawVerdict {
  const dice = diceFrom(1);
  const families = sampleFamilies(
    recorded.map((each) => Buffer.from(each)),
    dice,
  );
  return lawVerdict(functionOf({ merge, values }), families, dice);
}

const bothCarts = (count: (a: number, b: number) => number) => (a: Carts, b: Carts) => {
  const merged: Record<string, number> = { ...a };
  for (const [item, many] of Object.entries(b)) merged[item] = count(merged[item] ?? 0, many);
  return merged;
};

const LAWFUL = {
  'a union': (a: string[], b: string[]) => [...new Set([...a, ...b])].sort(),
  'a union that changes its argument': (a: string[], b: string[]) => {
    a.push(...b);
    return [...new Set(a)].sort();
  },
  'the greater number': (a: number, b: number) => Math.max(a, b),
  'the greatest count per item': bothCarts(Math.max),
};

for (const [what, merge] of Object.entries(LAWFUL)) {
  test(`lawful: ${what}`, () => {
    const verdict = verdictOf(merge as never);
    ok(verdict.kind === 'lawful' && verdict.triedCount > 500, JSON.stringify(verdict));
  });
}

const BROKEN = [
  ['commutative', 'the first', (a: unknown) => a],
  ['commutative', 'fields of the second win', (a: object, b: object) => ({ ...a, ...b })],
  ['idempotent', 'a sum', (a: number, b: number) => a + b],
  ['idempotent', 'counts added per item', bothCarts((a, b) => a + b)],
  ['idempotent', 'a sorted list of all', (a: number[], b: number[]) => [...a, ...b].sort()],
] as const;

for (const [law, what, merge] of BROKEN) {
  test(`not ${law}: ${what}`, () => {
    const verdict = verdictOf(merge as never);
    equal(verdict.kind === 'broken' && verdict.law, law, JSON.stringify(verdict));
  });
}

test('not associative: rock, paper, scissors', () => {
  const winner = (a: number, b: number) => {
    const ahead = (a - b + 3) % 3;
    return ahead === 0 ? Math.max(a, b) : ahead === 1 ? a : b;
  };
  const verdict = verdictOf(winner as never, 'json', ['0', '1', '2']);
  equal(verdict.kind === 'broken' && verdict.law, 'associative', JSON.stringify(verdict));
  equal(verdict.kind === 'broken' && verdict.values.length, 3);
});

test('a counter-example is for people, and true', () => {
  const verdict = verdictOf(((a: number, b: number) => a + b) as never, 'json', ['1', '2']);
  deepEqual(verdict, {
    kind: 'broken',
    law: 'idempotent',
    values: ['1', '1'],
    left: '3',
    right: '2',
  });
  const bytes = verdictOf(
    ((a: Uint8Array) => Buffer.concat([a, Buffer.from([0])])) as never,
    'bytes',
  );
  ok(bytes.kind === 'broken' && /^0x/.test(bytes.left), JSON.stringify(bytes));
});

test('a law is broken where one side throws and the other does not', () => {
  const oneWay = (a: number, b: number) => {
    if (a < b) throw new Error('not this way round');
    return a;
  };
  const verdict = verdictOf(oneWay as never, 'json', ['1', '2']);
  ok(verdict.kind === 'broken' && verdict.law === 'commutative');
  deepEqual([verdict.left, verdict.right].sort(), ['2', 'an error']);
});

test('recorded values are all that counts, and each must be taken', () => {
  const onCarts = ['{"milk":1}', '{"eggs":2}', '{}'];
  const noNegatives = bothCarts((a, b) => Math.max(a, b));
  equal(verdictOf(noNegatives as never, 'json', onCarts).kind, 'lawful');
  const broken = verdictOf(noNegatives as never, 'json', [...onCarts, '{"milk":-1}']);
  equal(broken.kind, 'broken');
  const untaken = verdictOf(noNegatives as never, 'json', [...onCarts, 'milk']);
  ok(untaken.kind === 'untried');
  match(untaken.why, /\(for milk\)$/);
});

test('what takes no value is not lawful', () => {
  const verdict = verdictOf((() => {
    throw new Error('never');
  }) as never);
  ok(verdict.kind === 'untried');
  match(verdict.why, /^never \(for /);
});

test('what makes the same of all values keeps nothing of them', () => {
  const carts = ['{"tags":["a"]}', '{"tags":["b"]}'];
  const nothing = () => ({ items: [] });
  const expected = { kind: 'constant', value: '{"items":[]}' };
  deepEqual(verdictOf(nothing), expected);
  deepEqual(verdictOf(nothing, 'json', carts), expected);
  const tags = (a: { tags?: string[] }, b: { tags?: string[] }) => ({
    tags: [...new Set([...(a.tags ?? []), ...(b.tags ?? [])])].sort(),
  });
  deepEqual(verdictOf(tags as never), { kind: 'constant', value: '{"tags":[]}' });
  equal(verdictOf(tags as never, 'json', carts).kind, 'lawful');
});

for (const [name, fn] of Object.entries(READY_FUNCTIONS)) {
  test(`${name} obeys the laws as a function of a user has to`, () => {
    const dice = diceFrom(2);
    const verdict = lawVerdict(fn, sampleFamilies([], dice), dice);
    ok(verdict.kind === 'lawful' && verdict.triedCount > 500, JSON.stringify(verdict));
  });
}
