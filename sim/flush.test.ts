// A keyspace is emptied by a floor: at once, wholly, and for good, whatever is written beside it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KeyspaceNumber } from '../src/base/ids.ts';
import type { Node } from '../src/node/node.ts';
import { LATEST, SIBLINGS, SimCluster } from './cluster.ts';
import { SimWorld } from './sim-host.ts';

const KEYS = Array.from({ length: 40 }, (_, i) => `key-${i}`);

class Story {
  readonly world: SimWorld;
  readonly cluster: SimCluster;

  constructor(nodes = 3, seed = 1) {
    this.world = new SimWorld(seed);
    this.cluster = new SimCluster(this.world, nodes);
  }

  async begin(): Promise<this> {
    for (const name of this.cluster.names) await this.start(name);
    for (const key of KEYS) assert.equal(await this.put(key, 'old'), 'ok');
    return this;
  }

  node(name: string): Node {
    return this.cluster.node(name) as Node;
  }

  async start(name: string): Promise<void> {
    await this.world.settle(this.cluster.start(name));
    await this.together();
  }

  async together(): Promise<void> {
    const { length } = this.cluster.running();
    await this.world.runUntil(() =>
      this.cluster.running().every((node) => node.metrics().membersAlive === length),
    );
  }

  async put(key: string, value: string, keyspace = LATEST): Promise<string> {
    const change = { kind: 'put', value: Buffer.from(value), expiresAt: 0 } as const;
    const request = { keyspace, key: Buffer.from(key), change };
    return (await this.world.settle(this.node('n1').write(request), 5_000)).kind;
  }

  flush(keyspace: KeyspaceNumber = LATEST): Promise<boolean> {
    return this.world.settle((this.cluster.running().at(-1) as Node).flush(keyspace), 20_000);
  }

  async found(keyspace = LATEST): Promise<string[]> {
    const found: string[] = [];
    for (const key of KEYS) {
      for (const node of this.cluster.running()) {
        const request = { keyspace, key: Buffer.from(key) };
        const read = await this.world.settle(node.get(request), 5_000);
        assert.notEqual(read.kind, 'no-answer');
        if (read.kind === 'found') found.push(`${key} = ${read.values[0]?.value}`);
      }
    }
    return found;
  }

  /** What the disks hold, by the names of nodes, and how many keys their engines count. */
  async disks(): Promise<[string, string[], number][]> {
    await this.world.settle(this.cluster.closeAll());
    const found: [string, string[], number][] = [];
    for (const name of this.cluster.names) {
      const { objects, counts } = await this.world.settle(this.cluster.contents(name));
      const sum = [...counts.values()].reduce((total, count) => total + count, 0);
      found.push([name, [...objects.keys()], sum]);
    }
    return found;
  }
}

for (const nodes of [1, 3, 5]) {
  test(`a flush of ${nodes} nodes leaves no key, and other keyspaces alone`, async () => {
    const story = await new Story(nodes).begin();
    await story.put('key-0', 'other', SIBLINGS);
    assert.ok(await story.flush());
    assert.equal(await story.world.settle(story.node('n1').countKeys(LATEST)), 0);
    assert.deepEqual(await story.found(), []);
    assert.equal((await story.found(SIBLINGS)).length, nodes);
    for (const [name, keys, count] of await story.disks()) {
      const isHolder = story.cluster.holders(`${SIBLINGS}/key-0`).includes(name);
      assert.deepEqual([keys, count], isHolder ? [[`${SIBLINGS}/key-0`], 1] : [[], 0]);
    }
  });
}

test('while a node is away nothing is flushed at once', async () => {
  const story = await new Story().begin();
  story.cluster.crash('n3');
  await story.together();
  assert.equal(await story.flush(), false);
  assert.equal((await story.found()).length, 2 * KEYS.length);
});

test('a disk from before the flush brings nothing back', async () => {
  const story = await new Story().begin();
  await story.world.runFor(1_000);
  await story.world.settle(story.cluster.stop('n3'));
  const backup = story.world.node('n3').directory.backup();
  await story.start('n3');
  assert.ok(await story.flush());
  await story.world.settle(story.cluster.stop('n3'));
  story.world.node('n3').directory.restore(backup);
  await story.start('n3');
  assert.deepEqual(await story.found(), []);
  await story.world.runFor(10_000);
  for (const [, keys] of await story.disks()) assert.deepEqual(keys, []);
});

test('a flush survives a power cut as soon as it is confirmed', async () => {
  const story = await new Story().begin();
  assert.ok(await story.flush());
  for (const name of story.cluster.names) story.cluster.crash(name);
  for (const name of story.cluster.names) await story.start(name);
  assert.deepEqual(await story.found(), []);
});

test('what is written beside a flush comes before or after it, as a whole', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const story = await new Story(3, seed).begin();
    const { world } = story;
    let endMs = Number.POSITIVE_INFINITY;
    const flushed = story
      .node('n2')
      .flush(LATEST)
      .then((isDone) => {
        endMs = world.nowMs;
        return isDone;
      });
    const later: string[] = [];
    const write = async (key: string, i: number) => {
      // Most of them within the two milliseconds that it takes.
      await world.sleep(i < 30 ? i / 12 : i);
      const startMs = world.nowMs;
      const change = { kind: 'put', value: Buffer.from('new'), expiresAt: 0 } as const;
      const node = story.node(`n${1 + (i % 3)}`);
      const outcome = await node.write({ keyspace: LATEST, key: Buffer.from(key), change });
      if (outcome.kind === 'ok' && startMs > endMs) later.push(key);
    };
    await world.settle(Promise.all(KEYS.map(write)));
    assert.ok(await world.settle(flushed));
    await world.runFor(2_000);
    const found = await story.found();
    assert.ok(later.length > 0, 'some were written after it');
    for (const key of later) {
      assert.equal(found.filter((text) => text === `${key} = new`).length, 3, key);
    }
    assert.deepEqual(
      found.filter((text) => text.endsWith('old')),
      [],
    );
    const counts = KEYS.filter((key) => found.includes(`${key} = new`)).length;
    assert.equal(await world.settle(story.node('n1').countKeys(LATEST)), counts);
  }
});
