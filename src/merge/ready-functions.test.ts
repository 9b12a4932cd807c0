import { equal, throws } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type MergeFunction, type MergeInput, mergeAll } from './merge-function.ts';
import { READY_FUNCTIONS } from './ready-functions.ts';

function ready(name: string): MergeFunction {
  return READY_FUNCTIONS[name] as MergeFunction;
}

/** Written one after the other. */
function merged(name: string, ...values: readonly string[]): string {
  const inputs = values.map((value, index) => ({ value: Buffer.from(value), time: index + 1 }));
  return Buffer.from(mergeAll(ready(name), inputs)).toString();
}

const CASES: readonly (readonly [name: string, values: readonly string[], result: string])[] = [
  ['set-union', ['["milk"]', '["eggs", "milk"]'], '["eggs","milk"]'],
  ['set-union', ['[{"b":1,"a":2}]', '[{"a": 2, "b": 1}, 3]'], '[3,{"a":2,"b":1}]'],
  ['set-union', ['[]', '[]'], '[]'],
  ['max', ['7', '12', '9.5'], '12'],
  ['max', ['-1', '-1e2'], '-1'],
  ['max', ['9007199254740993', '9007199254740992'], '9007199254740993'],
  ['max', [' 5\n', '4'], '5'],
  ['max', ['-9007199254740993', '-9007199254740992'], '-9007199254740992'],
  ['max', ['1', '1.0', '1e0'], '1e0'],
];

for (const [name, values, result] of CASES) {
  test(`${name} of ${values.join(' and ')} is ${result}`, () => {
    equal(merged(name, ...values), result);
  });
}

test('what they are not made for they refuse', () => {
  const refused = [
    ['set-union', '{"a":1}'],
    ['set-union', 'milk'],
    ['max', '"7"'],
    ['max', ''],
    ['max', '0x10'],
    ['json-fields', '[1]'],
    ['json-fields', 'null'],
    ['json-fields', '\u{fffd}'],
  ] as const;
  for (const [name, value] of refused) throws(() => merged(name, value, value), Error, value);
  const bytes = Buffer.from([0x22, 0xff, 0x22]);
  throws(() => mergeAll(ready('set-union'), [{ value: bytes, time: 1 }]), TypeError);
});

const SHAPES = {
  'set-union': fc.array(fc.jsonValue({ maxDepth: 1 }), { maxLength: 4 }),
  max: fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })),
  'json-fields': fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.integer({ max: 5, min: 0 })),
};

for (const [name, shape] of Object.entries(SHAPES)) {
  test(`${name}: neither order nor grouping nor repetition changes what comes out`, () => {
    const fn = ready(name);
    const sibling = fc.record({
      value: shape.map((value): Uint8Array => Buffer.from(JSON.stringify(value))),
      // Few, so that concurrent writes of one hybrid time occur.
      time: fc.integer({ min: 1, max: 4 }),
    });
    const siblings = fc.array(sibling, { minLength: 1, maxLength: 6 });
    const picks = fc.array(fc.nat(), { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(siblings, picks, (inputs, dice) => {
        const straight = Buffer.from(mergeAll(fn, inputs)).toString();
        equal(Buffer.from(fn.close(mergedAnyhow(fn, inputs, dice))).toString(), straight);
      }),
    );
  });
}

/** Joins two of the states at random until one is left; some siblings come twice. */
function mergedAnyhow(fn: MergeFunction, inputs: readonly MergeInput[], dice: readonly number[]) {
  const twice = inputs.filter((_, index) => (dice[0] as number) & (1 << index));
  const states = [...inputs, ...twice].map((each) => fn.open(each));
  let throws = 0;
  const pick = () => {
    const place = (dice[throws++ % dice.length] as number) % states.length;
    return states.splice(place, 1)[0];
  };
  while (states.length > 1) states.push(fn.merge(pick(), pick()));
  return states[0];
}
