// Rot on one disk heals by itself: what cannot be read is dropped and refilled by the others, and
// the file that rotted goes (replication/refill/damage-healer.ts).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '../src/node/node.ts';
import { LATEST, SIBLINGS, SimCluster } from './cluster.ts';
import { SimWorld } from './sim-host.ts';

const KEYS = Array.from({ length: 60 }, (_, i) => `key-${i}`);
const VICTIM = 'n2';

class Story {
  readonly world: SimWorld;
  readonly cluster: SimCluster;

  constructor(seed: number) {
    this.world = new SimWorld(seed);
    this.cluster = new SimCluster(this.world, 3);
  }

  /** The keys are on all disks, in tables. */
  async begin(): Promise<this> {
    for (const name of this.cluster.names) await this.world.settle(this.cluster.start(name));
    await this.refilled();
    for (const key of KEYS) {
      const change = { kind: 'put', value: Buffer.from(`value of ${key}`), expiresAt: 0 } as const;
      const request = { keyspace: LATEST, key: Buffer.from(key), change, w: 3 };
      const write = this.node('n1').write(request);
      assert.equal((await this.world.settle(write, 5_000)).kind, 'ok');
    }
    await this.world.runFor(2_000);
    return this;
  }

  get victim(): Node {
    return this.node(VICTIM);
  }

  node(name: string): Node {
    return this.cluster.node(name) as Node;
  }

  async refilled(): Promise<void> {
    const isFull = (node: Node) => node.metrics().slotsRefilling === 0;
    await this.world.runUntil(() => this.cluster.running().every(isFull), 60_000);
  }

  async healed(): Promise<void> {
    const isSound = () => this.victim.metrics().engine.damaged.length === 0;
    await this.world.runUntil(() => this.victim.metrics().damagedSlotsDropped > 0, 60_000);
    await this.world.runUntil(isSound, 60_000);
    await this.refilled();
  }

  /** One bit of a file of each kind that the name begins with. */
  rot(prefix: string, offsetOf: (size: number) => number): string[] {
    const { directory } = this.world.node(VICTIM);
    const names = directory.names().filter((name) => name.startsWith(prefix));
    for (const name of names) directory.rot(name, offsetOf(directory.sizeOf(name)));
    return names;
  }

  async allReadable(r: number): Promise<void> {
    for (const key of KEYS) {
      const request = { keyspace: LATEST, key: Buffer.from(key), r };
      const read = await this.world.settle(this.victim.get(request), 5_000);
      assert.ok(read.kind === 'found', `${key}: ${read.kind}`);
      assert.equal(String(read.values[0]?.value), `value of ${key}`);
    }
  }
}

const DAMAGES: [what: string, prefix: string, offset: (size: number) => number][] = [
  ['first blocks of tables', 'table-', () => 30],
  ['ends of tables', 'table-', (size) => size - 5],
  ['value files', 'values-', (size) => size - 5],
];

for (const [what, prefix, offset] of DAMAGES) {
  test(`${what} rot: all is answered meanwhile, and heals`, async () => {
    const story = await new Story(1).begin();
    const names = story.rot(prefix, offset);
    assert.ok(names.length > 0);
    await story.allReadable(2);
    await story.healed();
    for (const name of names) {
      assert.ok(!story.world.node(VICTIM).directory.names().includes(name), `${name} is gone`);
    }
    story.cluster.crash('n1');
    story.cluster.crash('n3');
    await story.allReadable(1);
  });
}

test('while nobody else has what rotted nothing is dropped', async () => {
  const story = await new Story(2).begin();
  await story.world.settle(story.cluster.stop('n1'));
  await story.world.settle(story.cluster.stop('n3'));
  story.rot('table-', () => 30);
  await story.world.runFor(20_000);
  const { damagedSlotsDropped, engine } = story.victim.metrics();
  assert.ok(damagedSlotsDropped === 0 || engine.damaged.length > 0);
  for (const name of ['n1', 'n3']) await story.world.settle(story.cluster.start(name));
  await story.healed();
  await story.allReadable(2);
});

test('a node whose tables rotted while it was down starts, and heals', async () => {
  const story = await new Story(3).begin();
  await story.world.settle(story.cluster.stop(VICTIM));
  story.rot('table-', (size) => size - 5);
  await story.world.settle(story.cluster.start(VICTIM));
  await story.healed();
  story.cluster.crash('n1');
  story.cluster.crash('n3');
  await story.allReadable(1);
});

test('a slot heals of which others have newer versions than the one that rotted', async () => {
  const story = await new Story(4).begin();
  const [key] = KEYS as [string, ...string[]];
  assert.ok(story.rot('table-', () => 30).length > 0);
  const change = { kind: 'put', value: Buffer.from('newer'), expiresAt: 0 } as const;
  const write = story.node('n1').write({ keyspace: LATEST, key: Buffer.from(key), change });
  assert.equal((await story.world.settle(write, 5_000)).kind, 'ok');
  await story.healed();
  const read = story.victim.get({ keyspace: LATEST, key: Buffer.from(key), r: 1 });
  const found = await story.world.settle(read, 5_000);
  assert.ok(found.kind === 'found');
  assert.equal(String(found.values[0]?.value), 'newer');
});

test('a node that dropped slots goes on as a new actor: it forgot what it named', async () => {
  const story = await new Story(5).begin();
  const key = Buffer.from(KEYS[0] as string);
  const actorOfWrite = async () => {
    const change = { kind: 'put', value: Buffer.from('v'), expiresAt: 0 } as const;
    const write = story.victim.write({ keyspace: SIBLINGS, key, change });
    const outcome = await story.world.settle(write, 5_000);
    assert.ok(outcome.kind === 'ok');
    return outcome.dot.actor;
  };
  const before = await actorOfWrite();
  await story.world.runFor(2_000);
  assert.ok(story.rot('table-', () => 30).length > 0);
  await story.healed();
  assert.notEqual(await actorOfWrite(), before);
});
