// Two data centers and the link between them: what crosses it, and what happens when one of them is
// gone.

import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { test } from 'node:test';
import { ByteReader } from '../src/base/bytes.ts';
import { hasCode } from '../src/base/errors.ts';
import type { Slot } from '../src/base/ids.ts';
import type { Node } from '../src/node/node.ts';
import type { WriteOutcome, WriteRequest } from '../src/node/store.ts';
import { readHeader, readMessage } from '../src/node/wire.ts';
import { DEFAULT_KEYSPACE, type Keyspace } from '../src/replication/keyspace.ts';
import type { ConsistencyLevel } from '../src/replication/levels/consistency-level.ts';
import { LATEST, SimCluster } from './cluster.ts';
import { SimWorld } from './sim-host.ts';

const EAST = ['n1', 'n2', 'n3'];
const WEST = ['n4', 'n5', 'n6'];
const ORDERS: Keyspace = {
  ...DEFAULT_KEYSPACE,
  n: 6,
  copies: { east: 3, west: 3 },
  r: 'local-quorum',
  w: 'local-quorum',
};
/** Longer than any run: what is compared in the background is not counted here. */
const NEVER_MS = 3_600_000;
/** One way over the link. */
const LINK_MS = 4;

class TwoPlaces {
  readonly world: SimWorld;
  readonly cluster: SimCluster;
  /** What crossed the link, `east>west relay`, and how often; of gossip and replies nothing. */
  readonly crossings = new Map<string, number>();

  constructor(seed: number, antiEntropyMs = 700, copies: Partial<Keyspace> = {}) {
    this.world = new SimWorld(seed);
    this.cluster = new SimCluster(this.world, 6, {
      keyspaces: [{ ...ORDERS, ...copies }],
      dataCenters: [...EAST.map(() => 'east'), ...WEST.map(() => 'west')],
      antiEntropyMs,
    });
    this.world.network.onFrame = (from, to, frame) => this.#count(from, to, frame);
  }

  async start(): Promise<void> {
    for (const [one, other] of [...EAST.flatMap((east) => WEST.map((west) => [east, west]))]) {
      this.world.network.setLink(one as string, other as string, { delayMsMin: LINK_MS });
      this.world.network.setLink(other as string, one as string, { delayMsMin: LINK_MS });
    }
    const { names } = this.cluster;
    await this.world.settle(Promise.all(names.map((name) => this.cluster.start(name))));
    await this.seeEachOther();
    // Until they know how long answers over the link take.
    await this.world.runFor(3_000);
    this.crossings.clear();
  }

  async seeEachOther(): Promise<void> {
    const { names } = this.cluster;
    await this.world.runUntil(() =>
      names.every((name) => this.cluster.node(name)?.metrics().membersAlive === names.length),
    );
  }

  node(name: string): Node {
    return this.cluster.node(name) as Node;
  }

  put(name: string, key: string, value: string, w?: ConsistencyLevel): Promise<WriteOutcome> {
    const change = { kind: 'put', value: Buffer.from(value), expiresAt: 0 } as const;
    const request: WriteRequest = { keyspace: LATEST, key: Buffer.from(key), change, w };
    return this.world.settle(this.node(name).write(request));
  }

  async value(name: string, key: string, r?: ConsistencyLevel): Promise<string | undefined> {
    const request = { keyspace: LATEST, key: Buffer.from(key), r };
    const read = await this.world.settle(this.node(name).get(request));
    if (read.kind === 'no-answer') return read.kind;
    return read.kind === 'found' ? String(read.values[0]?.value) : undefined;
  }

  /** Nothing under way, and nobody away. */
  async cutOff(names: readonly string[], how: 'crash' | 'cut'): Promise<void> {
    const others = this.cluster.names.filter((name) => !names.includes(name));
    if (how === 'cut') this.world.network.partition(names, others);
    else for (const name of names) this.cluster.crash(name);
    await this.world.runUntil(() =>
      others.every((name) => this.node(name).metrics().membersAlive === others.length),
    );
  }

  async bringBack(names: readonly string[], how: 'crash' | 'cut'): Promise<void> {
    if (how === 'cut') this.world.network.healAll();
    else await this.world.settle(Promise.all(names.map((name) => this.cluster.start(name))));
    await this.seeEachOther();
  }

  /** Every hint is delivered, and every pair of replicas found nothing to tell each other. */
  async converge(): Promise<void> {
    const { cluster, world } = this;
    await world.runUntil(
      () => cluster.running().every((node) => node.metrics().hintsPending.size === 0),
      60_000,
    );
    const since = cluster.running().map((node) => node.wallMs());
    await world.runUntil(
      () =>
        cluster.running().every((node, place) => {
          const states = [...node.metrics().sync.values()];
          return states.every(({ inSyncMs }) => inSyncMs >= (since[place] as number));
        }),
      120_000,
    );
  }

  #count(from: string, to: string, frame: Buffer): void {
    const [here, there] = [from, to].map((name) => (EAST.includes(name) ? 'east' : 'west'));
    if (here === there) return;
    for (const what of kindsIn(frame)) {
      const name = `${here}>${there} ${what}`;
      this.crossings.set(name, (this.crossings.get(name) ?? 0) + 1);
    }
  }
}

/** Of the requests in it. */
function kindsIn(frame: Buffer): string[] {
  const r = new ByteReader(Buffer.from(frame));
  readHeader(r);
  const kinds: string[] = [];
  while (r.left > 0) {
    const message = readMessage(r);
    if (message.kind === 'request') kinds.push(message.request.kind);
    else if (message.kind === 'relay' || message.kind === 'relayed') kinds.push(message.kind);
  }
  return kinds;
}

test('a write crosses the link once, whatever level it is at; a local read does not', async () => {
  const places = new TwoPlaces(1, NEVER_MS);
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
  const places = new TwoPlaces(9, NEVER_MS, { n: 4, copies: { east: 2, west: 2 } });
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
const ENDS: Readonly<Record<string, (places: TwoPlaces, name: string) => void>> = {
  crashes: ({ cluster }, name) => cluster.crash(name),
  freezes: ({ world }, name) => world.node(name).pause(),
  'is cut off': ({ world }, name) => world.network.isolate(name),
};

for (const [what, how] of Object.entries(ENDS)) {
  test(`a delegate that ${what} with a write in its hands is passed by`, async () => {
    for (const seed of [2, 3]) await writeWithoutDelegate(seed, how);
  });
}

async function writeWithoutDelegate(seed: number, how: (places: TwoPlaces, name: string) => void) {
  const places = new TwoPlaces(seed, NEVER_MS);
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

for (const how of ['crash', 'cut'] as const) {
  test(`a data center is lost (${how}): the other goes on, and both converge`, async () => {
    for (const seed of [5, 6]) {
      const places = new TwoPlaces(seed);
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

/** Every node is a replica of every key here. */
async function sameDisks({ world, cluster }: TwoPlaces): Promise<void> {
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
  const places = new TwoPlaces(7, NEVER_MS, { n: 3, copies: { east: 3 } });
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
  const anywhere = { ...ORDERS, n: 3, copies: undefined };
  const dataCenters = ['east', 'east', 'west'];
  throws(
    () => new SimCluster(new SimWorld(1), 3, { keyspaces: [anywhere], dataCenters }),
    (error) => hasCode(error, 'LEVEL_IMPOSSIBLE') && /wherever they fall/.test(error.message),
  );
});

test('a data center of a new cluster serves before the other one is there', async () => {
  const places = new TwoPlaces(8);
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
