// Modules on the real thread, and the time limit on virtual time.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { SimWorld } from '../../sim/sim-host.ts';
import { nodeClock } from '../host/node-clock.ts';
import { nodeJobs } from '../host/node-jobs.ts';
import { type GuestMerge, GuestModules } from './guest-modules.ts';
import type { MergeOrder } from './merge-job.ts';
import { MERGE_JOBS } from './merge-jobs.ts';

const INPUTS = ['["milk"]', '["eggs"]'].map((value, time) => ({ value: Buffer.from(value), time }));
const UNION = `export const values = 'json';
export const merge = (a: string[], b: string[]): string[] => [...new Set([...a, ...b])].sort();`;

async function modulesIn(t: TestContext, sources: Readonly<Record<string, string>>) {
  const directory = await mkdtemp(join(tmpdir(), 'kvorum-merge-'));
  const guests = nodeJobs({ directory: undefined, modules: MERGE_JOBS, heapMb: 32 });
  // Timers of the clock let a process end; a test that waits for one must not.
  const awake = setInterval(() => undefined, 1_000);
  t.after(async () => {
    clearInterval(awake);
    await guests.close();
    await rm(directory, { recursive: true });
  });
  for (const [name, text] of Object.entries(sources)) await writeFile(join(directory, name), text);
  const modules = new GuestModules({ guests, clock: nodeClock() });
  return (name: string, limitMs = 5_000) => {
    return modules.merge(pathToFileURL(join(directory, name)).href, INPUTS, limitMs);
  };
}

function shown(merge: GuestMerge): string {
  return merge.kind === 'merged' ? merge.value.toString() : `${merge.kind}: ${merge.why}`;
}

test('a module in TypeScript merges, and those that fail harm no other', async (t) => {
  const merge = await modulesIn(t, {
    'union.ts': UNION,
    'throws.js': 'export const merge = () => { throw new Error("no milk"); };',
    'loops.js': 'export const merge = () => { for (;;); };',
    'exits.js': 'export const merge = () => process.exit(3);',
    'eats.js': 'const all = []; export const merge = () => { for (;;) all.push([...all, 1]); };',
    'three.js': 'export const merge = 3;',
    'broken.ts': 'export function merge(a: {',
    'imports.ts':
      'import { merge } from "./union.ts"; export { merge, values } from "./union.ts"; merge;',
  });
  const cases: readonly [name: string, limitMs: number, says: RegExp][] = [
    ['throws.js', 5_000, /^failed: no milk$/],
    ['loops.js', 20, /^late: it was not done after 20 ms$/],
    ['exits.js', 5_000, /^failed: the thread .* died: exit code 3$/],
    ['eats.js', 60_000, /^failed: the thread .* died: .*memory/],
    ['three.js', 5_000, /^failed: no function "merge" is exported: merge is 3/],
    ['broken.ts', 5_000, /^failed: /],
    ['missing.ts', 5_000, /^failed: Cannot find module/],
  ];
  for (const [name, limitMs, says] of cases) {
    match(shown(await merge(name, limitMs)), says, name);
    equal(shown(await merge('union.ts')), '["eggs","milk"]', `after ${name}`);
  }
  equal(shown(await merge('imports.ts')), '["eggs","milk"]');
});

/** On a simulated machine, where a merge takes as long as its module's name says. */
function onVirtualTime() {
  const world = new SimWorld(1);
  const orders: string[] = [];
  const body = async (_: unknown, order: unknown) => {
    const { kind, module } = order as MergeOrder;
    orders.push(`${kind} ${module}`);
    if (kind === 'load') return { kind: 'loaded' };
    const ms = Number(module);
    await new Promise<void>((resolve) => {
      if (Number.isFinite(ms)) clock.after(ms, resolve);
    });
    return { kind: 'merged', value: Buffer.from(`after ${ms} ms`) };
  };
  const { jobs, clock } = world.node('n1').boot({ merge: body });
  const modules = new GuestModules({ guests: jobs, clock });
  const startMs = clock.monotonicMs();
  const merge = async (ms: number) => {
    const merged = await modules.merge(String(ms), INPUTS, 100);
    return `${shown(merged)} at ${Math.floor(clock.monotonicMs() - startMs)}`;
  };
  return { world, merge, orders };
}

test('the limit ends a merge, counts from its own begin, and the next loads anew', async () => {
  const { world, merge, orders } = onVirtualTime();
  const all = [merge(80), merge(Number.POSITIVE_INFINITY), merge(90), merge(80)];
  deepEqual(await world.settle(Promise.all(all)), [
    'after 80 ms at 80',
    'late: it was not done after 100 ms at 180',
    'after 90 ms at 270',
    'after 80 ms at 350',
  ]);
  deepEqual(orders, [
    ...['load 80', 'merge 80'],
    ...['load Infinity', 'merge Infinity'],
    ...['load 90', 'merge 90'],
    ...['load 80', 'merge 80'],
  ]);
});

test('who waits too long for others is answered without a merge', async () => {
  const { world, merge } = onVirtualTime();
  const endless = Array.from({ length: 20 }, () => merge(Number.POSITIVE_INFINITY));
  const answers = await world.settle(Promise.all([...endless, merge(1)]));
  equal(answers.filter((each) => /not done after 100 ms/.test(each)).length, 10);
  match(answers.at(-1) ?? '', /^unbegun: other merges took too long at 1000$/);
  ok(/ at 1099$/.test(await world.settle(merge(99))));
});
