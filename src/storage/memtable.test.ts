import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SimRandom } from '../../sim/sim-random.ts';
import type { KeyspaceNumber, Slot } from '../base/ids.ts';
import type { Entry, Reader, ScanRange } from './engine.ts';
import { Memtable } from './memtable.ts';
import { at } from './test-engine.ts';

/** The obvious implementation: keys as hex, because the order of hex digits is that of bytes. */
type Model = Map<string, { readonly value: string; readonly sequence: number }>;

const slots = fc.constantFrom(0, 1, 500, 16_383);
const keys = fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes));
const puts = fc.record({ slot: slots, key: keys, value: fc.string({ maxLength: 20 }) });

function nameOf(slot: number, key: Buffer): string {
  return `${String(slot).padStart(5, '0')} ${key.toString('hex')}`;
}

function pagesOf(reader: Reader, range: ScanRange, entriesMax: number, bytesMax: number): Entry[] {
  const entries: Entry[] = [];
  for (let next: ScanRange | undefined = range; next !== undefined; ) {
    const page = reader.scan(next, { entriesMax, bytesMax });
    ok(!(page instanceof Promise));
    ok(page.entries.length <= entriesMax);
    const bytes = page.entries.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
    ok(bytes <= bytesMax || page.entries.length === 1, 'a page keeps its limit of bytes');
    ok(page.next === undefined || page.entries.length > 0, 'a page makes progress');
    entries.push(...page.entries);
    next = page.next;
  }
  return entries;
}

/** What a scan of `range` should show, as text. */
function expected(model: Model, { fromSlot, toSlot, after }: ScanRange): string[] {
  const from = after === undefined ? '' : nameOf(fromSlot, after);
  return [...model]
    .filter(([name]) => name > from && slotOf(name) >= fromSlot && slotOf(name) <= toSlot)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, { value, sequence }]) => `${name} ${value} ${sequence}`);
}

function slotOf(name: string): number {
  return Number(name.slice(0, 5));
}

function shown(entries: readonly Entry[]): string[] {
  return entries.map(
    ({ slot, key, value, sequence }) =>
      `${nameOf(slot, key)} ${value.toString('utf8')} ${sequence}`,
  );
}

interface View {
  readonly reader: Reader;
  readonly model: Model;
}

const ranges = fc
  .record({ one: slots, other: slots, after: fc.option(keys, { nil: undefined }) })
  .map(({ one, other, after }) => ({
    keyspace: 0 as KeyspaceNumber,
    fromSlot: Math.min(one, other) as Slot,
    toSlot: Math.max(one, other) as Slot,
    after,
  }));

test('scans and snapshots agree with a sorted list, whatever is written in between', () => {
  const limits = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 60 }));
  const batches = fc.array(fc.array(puts, { maxLength: 12 }), { maxLength: 8 });
  const property = fc.property(batches, limits, ranges, (batches, limits, range) => {
    const memtable = new Memtable();
    const model: Model = new Map();
    const views: View[] = [{ reader: memtable, model }];
    let sequence = 0;
    for (const batch of batches) {
      sequence += 1;
      for (const { slot, key, value } of batch) {
        memtable.put(0, slot, key, Buffer.from(value), sequence);
        model.set(nameOf(slot, key), { value, sequence });
      }
      for (const { reader, model } of views) {
        deepEqual(shown(pagesOf(reader, range, ...limits)), expected(model, range));
      }
      views.push({ reader: memtable.snapshot(sequence), model: new Map(model) });
    }
  });
  fc.assert(property, { numRuns: 500 });
});

test('a snapshot gets what was there, and is forgotten when it is released', () => {
  const memtable = new Memtable();
  memtable.put(0, 7, Buffer.from('k'), Buffer.from('old'), 1);
  const snapshot = memtable.snapshot(1);
  memtable.put(0, 7, Buffer.from('k'), Buffer.from('new'), 2);
  memtable.put(0, 7, Buffer.from('other'), Buffer.from('x'), 3);
  const seen = snapshot.get(at('k'));
  ok(seen !== undefined && !(seen instanceof Promise));
  equal(seen.value.toString(), 'old');
  equal(seen.sequence, 1);
  equal(snapshot.get(at('other')), undefined);
  equal(memtable.get(at('k'))?.value.toString(), 'new');
  snapshot.release();
  snapshot.release();
  throws(() => snapshot.get(at('k')), /released/);
});

test('a value that a reader keeps never changes, and overwriting keeps memory bounded', () => {
  const memtable = new Memtable();
  const random = new SimRandom('values');
  const keptViews: { readonly view: Buffer; readonly fill: number }[] = [];
  const latest = new Map<number, number>();
  for (let sequence = 1; sequence <= 60_000; sequence++) {
    const key = random.between(0, 199);
    const fill = sequence % 251;
    const length = sequence % 1000 === 0 ? 200_000 : random.between(0, 3000);
    memtable.put(0, 7, Buffer.from(`k${key}`), Buffer.alloc(length, fill), sequence);
    latest.set(key, fill);
    if (sequence % 500 !== 0) continue;
    const view = memtable.get(at(`k${key}`))?.value;
    if (view !== undefined) keptViews.push({ view, fill });
  }
  for (const { view, fill } of keptViews) ok(view.every((byte) => byte === fill));
  let liveBytes = 0;
  for (const [key, fill] of latest) {
    const value = memtable.get(at(`k${key}`))?.value ?? Buffer.alloc(0);
    ok(value.every((byte) => byte === fill));
    liveBytes += value.length;
  }
  const slack = 2 * 256 * 1024 + 200 * 200;
  ok(memtable.memoryBytes <= 2.3 * liveBytes + slack, `${memtable.memoryBytes} for ${liveBytes}`);
});
