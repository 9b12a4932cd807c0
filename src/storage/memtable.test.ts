import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { KeyspaceNumber, Slot } from '../base/ids.ts';
import type { EngineKey, ScanRange } from './engine.ts';
import { ChangeView } from './memtable/change-view.ts';
import { MemtableMemory } from './memtable/memtable-memory.ts';
import { RecordArena } from './memtable/record-arena.ts';
import { SortedKeys } from './memtable/sorted-keys.ts';
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
const MIB = 1024 * 1024;

/** Small memory grows, as it does for a write that is larger than a memtable. */
function newMemtable(memoryBytes = 64): Memtable {
  return new Memtable(SEED, new MemtableMemory(memoryBytes, 1));
}

/** As the thread that flushes it sees it. */
function flushOrder({ image }: Memtable): TableEntry[] {
  const arena = new RecordArena(image.memory, image.keysEnd);
  const slots = [...new SortedKeys(arena).slots()];
  return slots.flatMap((keys) => Array.from(keys, (key) => arena.entryAt(key)));
}

/** The obvious implementation: table keys in hex, which sorts as their bytes do. */
type Model = Map<string, KeyState>;

function place(keyspace: number, slot: number, key: Buffer | string): EngineKey {
  const bytes = typeof key === 'string' ? Buffer.from(key, 'latin1') : key;
  return { keyspace: keyspace as KeyspaceNumber, slot: slot as Slot, key: bytes };
}

function put(at: EngineKey, value: Buffer): ChangeView {
  return new ChangeView().of({ ...at, kind: 'put', value, growth: 0 });
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
  | { readonly kind: 'sort' };

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
  { weight: 1, arbitrary: fc.constant({ kind: 'sort' as const }) },
);

/** A memtable and its model, kept alike. */
class Pair {
  readonly memtable = newMemtable();
  readonly model: Model = new Map();
  #sequence = 0;

  run(step: Step): void {
    if (step.kind === 'put') this.put(step.at, Buffer.alloc(step.length, step.fill));
    else if (step.kind === 'removal') this.remove(step.at);
    else if (step.kind === 'get') this.checkGet(step.at);
    else if (step.kind === 'scan') this.checkScan(step.from, step.to, step.most);
    else this.checkSorted();
  }

  put(at: EngineKey, value: Buffer): void {
    this.#advance();
    const change = put(at, value);
    const among = Buffer.concat([Buffer.from('before'), at.key, value, Buffer.from('behind')]);
    change.key.pointAt(among, 6, at.key.length);
    change.value.pointAt(among, 6 + at.key.length, value.length);
    this.memtable.apply(change, this.#sequence);
    among.fill(0xee);
    this.model.set(nameOf(at), { kind: VALUE, value, sequence: this.#sequence });
  }

  remove(at: EngineKey): void {
    this.#advance();
    const removal = { ...at, kind: 'removal', growth: 0 } as const;
    this.memtable.apply(new ChangeView().of(removal), this.#sequence);
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

  checkSorted(): void {
    deepEqual(flushOrder(this.memtable).map(this.#checked), [...this.model.keys()].sort());
  }

  checkAll(): void {
    equal(this.memtable.entries, this.model.size);
    equal(this.memtable.isEmpty, this.model.size === 0);
    equal(this.memtable.lastSequence, this.#sequence);
    for (const name of this.model.keys()) {
      this.checkGet(engineKeyOf(Buffer.from(name, 'hex')));
      this.checkGet(engineKeyOf(Buffer.from(`${name}00`, 'hex')));
    }
    this.checkSorted();
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
    const memtable = newMemtable(8 * MIB);
    const total = 60_000;
    const names: string[] = [];
    for (let number = 0; number < total; number++) {
      const at = place(0, number % slots, keyOf(number));
      equal(memtable.get(at), undefined);
      memtable.apply(put(at, Buffer.from(`${number}`)), number + 1);
      names.push(nameOf(at));
      const earlier = Math.floor(number / 2);
      const found = memtable.get(place(0, earlier % slots, keyOf(earlier)));
      equal(found?.value.toString('latin1'), `${earlier}`);
    }
    equal(memtable.entries, total);
    const found = flushOrder(memtable).map(({ key }) => key.toString('hex'));
    deepEqual(found, names.sort());
  }
});

test('a large slot is paged in order while keys are added to it', () => {
  const memtable = newMemtable(8 * MIB);
  const names: string[] = [];
  const add = (number: number) => {
    memtable.apply(put(place(0, 4, keyOf(number)), Buffer.from('v')), names.length);
    names.push(keyOf(number));
  };
  for (let number = 0; number < 3000; number++) add(number);
  for (let number = 3000; number < 3100; number++) {
    if (number % 30 === 0) for (let more = 0; more < 500; more++) add(number * 1000 + more);
    add(number);
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

test('large records beside small ones', () => {
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
  const memtable = newMemtable(8 * MIB);
  const total = 50_000;
  for (let number = 0; number < total; number++) {
    memtable.apply(put(place(0, number % 1000, keyOf(number)), Buffer.alloc(100)), number + 1);
  }
  const payload = pagesOf(
    memtable,
    { ...place(0, 0, ''), fromSlot: 0 as Slot, toSlot: 1000 as Slot },
    1000,
    1e9,
  ).reduce((sum, entry) => sum + bytesOf(entry), 0);
  const beyond = memtable.memoryBytes - payload;
  ok(beyond / total < 70, `${beyond / total} bytes a key`);
  ok(newMemtable(64 * MIB).memoryBytes < 16 * 1024);
});

test('a sealed memtable is read, not written', () => {
  const memtable = newMemtable();
  const at = place(0, 7, 'k');
  memtable.apply(put(at, Buffer.from('v')), 5);
  throws(() => memtable.apply(put(at, Buffer.from('w')), 4), /never decrease/);
  memtable.seal();
  throws(() => memtable.apply(put(at, Buffer.from('w')), 6), /sealed/);
  equal(memtable.get(at)?.value.toString('latin1'), 'v');
  equal(flushOrder(memtable)[0]?.sequence, 5);
  equal(memtable.lastSequence, 5);
});

test('the memory is used again when the last holder releases it; what was read stays', () => {
  const memory = new MemtableMemory(4096, 2);
  const range = { ...place(0, 0, ''), fromSlot: 7 as Slot, toSlot: 7 as Slot };
  const at = place(0, 7, 'k');
  const first = new Memtable(SEED, memory);
  first.apply(put(at, Buffer.alloc(100, 'a')), 1);
  const got = first.get(at)?.value;
  const [scanned] = pagesOf(first, range, 10, 1000);
  first.hold();
  first.release();
  const second = new Memtable(SEED, memory);
  second.apply(put(at, Buffer.alloc(100, 'b')), 2);
  equal(first.get(at)?.value.toString(), 'a'.repeat(100), 'a holder still reads it');
  first.release();
  throws(() => first.hold(), /released/);
  const third = new Memtable(SEED, memory);
  equal(third.image.memory, first.image.memory);
  equal(third.get(at), undefined);
  third.apply(put(at, Buffer.alloc(100, 'c')), 3);
  equal(got?.toString(), 'a'.repeat(100));
  equal(scanned?.value.toString(), 'a'.repeat(100));
  deepEqual(scanned?.key, tableKeyOf(at));
});
