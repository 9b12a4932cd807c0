import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { KeyspaceNumber, Slot } from '../base/ids.ts';
import type { EngineKey, ScanRange } from './engine.ts';
import { Memtable } from './memtable.ts';
import {
  engineKeyOf,
  type KeyState,
  REMOVAL,
  type TableEntry,
  tableKeyOf,
  VALUE,
} from './table-entry.ts';

const SEED = 20_260_101;
const NOTHING = Buffer.alloc(0);

/** The obvious implementation: table keys in hex, which sorts as their bytes do. */
type Model = Map<string, KeyState>;

function place(keyspace: number, slot: number, key: Buffer | string): EngineKey {
  const bytes = typeof key === 'string' ? Buffer.from(key, 'latin1') : key;
  return { keyspace: keyspace as KeyspaceNumber, slot: slot as Slot, key: bytes };
}

function nameOf(at: EngineKey): string {
  return tableKeyOf(at).toString('hex');
}

/** Few of them, so that a stream overwrites; some are prefixes of others, some are long. */
const keys = fc.oneof(
  { weight: 6, arbitrary: fc.uint8Array({ maxLength: 3 }) },
  { weight: 2, arbitrary: fc.array(fc.constantFrom(0, 0xff), { maxLength: 12 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(254, 255, 256, 1000).map((length) => new Array(length).fill(107)),
  },
);
const places = fc
  .record({
    keyspace: fc.constantFrom(0, 1, 255),
    slot: fc.constantFrom(0, 1, 500, 16_383),
    key: keys,
  })
  .map(({ keyspace, slot, key }) => place(keyspace, slot, Buffer.from(key)));
const lengths = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom(2046, 2047, 2048, 5000) },
);

type Step =
  | { readonly kind: 'put'; readonly at: EngineKey; readonly length: number; readonly fill: number }
  | { readonly kind: 'removal'; readonly at: EngineKey }
  | { readonly kind: 'get'; readonly at: EngineKey }
  | {
      readonly kind: 'scan';
      readonly from: EngineKey;
      readonly to: EngineKey;
      readonly most: number;
    }
  | { readonly kind: 'sort'; readonly at: EngineKey };

const puts = fc.record({
  kind: fc.constant('put' as const),
  at: places,
  length: lengths,
  fill: fc.integer({ min: 0, max: 255 }),
});
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 300, arbitrary: puts },
  { weight: 60, arbitrary: fc.record({ kind: fc.constant('removal' as const), at: places }) },
  { weight: 100, arbitrary: fc.record({ kind: fc.constant('get' as const), at: places }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('scan' as const),
      from: places,
      to: places,
      most: fc.integer({ min: 1, max: 50 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sort' as const), at: places }) },
);

/** A memtable and its model, kept alike. */
class Pair {
  readonly memtable = new Memtable(SEED);
  readonly model: Model = new Map();
  readonly kept: { readonly view: Buffer; readonly copy: Buffer }[] = [];
  #sequence = 0;

  run(step: Step): void {
    if (step.kind === 'put') this.put(step.at, Buffer.alloc(step.length, step.fill));
    else if (step.kind === 'removal') this.remove(step.at);
    else if (step.kind === 'get') this.checkGet(step.at);
    else if (step.kind === 'scan') this.checkScan(step.from, step.to, step.most);
    else this.checkSorted(step.at);
  }

  put(at: EngineKey, value: Buffer): void {
    this.#advance();
    const scratchKey = Buffer.from(at.key);
    const scratch = Buffer.from(value);
    this.memtable.put({ ...at, key: scratchKey }, scratch, this.#sequence);
    scratch.fill(0xee);
    scratchKey.fill(0xee);
    this.model.set(nameOf(at), { kind: VALUE, value, sequence: this.#sequence });
  }

  remove(at: EngineKey): void {
    this.#advance();
    this.memtable.remove(at, this.#sequence);
    this.model.set(nameOf(at), { kind: REMOVAL, value: NOTHING, sequence: this.#sequence });
  }

  /** Beyond 2^32, and now and then the same as before. */
  #advance(): void {
    this.#sequence += this.model.size % 3 === 0 ? 0 : 2 ** 31 + 1;
  }

  checkGet(at: EngineKey): void {
    const found = this.memtable.get(at);
    const expected = this.model.get(nameOf(at));
    equal(found?.sequence, expected?.sequence);
    equal(found?.kind, expected?.kind);
    ok(expected === undefined ? found === undefined : found?.value.equals(expected.value));
    if (found !== undefined) this.kept.push({ view: found.value, copy: Buffer.from(found.value) });
  }

  checkScan(from: EngineKey, to: EngineKey, most: number): void {
    const { keyspace } = from;
    const fromSlot = Math.min(from.slot, to.slot) as Slot;
    const range = { keyspace, fromSlot, toSlot: Math.max(from.slot, to.slot) as Slot };
    const { key: after } = from;
    for (const start of [range, { ...range, after }]) {
      const first = start === range ? '' : nameOf({ keyspace, slot: fromSlot, key: after });
      const low = nameOf(place(keyspace, range.fromSlot, ''));
      const high = nameOf(place(keyspace, range.toSlot, ''));
      const expected = [...this.model.keys()]
        .filter((name) => name > first && name >= low && name.slice(0, 6) <= high)
        .sort();
      deepEqual(pagesOf(this.memtable, start, most, most * 20).map(this.#checked), expected);
    }
  }

  checkSorted(at: EngineKey): void {
    const sorted = this.memtable.sorted();
    const expected = [...this.model.keys()].sort();
    equal(sorted.length, expected.length);
    equal(sorted.lowerBound(tableKeyOf(at)), indexFrom(expected, nameOf(at)));
    for (const [index, name] of expected.entries()) {
      equal(this.#checked(sorted.entryAt(index)), name);
    }
  }

  checkAll(): void {
    equal(this.memtable.entries, this.model.size);
    equal(this.memtable.isEmpty, this.model.size === 0);
    equal(this.memtable.lastSequence, this.#sequence);
    for (const name of this.model.keys()) {
      this.checkGet(engineKeyOf(Buffer.from(name, 'hex')));
      this.checkGet(engineKeyOf(Buffer.from(`${name}00`, 'hex')));
    }
    this.checkSorted(place(1, 500, 'k'));
    for (const { view, copy } of this.kept) ok(view.equals(copy), 'a view never changes');
  }

  /** Its name, when its value and sequence are those of the model. */
  readonly #checked = (entry: TableEntry): string => {
    const name = entry.key.toString('hex');
    const expected = this.model.get(name);
    ok(expected !== undefined && entry.value.equals(expected.value));
    equal(entry.sequence, expected.sequence);
    equal(entry.kind, expected.kind);
    return name;
  };
}

function pagesOf(
  memtable: Memtable,
  range: ScanRange,
  most: number,
  bytesMax: number,
): TableEntry[] {
  const entries: TableEntry[] = [];
  for (let next: ScanRange | undefined = range; next !== undefined; ) {
    const page = memtable.scan(next, { entriesMax: most, bytesMax });
    ok(page.entries.length <= most);
    const bytes = page.entries.reduce((sum, entry) => sum + bytesOf(entry), 0);
    ok(bytes <= bytesMax || page.entries.length === 1, 'a page keeps its limit of bytes');
    ok(page.next === undefined || page.entries.length > 0, 'a page makes progress');
    entries.push(...page.entries);
    next = page.next;
  }
  return entries;
}

function bytesOf({ key, value }: TableEntry): number {
  return engineKeyOf(key).key.length + value.length;
}

function indexFrom(sorted: readonly string[], name: string): number {
  const index = sorted.findIndex((each) => each >= name);
  return index < 0 ? sorted.length : index;
}

test('any short stream leaves what a map and a sort would', () => {
  const property = fc.property(fc.array(steps, { maxLength: 60 }), (stream) => {
    const pair = new Pair();
    for (const step of stream) pair.run(step);
    pair.checkAll();
  });
  fc.assert(property, { numRuns: 300 });
});

test('so do streams of 10,000 steps', () => {
  const streams = fc.array(steps, { minLength: 10_000, maxLength: 10_000, size: 'max' });
  const property = fc.property(fc.noShrink(streams), (stream) => {
    const pair = new Pair();
    for (const step of stream) pair.run(step);
    pair.checkAll();
  });
  fc.assert(property, { numRuns: 3 });
});

/** Distinct keys of four shapes; some have long beginnings in common. */
function keyOf(number: number): string {
  const digits = String(number).padStart(8, '0');
  return [digits, `user:profile:${digits}:name`, digits.slice(-5) + number, `${number}`][
    number % 4
  ] as string;
}

test('every key is found while the index grows, and when all of them are in one slot', () => {
  for (const slots of [1, 97]) {
    const memtable = new Memtable(SEED);
    const total = 60_000;
    const names: string[] = [];
    for (let number = 0; number < total; number++) {
      const at = place(0, number % slots, keyOf(number));
      equal(memtable.get(at), undefined);
      memtable.put(at, Buffer.from(`${number}`), number + 1);
      names.push(nameOf(at));
      const earlier = Math.floor(number / 2);
      const found = memtable.get(place(0, earlier % slots, keyOf(earlier)));
      equal(found?.value.toString('latin1'), `${earlier}`);
    }
    equal(memtable.entries, total);
    const sorted = memtable.sorted();
    const expected = names.sort();
    const found = expected.map((_, index) => sorted.entryAt(index).key.toString('hex'));
    deepEqual(found, expected);
    for (let index = 0; index < total; index += 1234) {
      equal(sorted.lowerBound(Buffer.from(expected[index] as string, 'hex')), index);
    }
  }
});

test('the order that one got stays, keys that come later are in the next one', () => {
  const pair = new Pair();
  for (let number = 0; number < 20_000; number += 2) {
    pair.put(place(3, number % 5 === 0 ? 9 : 12, keyOf(number)), Buffer.from('even'));
  }
  const before = pair.memtable.sorted();
  const preparing = before.prepare();
  const expected = [...pair.model.keys()].sort();
  equal(before.entryAt(5).key.toString('hex'), expected[5]);
  for (let number = 1; !preparing.next().done; number += 2) {
    pair.put(place(3, number % 5 === 0 ? 9 : 12, keyOf(number)), Buffer.from('odd'));
    equal(before.entryAt(number).key.toString('hex'), expected[number]);
  }
  pair.put(place(3, 12, keyOf(2)), Buffer.from('newest'));
  deepEqual(
    expected.map((_, index) => before.entryAt(index).key.toString('hex')),
    expected,
  );
  ok(pair.memtable.sorted().length > before.length);
  equal(
    before.entryAt(expected.indexOf(nameOf(place(3, 12, keyOf(2))))).value.toString('latin1'),
    'newest',
  );
  pair.checkAll();
});

test('a large slot is paged in order while keys are added to it', () => {
  const memtable = new Memtable(SEED);
  const names: string[] = [];
  const put = (number: number) => {
    memtable.put(place(0, 4, keyOf(number)), Buffer.from('v'), names.length);
    names.push(keyOf(number));
  };
  for (let number = 0; number < 3000; number++) put(number);
  for (let number = 3000; number < 3100; number++) {
    if (number % 30 === 0) for (let more = 0; more < 500; more++) put(number * 1000 + more);
    put(number);
    const all = pagesOf(
      memtable,
      { ...place(0, 0, ''), fromSlot: 4 as Slot, toSlot: 4 as Slot },
      1e5,
      1e9,
    );
    if (number % 10 === 0)
      deepEqual(
        all.map(({ key }) => engineKeyOf(key).key.toString('latin1')),
        names.toSorted(),
      );
    equal(all.length, names.length);
  }
});

test('records larger than a chunk, beside small ones', () => {
  const pair = new Pair();
  const sizes = [0, 3_000_000, 1, 1_048_576, 131_072, 140_000, 2, 1_048_560, 65_535];
  for (const [index, size] of sizes.entries()) {
    pair.put(place(0, index, `key ${index}`), Buffer.alloc(size, index));
    pair.put(place(0, index, Buffer.alloc(size, index)), Buffer.from('a large key'));
    pair.checkGet(place(0, index, `key ${index}`));
  }
  for (const index of sizes.keys()) {
    pair.put(place(0, index, `key ${index}`), Buffer.alloc(sizes.length - index, 99 - index));
  }
  pair.checkAll();
});

test('its memory is what it holds, and little more', () => {
  const memtable = new Memtable(SEED);
  const total = 50_000;
  for (let number = 0; number < total; number++) {
    memtable.put(place(0, number % 1000, keyOf(number)), Buffer.alloc(100), number + 1);
  }
  const payload = pagesOf(
    memtable,
    { ...place(0, 0, ''), fromSlot: 0 as Slot, toSlot: 1000 as Slot },
    1000,
    1e9,
  ).reduce((sum, entry) => sum + bytesOf(entry), 0);
  const beyond = memtable.memoryBytes - payload;
  ok(beyond / total < 70, `${beyond / total} bytes a key`);
  ok(new Memtable(SEED).memoryBytes < 8192);
});

test('a sealed memtable is read, not written', () => {
  const memtable = new Memtable(SEED);
  const at = place(0, 7, 'k');
  memtable.put(at, Buffer.from('v'), 5);
  throws(() => memtable.put(at, Buffer.from('w'), 4), /never decrease/);
  memtable.seal();
  throws(() => memtable.put(at, Buffer.from('w'), 6), /sealed/);
  equal(memtable.get(at)?.value.toString('latin1'), 'v');
  equal(memtable.sorted().entryAt(0).sequence, 5);
  equal(memtable.lastSequence, 5);
});
