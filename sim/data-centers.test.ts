// Data centers and the links between them: what crosses a link, and what happens when one of them
// is gone.

import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../src/base/errors.ts';
import type { Slot } from '../src/base/ids.ts';
import { HINT_LIMITS } from '../src/replication/hints/hint-book.ts';
import { DEFAULT_KEYSPACE } from '../src/replication/keyspace.ts';
import { LATEST, SimCluster } from './cluster.ts';
import { SimWorld } from './sim-host.ts';
import { kindsIn, LINK_MS, NEVER_MS, type PlacesOptions, SimPlaces } from './sim-places.ts';

const EAST = ['n1', 'n2', 'n3'];
const WEST = ['n4', 'n5', 'n6'];
const FEW_HINTS = { ...HINT_LIMITS, bytesMax: 200 };
const QUIET = { antiEntropyMs: NEVER_MS };

test('a write crosses the link once, whatever level it is at; a local read does not', async () => {
  const places = new SimPlaces(1, QUIET);
  await places.start();
  const levels = ['local-quorum', 'each-quorum', 'quorum', 'all', 1] as const;
  for (const [count, w] of levels.entries()) {
    for (let key = 0; key < 10; key++) {
      const fromMs = places.world.nowMs;
      const outcome = await places.put('n2', `key-${key}`, `${w}`, w);
      equal(outcome.kind, 'ok');
      const tookMs = places.world.nowMs - fromMs;
      const waitsForLink = w !== 'local-quorum' && w !== 1;
      equal(tookMs >= 2 * LINK_MS, waitsForLink, `${w} took ${tookMs} ms`);
    }
    deepEqual([...places.crossings], [['east>west relay', 10 * (count + 1)]]);
  }
  await places.world.runFor(10 * LINK_MS);
  places.crossings.clear();
  for (const name of [...EAST, ...WEST]) equal(await places.value(name, 'key-7', 'one'), '1');
  for (const name of EAST) equal(await places.value(name, 'key-7'), '1');
  deepEqual([...places.crossings], []);
  equal(await places.value('n1', 'key-7', 'each-quorum'), '1');
  deepEqual([...places.crossings], [['east>west read-version', 2]]);
  await places.world.settle(places.cluster.closeAll());
});

test('who is no primary hands a request to one of its own data center', async () => {
  const places = new SimPlaces(9, { ...QUIET, keyspace: { n: 4, copies: { east: 2, west: 2 } } });
  await places.start();
  for (let key = 0; key < 10; key++) {
    for (const name of EAST) {
      equal((await places.put(name, `key-${key}`, name)).kind, 'ok');
      equal(await places.value(name, `key-${key}`), name);
    }
  }
  deepEqual([...places.crossings], [['east>west relay', 30]]);
  // With nobody left at home the other data center coordinates, but cannot answer for this one.
  await places.cutOff(['n2', 'n3'], 'crash');
  const failures = new Set<string | undefined>();
  for (let key = 0; key < 10; key++) failures.add(await places.value('n1', `key-${key}`));
  deepEqual([...failures], ['no-answer']);
  equal(await places.value('n1', 'key-3', 'quorum'), 'no-answer');
  equal(await places.value('n1', 'key-3', 2), 'n3');
  await places.world.settle(places.cluster.closeAll());
});

/** It is told, and gone before it can tell anybody. */
const ENDS: Readonly<Record<string, (places: SimPlaces, name: string) => void>> = {
  crashes: ({ cluster }, name) => cluster.crash(name),
  freezes: ({ world }, name) => world.node(name).pause(),
  'is cut off': ({ world }, name) => world.network.isolate(name),
};

for (const [what, how] of Object.entries(ENDS)) {
  test(`a delegate that ${what} with a write in its hands is passed by`, async () => {
    for (const seed of [2, 3]) await writeWithoutDelegate(seed, how);
  });
}

async function writeWithoutDelegate(seed: number, how: (places: SimPlaces, name: string) => void) {
  const places = new SimPlaces(seed, QUIET);
  await places.start();
  let victim: string | undefined;
  places.world.network.onFrame = (from, to, frame) => {
    if (victim !== undefined || !EAST.includes(from) || !WEST.includes(to)) return;
    if (!kindsIn(frame).includes('relay')) return;
    victim = to;
    how(places, to);
  };
  const fromMs = places.world.nowMs;
  const outcome = await places.put('n1', 'key', 'value', 'each-quorum');
  equal(outcome.kind, 'ok');
  ok(places.world.nowMs - fromMs < 1_000, `it took ${places.world.nowMs - fromMs} ms`);
  equal(places.node('n1').metrics().peers.relaysRepeated, 1);
  places.world.network.onFrame = undefined;
  places.world.network.healAll();
  places.world.node(victim as string).resume();
  await places.world.settle(places.cluster.closeAll());
}

/** `hintLimits`: what was missed must be found by comparison. */
const LOSSES: readonly (readonly [how: 'crash' | 'cut', what: string, PlacesOptions])[] = [
  ['crash', 'its nodes crash', {}],
  ['cut', 'it is cut off', {}],
  ['crash', 'its nodes crash, and hints have no room', { hintLimits: FEW_HINTS }],
];

for (const [how, what, options] of LOSSES) {
  test(`a data center is lost (${what}): the other goes on, and both converge`, async () => {
    for (const seed of [5, 6]) {
      const places = new SimPlaces(seed, options);
      await places.start();
      equal((await places.put('n1', 'before', 'b')).kind, 'ok');
      await places.world.runFor(1_000);
      await places.cutOff(WEST, how);
      const kept = new Map([['before', 'b']]);
      for (const name of EAST) {
        for (let key = 0; key < 8; key++) {
          const written = await places.put(name, `${name}-${key}`, `value ${key}`);
          equal(written.kind, 'ok');
          kept.set(`${name}-${key}`, `value ${key}`);
        }
        const each = await places.put(name, 'before', 'never', 'each-quorum');
        const refused = { kind: 'not-applied', needed: 2, got: 0, dataCenter: 'west' };
        deepEqual(each, refused);
        equal((await places.put(name, 'before', 'never', 'all')).kind, 'not-applied');
        equal(await places.value(name, 'before', 'each-quorum'), 'no-answer');
        for (const [key, value] of kept) equal(await places.value(name, key), value);
      }
      if (how === 'cut') equal((await places.put('n5', 'west', 'goes on as well')).kind, 'ok');
      if (how === 'cut') kept.set('west', 'goes on as well');
      await places.bringBack(WEST, how);
      await places.converge();
      for (const name of [...EAST, ...WEST]) {
        for (const [key, value] of kept) equal(await places.value(name, key, 'one'), value);
      }
      equal((await places.put('n4', 'after', 'a', 'each-quorum')).kind, 'ok');
      await sameDisks(places);
    }
  });
}

test('of three data centers one is lost: a quorum of all goes on as well', async () => {
  const places = new SimPlaces(10, { sites: { east: 2, west: 2, north: 2 } });
  await places.start();
  equal((await places.put('n1', 'key', 'a', 'each-quorum')).kind, 'ok');
  deepEqual([...places.crossings].sort(), [
    ['east>north relay', 1],
    ['east>west relay', 1],
  ]);
  const north = places.in('north');
  await places.cutOff(north, 'cut');
  const [first = '', ...others] = places.outside('north');
  equal((await places.put(first, 'key', 'b', 'quorum')).kind, 'ok');
  for (const name of others) equal(await places.value(name, 'key', 'quorum'), 'b');
  equal((await places.put(first, 'key', 'c')).kind, 'ok');
  const each = await places.put(first, 'key', 'never', 'each-quorum');
  deepEqual(each, { kind: 'not-applied', needed: 2, got: 0, dataCenter: 'north' });
  // Alone it serves itself, and knows of nothing that the others did.
  equal(await places.value(north[0] as string, 'key'), 'a');
  equal(await places.value(north[0] as string, 'key', 'quorum'), 'no-answer');
  await places.bringBack(north, 'cut');
  await places.converge();
  for (const name of places.cluster.names) equal(await places.value(name, 'key', 'one'), 'c');
  await sameDisks(places);
});

/** Every node is a replica of every key here. */
async function sameDisks({ world, cluster }: SimPlaces): Promise<void> {
  await world.runFor(2_000);
  await world.settle(cluster.closeAll());
  const disks: string[] = [];
  for (const name of cluster.names) {
    const { objects } = await world.settle(cluster.contents(name));
    const values = [...objects].map(([key, { siblings }]) => {
      return `${key}: ${siblings.map(({ dot, value }) => `${dot.actor}/${dot.counter} ${value}`)}`;
    });
    disks.push(values.sort().join('\n'));
  }
  deepEqual(new Set(disks).size, 1);
}

test('a level that cannot be had is refused with what can be done', async () => {
  const places = new SimPlaces(7, { ...QUIET, keyspace: { n: 3, copies: { east: 3 } } });
  await places.start();
  const says = /"west" has no replicas of keyspace "default"/;
  const refusal = (error: unknown) =>
    hasCode(error, 'LEVEL_IMPOSSIBLE') && says.test(error.message);
  throws(() => places.node('n4').get({ keyspace: LATEST, key: Buffer.from('k') }), refusal);
  // The level of a forwarded request is judged where it was asked.
  equal((await places.put('n5', 'k', 'v', 'each-quorum')).kind, 'ok');
  equal(await places.value('n4', 'k', 'quorum'), 'v');
  equal(await places.value('n1', 'k'), 'v');
  await places.world.settle(places.cluster.closeAll());
  const anywhere = { ...DEFAULT_KEYSPACE, w: 'local-quorum' } as const;
  const dataCenters = ['east', 'east', 'west'];
  throws(
    () => new SimCluster(new SimWorld(1), 3, { keyspaces: [anywhere], dataCenters }),
    (error) => hasCode(error, 'LEVEL_IMPOSSIBLE') && /wherever they fall/.test(error.message),
  );
});

test('a data center of a new cluster serves before the other one is there', async () => {
  const places = new SimPlaces(8);
  await places.world.settle(Promise.all(EAST.map((name) => places.cluster.start(name))));
  const isTogether = (name: string) => places.node(name).metrics().membersAlive === EAST.length;
  await places.world.runUntil(() => EAST.every(isTogether));
  equal(await places.value('n1', 'key'), undefined);
  equal((await places.put('n2', 'key', 'value')).kind, 'ok');
  for (const name of EAST) equal(await places.value(name, 'key'), 'value');
  const page = { keyspace: LATEST, from: { slot: 0 as Slot, hash: 0 }, count: 100 };
  equal((await places.world.settle(places.node('n3').listKeys(page))).kind, 'page');
  await places.world.settle(Promise.all(WEST.map((name) => places.cluster.start(name))));
  await places.seeEachOther();
  await places.converge();
  equal(await places.value('n5', 'key', 'one'), 'value');
  await places.world.settle(places.cluster.closeAll());
});
