import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { hasCode } from '../base/errors.ts';
import { casesOf, mutants, refuseLargeAllocations } from '../base/test-fuzz.ts';
import { actorOf } from './dot.ts';
import {
  decodeObject,
  encodeObject,
  readObject,
  readVersion,
  writeObject,
  writeVersion,
} from './object-format.ts';
import { EMPTY_OBJECT, type Sibling, type StoredObject, versionOf } from './siblings.ts';

refuseLargeAllocations(1024 * 1024);

const NOW = 1_800_000_000_000;
const EXAMPLE = '010105 01ac02 01000000 0d18c2e2800000 02 6869'.replaceAll(' ', '');

function oneSibling(facts: Partial<Sibling> = {}): StoredObject {
  const dot = { actor: actorOf(5, 1), counter: 300 };
  const value = Buffer.from('hi');
  const sibling = { dot, time: NOW * 2048, expiresAt: 0, isTombstone: false, value, ...facts };
  return { context: [dot], siblings: [sibling] };
}

const anyFacts = fc.record({
  isPresent: fc.boolean(),
  gap: fc.nat(3),
  time: fc.maxSafeNat(),
  expiresAt: fc.oneof(fc.constant(0), fc.maxSafeNat()),
  isTombstone: fc.boolean(),
  value: fc.uint8Array({ maxLength: 300 }),
});

const anyActor = fc.tuple(fc.nat(2 ** 21 - 1), fc.nat(2 ** 32 - 1)).map(([n, i]) => actorOf(n, i));

/** Any sound object: siblings at or below the counters of the context, ascending by dot. */
const anyObject: fc.Arbitrary<StoredObject> = fc
  .uniqueArray(fc.tuple(anyActor, fc.maxSafeInteger(), fc.array(anyFacts, { maxLength: 3 })), {
    selector: ([actor]) => actor,
    maxLength: 6,
  })
  .map((entries) => {
    const writers = entries
      .map(([actor, number, facts]) => ({ actor, counter: Math.abs(number) || 1, facts }))
      .sort((a, b) => a.actor - b.actor);
    const siblings = writers.flatMap(({ actor, counter, facts }) => {
      const gaps = [...new Set(facts.map(({ gap }) => gap))].filter((gap) => gap < counter);
      return gaps
        .sort((a, b) => b - a)
        .map((gap, i): Sibling => {
          const { time, expiresAt, isTombstone, value } = facts[i]!;
          const bytes = Buffer.from(isTombstone ? [] : value);
          const dot = { actor, counter: counter - gap };
          return { dot, time, expiresAt, isTombstone, value: bytes };
        });
    });
    return { context: writers.map(({ actor, counter }) => ({ actor, counter })), siblings };
  });

test('the worked example of the header', () => {
  assert.equal(encodeObject(oneSibling()).toString('hex'), EXAMPLE);
  assert.deepEqual(decodeObject(Buffer.from(EXAMPLE, 'hex')), oneSibling());
});

test('any object survives its bytes', () => {
  fc.assert(
    fc.property(anyObject, (object) => {
      assert.deepEqual(decodeObject(encodeObject(object)), object);
    }),
  );
  assert.deepEqual(decodeObject(encodeObject(EMPTY_OBJECT)), EMPTY_OBJECT);
});

test('objects and versions stand in a message one after the other', () => {
  fc.assert(
    fc.property(anyObject, anyObject, (a, b) => {
      const w = new ByteWriter(1);
      writeObject(w, a);
      writeVersion(w, versionOf(b));
      writeObject(w, b);
      const r = new ByteReader(w.view());
      assert.deepEqual(readObject(r), a);
      assert.deepEqual(readVersion(r), versionOf(b));
      assert.deepEqual(readObject(r), b);
      r.end();
    }),
  );
});

test('the front of an object is its version', () => {
  fc.assert(
    fc.property(anyObject, (object) => {
      assert.deepEqual(readVersion(new ByteReader(encodeObject(object))), versionOf(object));
    }),
  );
});

test('values are views of the bytes, encoded objects are not views of each other', () => {
  const bytes = encodeObject(oneSibling());
  encodeObject(oneSibling({ value: Buffer.from('other') }));
  assert.equal(bytes.toString('hex'), EXAMPLE);
  bytes[bytes.length - 1] = 'o'.charCodeAt(0);
  assert.equal(decodeObject(bytes).siblings[0]!.value.toString(), 'ho');
});

test('one writer costs at most 32 bytes beside the value, even on a busy node with expiry', () => {
  const dot = { actor: actorOf(9_999, 20), counter: 10 ** 12 };
  const facts = { dot, expiresAt: NOW, value: Buffer.alloc(1_000) };
  const busy = { ...oneSibling(facts), context: [dot] };
  assert.ok(encodeObject(busy).length - 1_000 <= 32, `${encodeObject(busy).length - 1_000}`);
  const tombstone = { ...oneSibling({ isTombstone: true, value: Buffer.alloc(0) }) };
  assert.ok(encodeObject(tombstone).length <= 18);
});

const MALFORMED = [
  ['nothing', '', /wanted/],
  ['another format', `02${EXAMPLE.slice(2)}`, /format 2/],
  ['a byte too many', `${EXAMPLE}00`, /too many/],
  ['a byte too few', EXAMPLE.slice(0, -2), /wanted/],
  [
    'an entry that the context does not have',
    '01010501ac02 01 000100 00000000000005 00',
    /not covered/,
  ],
  ['a dot below the first write', '01010501ac02 01 0000ac02 00000000000005 00', /not covered/],
  ['unknown flags', '01010501ac02 01 040000 00000000000005 00', /flags 4/],
  ['an expiry of 0', '01010501ac02 01 020000 00000000000005 00 00', /expires at 0/],
  [
    'the same dot twice',
    '01010501ac02 02 000000 00000000000005 000000 00000000000005 00 00',
    /ascending/,
  ],
  [
    'dots that descend',
    '01010501ac02 02 000000 00000000000005 000001 00000000000005 00 00',
    /ascending/,
  ],
  ['a time of 54 bits', '01010501ac02 01 000000 20000000000000 00', /53 bits/],
  ['a tombstone with a value', '01010501ac02 01 010000 00000000000005 02 6869', /too many/],
  ['more siblings than bytes', '01010501ac02 7f 000000 00000000000005 00', /127 siblings/],
  ['2^52 siblings', '01010501ac02 8080808080808008 000000 00000000000005 00', /siblings in/],
  [
    'a value longer than the bytes',
    '01010501ac02 01 000000 00000000000005 ffffffff0f 68',
    /wanted/,
  ],
] as const;

for (const [name, hex, why] of MALFORMED) {
  test(`decoding refuses: ${name}`, () => {
    assert.throws(
      () => decodeObject(Buffer.from(hex.replaceAll(' ', ''), 'hex')),
      (error) => hasCode(error, 'BAD_BYTES') && why.test(error.message),
    );
  });
}

/** Either an object that is sound (it can be encoded) or BAD_BYTES; never anything else. */
function decodesSoundlyOrNot(bytes: Buffer): 'sound' | 'refused' {
  let object: StoredObject;
  try {
    object = decodeObject(bytes);
  } catch (error) {
    assert.ok(hasCode(error, 'BAD_BYTES'), String(error));
    return 'refused';
  }
  assert.deepEqual(decodeObject(encodeObject(object)), object);
  return 'sound';
}

test('random bytes are refused or decode to a sound object', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.boolean(), (bytes, hasFormat) => {
      decodesSoundlyOrNot(Buffer.from(hasFormat ? [1, ...bytes] : bytes));
    }),
    { numRuns: 2_000 },
  );
});

test('flipped bits are refused or decode to a sound object; cut bytes are refused', () => {
  fc.assert(
    fc.property(anyObject, fc.nat(), fc.nat(), (object, bit, cut) => {
      const bytes = encodeObject(object);
      const flipped = Buffer.from(bytes);
      const at = bit % (bytes.length * 8);
      flipped[at >> 3] = flipped[at >> 3]! ^ (1 << (at & 7));
      decodesSoundlyOrNot(flipped);
      assert.equal(decodesSoundlyOrNot(bytes.subarray(0, cut % bytes.length)), 'refused');
    }),
    { numRuns: 2_000 },
  );
});

test('mutated objects are refused or decode to a sound one', () => {
  const dots = [actorOf(5, 1), actorOf(9, 2)].map((actor) => ({ actor, counter: 300 }));
  const [one, two] = dots.map((dot) => oneSibling({ dot }).siblings[0]!);
  const samples = [
    encodeObject(oneSibling()),
    encodeObject(oneSibling({ expiresAt: NOW, value: Buffer.alloc(300, 'v') })),
    encodeObject({ context: dots, siblings: [one!, { ...two!, dot: dots[1]! }] }),
  ];
  fc.assert(
    fc.property(mutants(samples), (bytes) => {
      decodesSoundlyOrNot(bytes);
    }),
    casesOf(5_000),
  );
});

test('encoding refuses what must not reach a disk', () => {
  assert.throws(() => encodeObject(oneSibling({ isTombstone: true })), /tombstone/);
  assert.throws(() => encodeObject({ ...oneSibling(), context: [] }), /covers/);
  const future = { actor: actorOf(5, 1), counter: 301 };
  assert.throws(() => encodeObject(oneSibling({ dot: future })), /varint/);
});
