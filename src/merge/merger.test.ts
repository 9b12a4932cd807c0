// What many reads of few keys cost the thread for guests, on virtual time.

import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { SimWorld } from '../../sim/sim-host.ts';
import type { Dot } from '../causality/dot.ts';
import type { MergeOrder } from './merge-job.ts';
import { Merger, type Merging } from './merger.ts';

const LIMIT_MS = 100;

/** Siblings that hold the word `loop` never end. */
class Bench {
  readonly world = new SimWorld(1);
  readonly merger: Merger;
  begun = 0;

  constructor() {
    const body = async (_: unknown, order: unknown) => {
      const { kind, ...rest } = order as MergeOrder;
      if (kind === 'load') return { kind: 'loaded' };
      this.begun += 1;
      const [first] = 'inputs' in rest ? rest.inputs : [];
      const word = Buffer.from(first?.value ?? []).toString();
      if (word === 'loop') await new Promise(() => undefined);
      return { kind: 'merged', value: Buffer.from('one') };
    };
    const { jobs, clock, log } = this.world.node('n1').boot({ merge: body });
    this.merger = new Merger({ guests: jobs, clock, log });
  }

  async merge(word: string, counter: number): Promise<Merging> {
    const key = Buffer.from(word);
    const inputs = [1, 2].map((time) => ({ value: key, time }));
    const dots = [1, 2].map((actor) => ({ actor, counter }) as Dot);
    const rule = { name: './m.js', module: 'file:///m.js', limitMs: LIMIT_MS };
    return this.merger.merge({ rule, inputs, dots, bytesMax: 100, keyspace: 'k', key });
  }
}

test('siblings are merged once, however many read them at once and later', async () => {
  const bench = new Bench();
  const all = Array.from({ length: 50 }, () => bench.merge('cart', 7));
  for (const each of await bench.world.settle(Promise.all(all))) equal(each.kind, 'merged');
  equal((await bench.world.settle(bench.merge('cart', 7))).kind, 'merged');
  equal(bench.begun, 1);
  await bench.world.settle(bench.merge('cart', 8));
  equal(bench.begun, 2);
  deepEqual(bench.merger.counters, { merged: 52, failed: 0, late: 0 });
});

test('a key whose merge loops does not keep the thread from others', async () => {
  const bench = new Bench();
  const read = () => bench.world.settle(bench.merge('loop', 1));
  const late = await bench.world.settle(
    Promise.all(Array.from({ length: 50 }, () => bench.merge('loop', 1))),
  );
  for (const each of late) equal(each.kind, 'unmerged');
  ok(bench.world.nowMs <= LIMIT_MS + 10, `${bench.world.nowMs} ms`);
  equal((await read()).kind, 'unmerged');
  equal(bench.begun, 1);
  equal((await bench.world.settle(bench.merge('cart', 2))).kind, 'merged');
  await bench.world.runFor(10_000);
  equal((await read()).kind, 'unmerged');
  equal(bench.begun, 3, 'it is tried again');
});
