import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hasCode } from '../../base/errors.ts';
import { ReadQuorum } from '../read/read-quorum.ts';
import { WriteQuorum } from '../write-quorum.ts';
import { type ConsistencyLevel, LEVEL_NAMES, levelIn } from './consistency-level.ts';
import { atMost, type Need, needOf, type Places } from './need.ts';

const EAST_3_WEST_2 = { name: 'orders', n: 5, copies: { east: 3, west: 2 } };
const ANYWHERE_3 = { name: 'plain', n: 3 };

/** Primaries 0 … as letters of their data centers. */
function placesOf(drawing: string): Places & { readonly members: readonly number[] } {
  const names: Record<string, string> = { e: 'east', w: 'west', n: 'north' };
  const members = Array.from(drawing, (_, member) => member);
  return { members, dataCenterOf: (member) => names[drawing[member] as string] as string };
}

/** `2 3·east`: two of all, three of east. */
function drawn(need: Need): string {
  return need
    .map(({ dataCenter, needed }) => (dataCenter ? `${needed}·${dataCenter}` : `${needed}`))
    .join(' ');
}

const NEEDS: readonly (readonly [
  level: ConsistencyLevel,
  keyspace: typeof EAST_3_WEST_2 | typeof ANYWHERE_3,
  home: string,
  need: string,
])[] = [
  ['one', EAST_3_WEST_2, 'east', '1'],
  ['quorum', EAST_3_WEST_2, 'east', '3'],
  ['local-quorum', EAST_3_WEST_2, 'east', '2·east'],
  ['local-quorum', EAST_3_WEST_2, 'west', '2·west'],
  ['each-quorum', EAST_3_WEST_2, 'west', '2·east 2·west'],
  ['all', EAST_3_WEST_2, 'east', '5'],
  [4, EAST_3_WEST_2, 'east', '4'],
  ['quorum', ANYWHERE_3, 'east', '2'],
  ['all', ANYWHERE_3, 'north', '3'],
];

for (const [level, keyspace, home, need] of NEEDS) {
  test(`${level} asked in ${home} of ${keyspace.name}: ${need}`, () => {
    equal(drawn(needOf(keyspace, { letter: 'R', level, home })), need);
  });
}

const IMPOSSIBLE: readonly (readonly [
  ConsistencyLevel,
  typeof EAST_3_WEST_2 | typeof ANYWHERE_3,
  code: 'BAD_OPTION' | 'LEVEL_IMPOSSIBLE',
  says: RegExp,
])[] = [
  [6, EAST_3_WEST_2, 'BAD_OPTION', /W=6 is impossible in keyspace "orders" with N=5/],
  [0, ANYWHERE_3, 'BAD_OPTION', /W=0 is impossible/],
  [
    'local-quorum',
    EAST_3_WEST_2,
    'LEVEL_IMPOSSIBLE',
    /"north" has no replicas of keyspace "orders"/,
  ],
  ['local-quorum', ANYWHERE_3, 'LEVEL_IMPOSSIBLE', /N=3 wherever they fall/],
  [
    'each-quorum',
    ANYWHERE_3,
    'LEVEL_IMPOSSIBLE',
    /each-quorum is impossible: .* wherever they fall/,
  ],
];

for (const [level, keyspace, code, says] of IMPOSSIBLE) {
  test(`${level} asked in north of ${keyspace.name} is ${code}`, () => {
    throws(
      () => needOf(keyspace, { letter: 'W', level, home: 'north' }),
      (error) => hasCode(error, code) && says.test(error.message),
    );
  });
}

test('what doors are told: numbers and names in any case, and nothing else', () => {
  deepEqual(['1', '255', 'ONE', 'Each-Quorum'].map(levelIn), [1, 255, 'one', 'each-quorum']);
  const wrong = ['0', '256', '-1', '1.5', '', 'each_quorum', ' 1', '1e1', 'constructor'];
  deepEqual(wrong.map(levelIn), wrong.map(() => undefined)); // biome-ignore format: one line each
});

test('as much as can be had: less of a share, and one of all where there is nothing', () => {
  const each = needOf(EAST_3_WEST_2, { letter: 'R', level: 'each-quorum', home: 'east' });
  const alive = (counts: Record<string, number>) =>
    drawn(atMost(each, ({ dataCenter = '' }) => counts[dataCenter] ?? 0));
  equal(alive({ east: 3, west: 1 }), '2·east 1·west');
  equal(alive({ east: 3 }), '2·east');
  equal(alive({}), '1');
});

// Each letter is the data center of a primary; then each character what became of it, in that
// order: `+` holds it, `s` a fallback does, `-` failed, `.` has not answered.
const WRITES: readonly (readonly [ConsistencyLevel, string, string, string])[] = [
  ['each-quorum', 'eewew', '+++.+', 'reached'],
  ['each-quorum', 'eewew', '+++++', 'reached'],
  ['each-quorum', 'eewew', '++.+.', 'waiting'],
  ['each-quorum', 'eewew', '++-+.', 'impossible'],
  ['each-quorum', 'eewew', '-.+-+', 'impossible'],
  ['local-quorum', 'eewew', '++...', 'reached'],
  ['local-quorum', 'eewew', '+.+.+', 'waiting'],
  ['local-quorum', 'eewew', '+s...', 'reached'],
  ['local-quorum', 'eewew', 'ss...', 'waiting'],
  ['local-quorum', 'eewew', 'ss+..', 'reached'],
  ['local-quorum', 'eewew', '..-.-', 'waiting'],
  ['local-quorum', 'eewew', '-.+-+', 'impossible'],
  ['quorum', 'eewew', '+.+.+', 'reached'],
  ['quorum', 'eewew', '--.-.', 'impossible'],
];

for (const [level, drawing, answers, state] of WRITES) {
  test(`a write at ${level}, asked in east, of ${drawing} is ${state} after ${answers}`, () => {
    equal(writeAfter(level, drawing, answers).state(), state);
  });
}

test('what is said of a quorum that lacks something is about the share that does', () => {
  const write = writeAfter('each-quorum', 'eewew', '++.+.');
  deepEqual(write.progress(), { dataCenter: 'west', needed: 2, got: 0 });
  deepEqual(writeAfter('quorum', 'eewew', '+....').progress(), { needed: 3, got: 1 });
});

function writeAfter(level: ConsistencyLevel, drawing: string, answers: string): WriteQuorum {
  const places = placesOf(drawing);
  const need = needOf(EAST_3_WEST_2, { letter: 'W', level, home: 'east' });
  const quorum = new WriteQuorum(need, places.members, places, true);
  for (const [member, answer] of [...answers].entries()) {
    if (answer === '+') quorum.addAck(member);
    if (answer === 's') quorum.addStandIn(member, member + 50);
    if (answer === '-') quorum.addFailure(member);
  }
  return quorum;
}

const COPIES = fc.dictionary(
  fc.constantFrom('east', 'west', 'north'),
  fc.integer({ min: 1, max: 3 }),
  {
    minKeys: 1,
  },
);
const LEVELS = fc.constantFrom<ConsistencyLevel>(...LEVEL_NAMES, 1, 2, 3);

interface Case {
  readonly drawing: string;
  readonly copies: Readonly<Record<string, number>>;
  /** In which they answer a write, and a read. */
  readonly order: readonly number[];
  readonly otherOrder: readonly number[];
}

const CASES: fc.Arbitrary<Case> = COPIES.chain((copies) => {
  const letters = Object.entries(copies).flatMap(([name, n]) => Array(n).fill(name[0]) as string[]);
  const all = letters.map((_, place) => place);
  const order = fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length });
  return fc.record({ order, otherOrder: order }).map((orders) => {
    return { drawing: letters.join(''), copies, ...orders };
  });
});

/** After answers in that order, as few of them as decide it. */
function answered(need: Need, { drawing, order }: Case): readonly number[] {
  const places = placesOf(drawing);
  const quorum = new WriteQuorum(need, places.members, places, true);
  for (const [count, member] of order.entries()) {
    quorum.addAck(member);
    if (quorum.state() === 'reached') return order.slice(0, count + 1);
  }
  throw new Error('not even all of them are enough');
}

test('reads and writes decide alike: as soon as every share is full, and never before', () => {
  fc.assert(
    fc.property(CASES, LEVELS, fc.nat(), (drawn, level, dice) => {
      const names = Object.keys(drawn.copies);
      const keyspace = { name: 'k', n: drawn.drawing.length, copies: drawn.copies };
      fc.pre(typeof level === 'string' || level <= keyspace.n);
      const home = names[dice % names.length] as string;
      const need = needOf(keyspace, { letter: 'R', level, home });
      const enough = answered(need, drawn);
      const places = placesOf(drawn.drawing);
      const read = new ReadQuorum(need, places);
      for (const member of enough) {
        ok(!read.isDecided());
        read.addVersion(member, undefined);
      }
      ok(read.isDecided());
    }),
    { numRuns: 2_000 },
  );
});

/** Whether a read at the one level, wherever it is asked, sees every write at the other. */
const MEETINGS: readonly (readonly [w: ConsistencyLevel, r: ConsistencyLevel, where: string])[] = [
  ['each-quorum', 'local-quorum', 'anywhere'],
  ['local-quorum', 'each-quorum', 'anywhere'],
  ['local-quorum', 'local-quorum', 'there'],
  ['quorum', 'quorum', 'anywhere'],
  ['quorum', 'each-quorum', 'anywhere'],
  ['each-quorum', 'quorum', 'anywhere'],
  ['each-quorum', 'each-quorum', 'anywhere'],
  ['all', 'one', 'anywhere'],
  ['one', 'all', 'anywhere'],
];

for (const [w, r, where] of MEETINGS) {
  test(`a read at ${r} meets every write at ${w} (asked ${where})`, () => {
    fc.assert(
      fc.property(CASES, fc.nat(), fc.nat(), (drawn, diceW, diceR) => {
        const { copies, drawing, otherOrder } = drawn;
        const names = Object.keys(copies);
        const homeW = names[diceW % names.length] as string;
        const homeR = where === 'there' ? homeW : (names[diceR % names.length] as string);
        const keyspace = { name: 'k', n: drawing.length, copies };
        const needW = needOf(keyspace, { letter: 'W', level: w, home: homeW });
        const needR = needOf(keyspace, { letter: 'R', level: r, home: homeR });
        const written = answered(needW, drawn);
        const read = answered(needR, { ...drawn, order: otherOrder });
        ok(read.some((member) => written.includes(member)));
      }),
      { numRuns: 2_000 },
    );
  });
}

test('what does not meet: local quorums of two data centers', () => {
  const one = { drawing: 'eewew', copies: EAST_3_WEST_2.copies, otherOrder: [] };
  const [east, west] = ['east', 'west'].map((home) => {
    return needOf(EAST_3_WEST_2, { letter: 'W', level: 'local-quorum', home });
  }) as [Need, Need];
  deepEqual(answered(east, { ...one, order: [0, 1, 2, 3, 4] }), [0, 1]);
  deepEqual(answered(west, { ...one, order: [2, 4, 0, 1, 3] }), [2, 4]);
});
