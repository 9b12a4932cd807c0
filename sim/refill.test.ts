// A node whose disk was lost has forgotten what it had confirmed: until it was refilled nothing
// that it lacks counts as an answer, and what it has is no proof that nothing newer exists
// (replication/refill).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '../src/node/node.ts';
import type { WriteRequest } from '../src/node/store.ts';
import { proud } from './canaries.ts';
import { LATEST, type Saboteur, SimCluster } from './cluster.ts';
import { SimWorld } from './sim-host.ts';

/** Nothing is compared without need. */
const HOUR_MS = 3_600_000;

class Story {
  readonly world = new SimWorld(1);
  readonly cluster: SimCluster;

  constructor(saboteur: Saboteur = (host) => host) {
    this.cluster = new SimCluster(this.world, 3, { saboteur, antiEntropyMs: HOUR_MS });
  }

  async begin(): Promise<this> {
    for (const name of this.cluster.names) await this.start(name);
    await this.refilled();
    return this;
  }

  node(name: string): Node {
    return this.cluster.node(name) as Node;
  }

  async start(name: string): Promise<void> {
    await this.world.settle(this.cluster.start(name));
    await this.world.runFor(1_000);
  }

  async refilled(): Promise<void> {
    const isRefilled = () => this.cluster.running().every((n) => n.metrics().slotsRefilling === 0);
    await this.world.runUntil(isRefilled, 60_000);
  }

  /** Only these two hear each other. */
  async together(one: string, other: string): Promise<void> {
    this.world.network.healAll();
    const rest = this.cluster.names.filter((name) => name !== one && name !== other);
    this.world.network.partition([one, other], rest);
    await this.world.runFor(3_000);
  }

  async wipe(name: string): Promise<void> {
    this.cluster.crash(name);
    this.world.node(name).wipeDisk();
    await this.start(name);
  }

  async put(name: string, value: string, more: Partial<WriteRequest> = {}): Promise<string> {
    const change = { kind: 'put', value: Buffer.from(value), expiresAt: 0 } as const;
    const request = { keyspace: LATEST, key: Buffer.from('k'), change, ...more };
    return (await this.world.settle(this.node(name).write(request), 5_000)).kind;
  }

  /** The value, or the kind of the outcome. */
  async read(name: string, r: number, key = 'k'): Promise<string> {
    const request = { keyspace: LATEST, key: Buffer.from(key), r };
    const read = await this.world.settle(this.node(name).get(request), 5_000);
    return read.kind === 'found' ? `${read.values[0]?.value}` : read.kind;
  }
}

/** `before` is on all nodes, `new` on n1 and n2 only; then n2 loses its disk, and n1 is away. */
async function afterLoss(before: string | undefined, saboteur?: Saboteur): Promise<Story> {
  const story = await new Story(saboteur).begin();
  if (before !== undefined) assert.equal(await story.put('n3', before, { w: 3 }), 'ok');
  await story.together('n1', 'n2');
  assert.equal(await story.put('n1', 'new'), 'ok');
  await story.together('n2', 'n3');
  await story.wipe('n2');
  return story;
}

for (const before of [undefined, 'old']) {
  const stale = before ?? 'missing';
  test(`a disk is lost after an acknowledged write: no quorum says ${stale}`, async () => {
    const story = await afterLoss(before);
    for (const name of ['n2', 'n3']) assert.equal(await story.read(name, 2), 'no-answer');
    assert.equal(await story.read('n2', 1), stale, 'n3 may say what it has, alone');
    story.world.network.healAll();
    await story.refilled();
    await story.together('n2', 'n3');
    for (const name of ['n2', 'n3']) assert.equal(await story.read(name, 2), 'new');
    // The canary: a node that never says that it is being refilled.
    const broken = await afterLoss(before, proud);
    assert.equal(await broken.read('n3', 2), stale);
  });
}

test('conditions that nobody can judge are refused; writes count, and are read', async () => {
  const story = await afterLoss(undefined);
  assert.equal(await story.put('n3', 'first', { condition: 'absent' }), 'not-applied');
  assert.equal(await story.put('n2', 'newer', { w: 2 }), 'ok');
  story.world.network.healAll();
  await story.world.runFor(3_000);
  assert.equal(await story.read('n1', 2), 'newer');
});

test('a node that was killed, or restarted, goes on where it was', async () => {
  const story = await new Story().begin();
  await story.put('n1', 'v', { w: 3 });
  await story.together('n2', 'n3');
  story.cluster.crash('n2');
  await story.start('n2');
  await story.world.settle(story.cluster.stop('n3'));
  await story.start('n3');
  assert.equal(await story.read('n2', 2), 'v');
  assert.equal(await story.read('n2', 2, 'other'), 'missing');
});

test('refilling goes on after a crash', async () => {
  const story = await afterLoss(undefined);
  story.cluster.crash('n2');
  await story.start('n2');
  assert.equal(await story.read('n3', 2), 'no-answer');
});

test('a new cluster serves at once, also while one of its nodes has not come yet', async () => {
  const story = new Story();
  for (const name of ['n1', 'n2']) await story.world.settle(story.cluster.start(name));
  // They have met, and have not compared anything yet.
  await story.world.runFor(100);
  assert.equal(await story.read('n1', 2), 'missing');
  assert.equal(await story.put('n1', 'v', { condition: 'absent' }), 'ok');
  assert.equal(await story.read('n2', 2), 'v');
  await story.world.settle(story.cluster.start('n3'));
  await story.world.runFor(100);
  assert.equal(await story.read('n3', 2, 'other'), 'missing');
  assert.equal(await story.read('n3', 3), 'v');
  await story.refilled();
});

test('a directory that went back in time counts for nothing once that is noticed', async () => {
  const story = await new Story().begin();
  await story.world.settle(story.cluster.stop('n3'));
  const backup = story.world.node('n3').directory.backup();
  await story.start('n3');
  await story.together('n1', 'n3');
  for (const key of ['a', 'b']) {
    assert.equal(await story.put('n3', 'v', { key: Buffer.from(key) }), 'ok');
  }
  await story.world.settle(story.cluster.stop('n3'));
  story.world.node('n3').directory.restore(backup);
  await story.start('n3');
  // n1 shows it a life that it knows nothing of.
  assert.equal(await story.put('n3', 'w', { key: Buffer.from('b') }), 'ok');
  await story.together('n2', 'n3');
  assert.equal(await story.read('n2', 2, 'a'), 'no-answer');
  story.world.network.healAll();
  await story.refilled();
  await story.together('n2', 'n3');
  assert.equal(await story.read('n2', 2, 'a'), 'v');
});
