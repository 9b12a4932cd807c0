// What is deleted or has expired is forgotten when all primaries are there, and does not come back,
// whatever old copies turn up afterwards (replication/reaping).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EMPTY_VECTOR } from '../src/causality/version-vector.ts';
import type { Node } from '../src/node/node.ts';
import { Echo, oblivious } from './canaries.ts';
import { LATEST, type Saboteur, SIBLINGS, SimCluster } from './cluster.ts';
import { WALL_MS_AT_START } from './sim-clock.ts';
import { SimWorld } from './sim-host.ts';

const HOUR_MS = 3_600_000;

class Story {
  readonly world = new SimWorld(1);
  readonly cluster: SimCluster;

  constructor(saboteur?: Saboteur) {
    this.cluster = new SimCluster(this.world, 3, saboteur === undefined ? {} : { saboteur });
  }

  async begin(): Promise<this> {
    for (const name of this.cluster.names) await this.start(name);
    const isFull = (node: Node) => node.metrics().slotsRefilling === 0;
    await this.world.runUntil(() => this.cluster.running().every(isFull));
    return this;
  }

  node(name: string): Node {
    return this.cluster.node(name) as Node;
  }

  async start(name: string): Promise<void> {
    await this.world.settle(this.cluster.start(name));
    const { length } = this.cluster.running();
    await this.world.runUntil(() =>
      this.cluster.running().every((node) => node.metrics().membersAlive === length),
    );
  }

  async stop(name: string): Promise<void> {
    await this.world.settle(this.cluster.stop(name));
    const { length } = this.cluster.running();
    await this.world.runUntil(() =>
      this.cluster.running().every((node) => node.metrics().membersAlive === length),
    );
  }

  async put(name: string, value: string, expiresAt = 0, keyspace = SIBLINGS): Promise<string> {
    const change = { kind: 'put', value: Buffer.from(value), expiresAt } as const;
    const request = { keyspace, key: Buffer.from('k'), change };
    return (await this.world.settle(this.node(name).write(request), 5_000)).kind;
  }

  async delete(name: string): Promise<void> {
    const change = { kind: 'delete' } as const;
    const request = { keyspace: SIBLINGS, key: Buffer.from('k'), change };
    const outcome = await this.world.settle(this.node(name).write(request), 5_000);
    assert.equal(outcome.kind, 'ok');
  }

  async values(name: string, r = 2): Promise<string[]> {
    const request = { keyspace: SIBLINGS, key: Buffer.from('k'), r };
    const read = await this.world.settle(this.node(name).get(request), 5_000);
    assert.notEqual(read.kind, 'no-answer');
    return read.kind === 'found' ? read.values.map(({ value }) => `${value}`) : [];
  }

  async forgotten(): Promise<void> {
    await this.world.runUntil(
      () => this.cluster.running().every((node) => node.metrics().reaping.slots === 0),
      60_000,
    );
  }

  /** The names of all objects on each disk. */
  async disks(): Promise<string[][]> {
    await this.world.settle(this.cluster.closeAll());
    const found: string[][] = [];
    for (const name of this.cluster.names) {
      const { objects } = await this.world.settle(this.cluster.contents(name));
      found.push([...objects.keys()]);
    }
    return found;
  }
}

test('a delete is forgotten by all, and each disk has nothing of the key', async () => {
  const story = await new Story().begin();
  await story.put('n1', 'v');
  await story.delete('n2');
  await story.forgotten();
  assert.deepEqual(await story.values('n3'), []);
  assert.ok(story.cluster.running().every((node) => node.metrics().reaping.forgotten === 1));
  assert.deepEqual(await story.disks(), [[], [], []]);
});

test('while a primary is away deletes wait for it, and say so', async () => {
  const story = await new Story().begin();
  await story.put('n1', 'old');
  await story.stop('n3');
  await story.delete('n1');
  await story.world.runFor(HOUR_MS / 60);
  for (const name of ['n1', 'n2']) {
    const { reaping, reapingWaits } = story.node(name).metrics();
    assert.deepEqual([reaping.forgotten, [...reapingWaits]], [0, [['n3', 1]]]);
  }
  await story.start('n3');
  await story.forgotten();
  for (const name of story.cluster.names) assert.deepEqual(await story.values(name, 1), []);
  assert.deepEqual(await story.disks(), [[], [], []]);
});

test('a key that is written again is not forgotten', async () => {
  const story = await new Story().begin();
  await story.put('n1', 'v');
  await story.delete('n2');
  await story.forgotten();
  assert.equal(await story.put('n3', 'again'), 'ok');
  await story.world.runFor(10_000);
  for (const name of story.cluster.names) assert.deepEqual(await story.values(name, 1), ['again']);
});

/** A node gets back the disk that it had before `happening`. */
async function restoring(story: Story, name: string, happening: () => Promise<void>) {
  await story.world.runFor(100);
  await story.stop(name);
  const backup = story.world.node(name).directory.backup();
  await story.start(name);
  await happening();
  await story.stop(name);
  story.world.node(name).directory.restore(backup);
  await story.start(name);
}

/** What is read when n3 is given back the disk that it had before the delete. */
async function valuesAfterRestoring(saboteur?: Saboteur): Promise<string[]> {
  const story = await new Story(saboteur).begin();
  await story.put('n1', 'old');
  await restoring(story, 'n3', async () => {
    await story.delete('n1');
    await story.forgotten();
  });
  return await story.values('n3', 2);
}

test('a disk from before the delete brings nothing back', async () => {
  assert.deepEqual(await valuesAfterRestoring(), []);
  // The canary: when absent keys say nothing the old value is as good as any.
  assert.deepEqual(await valuesAfterRestoring(oblivious), ['old']);
});

test('a node with a disk from before the delete is healed by reads, and writes on', async () => {
  const story = await new Story().begin();
  await story.put('n3', 'old');
  await restoring(story, 'n3', async () => {
    await story.put('n3', 'older than the delete');
    await story.delete('n3');
    await story.forgotten();
  });
  // It would use names twice that floors cover: so it goes on as a new actor.
  while ((await story.put('n3', 'new')) !== 'ok');
  await story.world.runFor(1_000);
  for (const name of story.cluster.names) assert.deepEqual(await story.values(name, 2), ['new']);
});

test('copies that come when the delete is forgotten fall under the floor', async () => {
  const echo = new Echo();
  const story = await new Story((host, name) => {
    return name === 'n2' ? echo.saboteur(host) : host;
  }).begin();
  await story.put('n1', 'old');
  await story.delete('n1');
  await story.forgotten();
  echo.resound();
  await story.world.runFor(5_000);
  assert.deepEqual(await story.values('n2', 1), []);
  assert.deepEqual(await story.disks(), [[], [], []]);
});

test('a node with a new disk takes no floor that others have earned', async () => {
  const echo = new Echo();
  const story = await new Story((host, name) => {
    return name === 'n3' ? echo.saboteur(host) : host;
  }).begin();
  // Led by n2, who is the first primary of the key.
  await story.put('n1', 'v');
  await story.delete('n1');
  await story.forgotten();
  const raised = () => story.node('n3').metrics().reaping.floorsRaised;
  assert.equal(raised(), 1);
  await story.stop('n3');
  story.world.node('n3').wipeDisk();
  await story.start('n3');
  echo.resound();
  // Less than a slot rests: the tombstone is among what n3 is told again, and will be reaped again.
  await story.world.runFor(100);
  assert.equal(raised(), 0);
});

test('expired values are forgotten; a clock that is ahead forgets none early', async () => {
  const story = await new Story().begin();
  const nowMs = () => Math.floor(WALL_MS_AT_START + story.world.nowMs);
  story.world.node('n1').quartz.setSkew(2 * HOUR_MS);
  await story.put('n2', 'an hour', nowMs() + HOUR_MS);
  await story.put('n2', 'a second', nowMs() + 1_000, LATEST);
  await story.world.runFor(120_000);
  assert.deepEqual(await story.values('n2', 2), ['an hour']);
  await story.stop('n1');
  await story.start('n1');
  await story.world.runFor(120_000);
  assert.deepEqual(await story.disks(), Array(3).fill([`${SIBLINGS}/k`]));
});

test('a leader that dies at any moment of a round leaves nothing that comes back', async () => {
  for (let diesAfterMs = 0; diesAfterMs < 12; diesAfterMs++) {
    const story = await new Story().begin();
    await story.put('n1', 'v');
    await story.delete('n1');
    // The first round begins some 200 ms after the delete.
    await story.world.runFor(195 + diesAfterMs);
    const victim = story.cluster.names[diesAfterMs % 3] as string;
    story.cluster.crash(victim);
    await story.world.runFor(3_000);
    for (const name of story.cluster.names) {
      if (name !== victim) assert.deepEqual(await story.values(name), []);
    }
    await story.start(victim);
    await story.forgotten();
    assert.deepEqual(await story.values(victim), []);
    assert.deepEqual(await story.disks(), [[], [], []]);
  }
});

test('a listing does not show what only a stale node still has, and heals it', async () => {
  const story = await new Story().begin();
  await story.put('n1', 'old');
  await restoring(story, 'n3', async () => {
    await story.delete('n1');
    await story.forgotten();
  });
  const from = { slot: 0, hash: 0 } as never;
  const page = await story.world.settle(
    story.node('n3').listKeys({ keyspace: SIBLINGS, from, count: 100_000 }),
    10_000,
  );
  assert.deepEqual(page.kind === 'page' && page.keys, []);
  await story.world.runFor(1_000);
  assert.deepEqual(await story.values('n3', 1), []);
});

test('a key that was forgotten is absent, once', async () => {
  const story = await new Story().begin();
  await story.put('n1', 'old');
  await story.delete('n1');
  await story.forgotten();
  const change = { kind: 'put', value: Buffer.from('first'), expiresAt: 0 } as const;
  const request = {
    keyspace: SIBLINGS,
    key: Buffer.from('k'),
    change,
    condition: 'absent',
  } as const;
  const outcome = await story.world.settle(story.node('n2').write(request), 5_000);
  assert.equal(outcome.kind, 'ok');
  const again = { ...request, context: EMPTY_VECTOR };
  const refused = await story.world.settle(story.node('n3').write(again), 5_000);
  assert.equal(refused.kind, 'condition-failed');
});
