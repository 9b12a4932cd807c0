// A disk that goes back in time, to a copy that was taken after an orderly stop: the node does not
// know what it wrote since, and nothing that it writes now may claim to have seen it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '../src/node/node.ts';
import { SIBLINGS, SimCluster } from './cluster.ts';
import { SimWorld } from './sim-host.ts';

const KEY = 'k';

class Story {
  readonly world = new SimWorld(3);
  readonly cluster = new SimCluster(this.world, 5);

  async start(...names: readonly string[]): Promise<void> {
    await this.world.settle(Promise.all(names.map((name) => this.cluster.start(name))));
    await this.seenBy(this.cluster.running().length, ...names);
  }

  /** Each of `names` sees so many members alive. */
  seenBy(count: number, ...names: readonly string[]): Promise<void> {
    const isSeen = (name: string) => this.cluster.node(name)?.metrics().membersAlive === count;
    return this.world.runUntil(() => names.every(isSeen));
  }

  /** As a writer who has seen nothing of the key. */
  async put(name: string, key: string, value: string): Promise<void> {
    const change = { kind: 'put', value: Buffer.from(value), expiresAt: 0 } as const;
    const request = { keyspace: SIBLINGS, key: Buffer.from(key), change, context: [] };
    const node = this.cluster.node(name) as Node;
    const outcome = await this.world.settle(node.write(request), 5_000);
    assert.ok(outcome.kind === 'ok', `${value}: ${outcome.kind}`);
    await this.world.settle(outcome.receipt.settled);
  }

  async values(name: string): Promise<string[]> {
    const request = { keyspace: SIBLINGS, key: Buffer.from(KEY), r: 3 };
    const read = await this.world.settle((this.cluster.node(name) as Node).get(request), 5_000);
    return read.kind === 'found' ? read.values.map(({ value }) => `${value}`).toSorted() : [];
  }
}

test('a node on an old disk does not cover the writes that it has forgotten', async () => {
  const story = new Story();
  const { world, cluster } = story;
  await story.start(...cluster.names);
  const isFull = () => cluster.running().every((node) => node.metrics().slotsRefilling === 0);
  await world.runUntil(isFull, 60_000);
  const [first, ...others] = cluster.holders(`${SIBLINGS}/${KEY}`) as [string, ...string[]];
  await world.settle(cluster.stop(first));
  const copy = world.node(first).directory.backup();
  await story.start(first);
  await story.put(first, KEY, 'forgotten');
  await world.settle(cluster.stop(first));
  // Lives are counted in seconds.
  await world.runFor(5_000);
  world.node(first).directory.restore(copy);
  // Nobody who could show it what it has forgotten: it counts on, beyond that.
  world.network.partition([first], others);
  await world.settle(cluster.start(first));
  await story.seenBy(3, first);
  for (const n of [1, 2, 3]) await story.put(first, `{${KEY}}${n}`, `other ${n}`);
  await story.put(first, KEY, 'new');
  world.network.healAll();
  await story.seenBy(5, ...cluster.names);
  await world.runFor(5_000);
  for (const name of others) assert.deepEqual(await story.values(name), ['forgotten', 'new']);
});
