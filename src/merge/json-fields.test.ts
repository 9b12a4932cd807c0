import { deepEqual, equal, match, throws } from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseJson } from './canonical-json.ts';
import { AT, jsonFields } from './json-fields.ts';
import { mergeAll } from './merge-function.ts';

type Json = Readonly<Record<string, unknown>>;
type Written = readonly [value: Json, time: number];

/** What a read shows of concurrent writes. */
function shown(...writes: readonly Written[]): Json {
  const inputs = writes.map(([value, time]) => ({ value: bytes(value), time }));
  return parseJson(mergeAll(jsonFields, inputs)) as Json;
}

function bytes(value: Json): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function fieldsOf(value: Json): Json {
  const { [AT]: _, ...fields } = value;
  return fields;
}

const ANN = shown([{ name: 'Ann', town: 'Ulm', age: 7 }, 10]);

test('two who change different fields of what both have read do not undo each other', () => {
  const moved = { ...ANN, town: 'Bonn' };
  const older = { ...ANN, age: 8 };
  const expected = { name: 'Ann', town: 'Bonn', age: 8 };
  deepEqual(fieldsOf(shown([moved, 20], [older, 21])), expected);
  deepEqual(fieldsOf(shown([older, 20], [moved, 21])), expected);
});

test('of two changes of one field the later stays, and a removal is a change', () => {
  deepEqual(fieldsOf(shown([{ ...ANN, age: 9 }, 20], [{ ...ANN, age: 8 }, 21])).age, 8);
  const { age: _, ...ageless } = ANN;
  deepEqual(fieldsOf(shown([ageless, 21], [{ ...ANN, age: 8 }, 20])), { name: 'Ann', town: 'Ulm' });
  deepEqual(fieldsOf(shown([ageless, 20], [{ ...ANN, age: 8 }, 21])).age, 8);
  const gone = shown([ageless, 20], [ANN, 21]);
  deepEqual(fieldsOf(gone), { name: 'Ann', town: 'Ulm' });
  equal(fieldsOf(shown([{ ...gone, age: 1 }, 30], [gone, 31])).age, 1);
});

test('without times an object counts as written as a whole', () => {
  const whole = { name: 'Ann', town: 'Bonn' };
  deepEqual(fieldsOf(shown([{ ...ANN, age: 8 }, 20], [whole, 21])), { ...whole, age: 8 });
});

test('nobody writes ahead of his time', () => {
  const forged = {
    town: 'Rome',
    [AT]: { town: [2 ** 50, digestIn(shown([{ town: 'Rome' }, 1]))] },
  };
  equal(fieldsOf(shown([forged, 20], [{ ...ANN, town: 'Bonn' }, 21])).town, 'Bonn');
});

function digestIn(value: Json): unknown {
  return (value[AT] as { town: readonly unknown[] }).town[1];
}

test('times that are none are refused, with the name of the field', () => {
  const odd = [
    1,
    null,
    [],
    { a: 1 },
    { a: [1] },
    { a: [1, 'x'] },
    { a: [-1, 2] },
    { a: [1, 2, 3] },
  ];
  for (const at of odd) throws(() => shown([{ a: 1, [AT]: at }, 1]), /\$at/, JSON.stringify(at));
  throws(() => shown([{ [AT]: { a: [1.5, 2] } }, 1]), /no \[time, digest\] for "a"/);
});

test('the times are as docs/formats.md draws them', async () => {
  const page = await readFile(new URL('../../docs/formats.md', import.meta.url), 'utf8');
  const [, example] = /written at 3619278029008896:\n\n```\n(.*)\n```/.exec(page) ?? [];
  const value = bytes({ name: 'Ann', town: 'Ulm' });
  const merged = mergeAll(jsonFields, [{ value, time: 3_619_278_029_008_896 }]);
  equal(Buffer.from(merged).toString(), example);
});

test('fields may have any name', () => {
  const text = '{"__proto__":1,"":{"z":1,"y":2}}';
  const merged = mergeAll(jsonFields, [{ value: Buffer.from(text), time: 1 }]);
  match(Buffer.from(merged).toString(), /^\{"":\{"y":2,"z":1\},"__proto__":1,"\$at":\{"":\[1,/);
});

const object = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 0, max: 3 }));
const written = fc.tuple(object, fc.integer({ min: 1, max: 4 }));

test('what was read and is written back unchanged changes nothing', () => {
  fc.assert(
    fc.property(fc.array(written, { minLength: 1, maxLength: 4 }), written, (writes, other) => {
      const read = shown(...writes);
      deepEqual(shown([read, 9]), read);
      deepEqual(shown([read, 9], other), shown(...writes, other));
    }),
  );
});
