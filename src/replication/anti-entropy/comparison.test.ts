import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SimWorld } from '../../../sim/sim-host.ts';
import { ALL_SLOTS, type Slot } from '../../base/ids.ts';
import { actorOf } from '../../causality/dot.ts';
import { encodeObject } from '../../causality/object-format.ts';
import { slotOf } from '../../ring/slot.ts';
import type { Engine } from '../../storage/engine.ts';
import { openEngine } from '../../storage/open-engine.ts';
import { corruption } from '../../storage/storage-errors.ts';
import { OWNER } from '../../storage/test-engine.ts';
import { DEFAULT_KEYSPACE } from '../keyspace.ts';
import { listOwnKeys } from '../listing/own-keys.ts';
import type { Verdict } from './comparison.ts';
import { Side, Traffic } from './test-sides.ts';

const KEYSPACE = DEFAULT_KEYSPACE;

class Pair {
  readonly world = new SimWorld(1);
  readonly one: Side;
  readonly two: Side;

  private constructor(world: SimWorld, one: Side, two: Side) {
    this.world = world;
    this.one = one;
    this.two = two;
    one.meet(two);
    two.meet(one);
  }

  /** `damaged`: a slot that `two` cannot read. */
  static async open(damaged?: Slot): Promise<Pair> {
    const world = new SimWorld(1);
    const sides: Side[] = [];
    for (const self of [0, 1]) {
      const host = world.node(`n${self}`).boot();
      const engine = await world.settle(openEngine(host, OWNER));
      if (self === 1 && damaged !== undefined) damage(engine, damaged);
      sides.push(new Side(self, engine, host.clock));
    }
    return new Pair(world, sides[0] as Side, sides[1] as Side);
  }

  /** Writer `node` puts the key for the `counter`th time, and knew what it had written before. */
  put(side: Side, key: string, counter = 1, node = 9): Promise<void> {
    return this.world.settle(this.#put(side, key, counter, node));
  }

  async #put(side: Side, key: string, counter: number, node: number): Promise<void> {
    const bytes = Buffer.from(key);
    const at = { keyspace: KEYSPACE.number, slot: slotOf(bytes), key: bytes };
    const dot = { actor: actorOf(node, 1), counter };
    const value = Buffer.from(`${key} ${counter}`);
    const sibling = { dot, time: counter, expiresAt: 0, isTombstone: false, value };
    const object = encodeObject({ context: [dot], siblings: [sibling] });
    await side.replica.merge(KEYSPACE, at, object);
  }

  /** Each side is written to for a second: some keys on one of them, some on both. */
  async write(names: readonly string[]): Promise<void> {
    for (const [i, name] of names.entries()) {
      if (i % 3 !== 0) await this.#put(this.one, name, 2 + i, 5);
      if (i % 3 !== 1) await this.#put(this.two, name, 2 + i, 6);
      await this.world.sleep(1_000 / names.length);
    }
  }

  /** What `one` finds, and what it and `two` say meanwhile. */
  async compare(isWhole = true): Promise<{ verdict: Verdict; traffic: Traffic }> {
    const { one, world } = this;
    one.traffic = new Traffic();
    const compared = { member: 1, keyspace: KEYSPACE, ...ALL_SLOTS };
    const verdict = await world.settle(one.comparison.run(compared));
    ok(verdict !== undefined);
    equal(verdict.isWhole, isWhole);
    return { verdict, traffic: one.traffic };
  }

  async contents(side: Side): Promise<string[]> {
    const request = { keyspace: KEYSPACE.number, toSlot: ALL_SLOTS.toSlot, count: 10_000 } as const;
    const from = { slot: 0 as Slot, hash: 0 };
    const listing = listOwnKeys(side, { kind: 'list-slots', ...request, from });
    const { entries, next } = await this.world.settle(listing);
    equal(next, undefined);
    return entries.map(({ key, version }) => `${key} ${JSON.stringify(version)}`);
  }

  get moved(): { sent: number; fetched: number } {
    const { keysSent, keysFetched } = this.one.comparison.counters;
    return { sent: keysSent, fetched: keysFetched };
  }
}

function damage(engine: Engine, damaged: Slot): void {
  const scan = engine.scan.bind(engine);
  engine.scan = async (range, limits) => {
    if (range.fromSlot <= damaged && range.toSlot >= damaged) throw corruption('a table', 'rot');
    return scan(range, limits);
  };
}

/** Of keys in slots of their own, and of one hash tag; `one` and `two` know so many writes. */
const names = fc.oneof(
  fc.nat(40).map((n) => `key-${n}`),
  fc.nat(40).map((n) => `{tag}-${n}`),
);
const knowledge = fc.record({ one: fc.nat(2), two: fc.nat(2), isForked: fc.boolean() });
const scenes = fc.dictionary(names, knowledge, { maxKeys: 40 });

test('exactly what differs is moved, and then both sides are alike', async () => {
  const check = fc.asyncProperty(scenes, async (scene) => {
    const pair = await Pair.open();
    const expected = { sent: 0, fetched: 0 };
    for (const [name, { one, two, isForked }] of Object.entries(scene)) {
      if (one > 0) await pair.put(pair.one, name, one);
      if (two > 0) await pair.put(pair.two, name, two, isForked ? 8 : 9);
      const isApart = isForked && one > 0 && two > 0;
      if (isApart || one > two) expected.sent += 1;
      if (isApart || two > one) expected.fetched += 1;
    }
    await pair.compare();
    deepEqual(pair.moved, expected);
    deepEqual(await pair.contents(pair.one), await pair.contents(pair.two));
    const { verdict, traffic } = await pair.compare();
    deepEqual([verdict.differing, verdict.uneven.size, traffic.messages], [0, 0, 2]);
  });
  await fc.assert(check, { numRuns: 25 });
});

test('one key of a slot of many is found in its bucket', async () => {
  const pair = await Pair.open();
  for (let n = 0; n < 1_000; n++) {
    for (const side of [pair.one, pair.two]) await pair.put(side, `{tag}-${n}`);
  }
  await pair.put(pair.two, '{tag}-500', 2);
  const { verdict, traffic } = await pair.compare();
  equal(verdict.differing, 1);
  deepEqual(pair.moved, { sent: 0, fetched: 1 });
  // One in 32 of the keys, 3 bytes each; and 256 bytes of buckets.
  ok(traffic.bytesOf('compare-buckets', 'compare-keys') < 256 + 200 + 4 * 50);
});

test('a side without a slot gets its keys in several pieces, and in one comparison', async () => {
  const pair = await Pair.open();
  for (let n = 0; n < 5_000; n++) await pair.put(pair.two, `{tag}-${n}`);
  const { verdict } = await pair.compare();
  deepEqual([verdict.differing, verdict.lacking.size], [1, 0]);
  deepEqual(pair.moved, { sent: 0, fetched: 5_000 });
  deepEqual(await pair.contents(pair.one), await pair.contents(pair.two));
});

test('a side with a slot that the other has not sends all of it', async () => {
  const pair = await Pair.open();
  for (let n = 0; n < 5_000; n++) await pair.put(pair.one, `{tag}-${n}`);
  await pair.compare();
  deepEqual(pair.moved, { sent: 5_000, fetched: 0 });
  deepEqual(await pair.contents(pair.one), await pair.contents(pair.two));
});

test('ten keys among many cost some kilobytes, and writes meanwhile lose nothing', async () => {
  const pair = await Pair.open();
  for (let n = 0; n < 2_000; n++) {
    for (const side of [pair.one, pair.two]) await pair.put(side, `key-${n}`);
  }
  for (let n = 0; n < 10; n++) await pair.put(n < 5 ? pair.one : pair.two, `key-${n * 200}`, 2);
  const { traffic } = await pair.compare();
  deepEqual(pair.moved, { sent: 5, fetched: 5 });
  ok(traffic.bytesOf('compare-digests') < 3_500, `${traffic.bytesOf('compare-digests')}`);
  const writing = pair.write(Array.from({ length: 60 }, (_, n) => `key-${n * 7}`));
  await pair.compare();
  await pair.world.settle(writing);
  await pair.compare();
  deepEqual(await pair.contents(pair.one), await pair.contents(pair.two));
});

test('a slot that the other side cannot read keeps no other from being level', async () => {
  const names = Array.from({ length: 40 }, (_, n) => `key-${n}`);
  const damaged = slotOf(Buffer.from('key-20'));
  const pair = await Pair.open(damaged);
  for (const name of names) await pair.put(pair.one, name);
  const { verdict, traffic } = await pair.compare(false);
  deepEqual(pair.moved, { sent: names.length - 1, fetched: 0 });
  deepEqual([[...verdict.lacking], [...verdict.uneven]], [[damaged], [damaged]]);
  // Forty slots are three rows; where one is damaged, its row takes three questions.
  ok(traffic.messages <= 2 * (3 + 5 + names.length), `${traffic.messages} messages`);
});
