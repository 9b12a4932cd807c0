// Hybrid time after restarts: a write that a client made after another one was acknowledged wins,
// though the clock behind the first was ahead, and nobody who remembers it kept running.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LATEST, SimCluster } from './cluster.ts';
import { SimWorld } from './sim-host.ts';

const KEY = Buffer.from('k');
const AHEAD_MS = 20_000;
/** Further than a node lets itself be pulled by times that are ahead of its clock. */
const BACK_MS = 100_000;

class Cluster {
  readonly world = new SimWorld(1);
  readonly #cluster = new SimCluster(this.world, 3);

  async start(): Promise<void> {
    const { names } = this.#cluster;
    await this.world.settle(Promise.all(names.map((name) => this.#cluster.start(name))));
    await this.untilAlive(names.length);
  }

  /** All running nodes see so many of each other. */
  untilAlive(count: number, among: readonly string[] = this.#cluster.names): Promise<void> {
    const isSeen = (name: string) => this.#cluster.node(name)?.metrics().membersAlive === count;
    return this.world.runUntil(() => among.every(isSeen));
  }

  cutPower(): void {
    for (const name of this.#cluster.names) this.#cluster.crash(name);
  }

  async restart(name: string): Promise<void> {
    this.#cluster.crash(name);
    await this.world.settle(this.#cluster.start(name));
    await this.untilAlive(this.#cluster.names.length);
  }

  /** Resolves when all who can have it durably: what W of them remember is not enough here. */
  async put(name: string, value: string): Promise<void> {
    const change = { kind: 'put', value: Buffer.from(value), expiresAt: 0 } as const;
    const request = { keyspace: LATEST, key: KEY, change };
    const outcome = await this.world.settle(this.#nodeOf(name).write(request));
    assert.ok(outcome.kind === 'ok', outcome.kind);
    await this.world.settle(outcome.receipt.settled);
  }

  /** What each node answers when all of them are asked. */
  async values(): Promise<string[]> {
    const { names } = this.#cluster;
    const asked = names.map((name) =>
      this.#nodeOf(name).get({ keyspace: LATEST, key: KEY, r: names.length }),
    );
    const outcomes = await this.world.settle(Promise.all(asked));
    return outcomes.map((got) => (got.kind === 'found' ? String(got.values[0]?.value) : got.kind));
  }

  #nodeOf(name: string) {
    const node = this.#cluster.node(name);
    assert.ok(node !== undefined, `${name} is running`);
    return node;
  }
}

test('a node restarts with its clock set back and writes its own key again', async () => {
  const cluster = new Cluster();
  const { quartz } = cluster.world.node('n1');
  quartz.setSkew(AHEAD_MS);
  await cluster.start();
  await cluster.put('n1', 'first');
  quartz.setSkew(AHEAD_MS - BACK_MS);
  await cluster.restart('n1');
  await cluster.put('n1', 'second');
  assert.deepEqual(await cluster.values(), ['second', 'second', 'second']);
});

test('all restart, and a node that missed a write from a fast clock overwrites it', async () => {
  const cluster = new Cluster();
  const { network } = cluster.world;
  cluster.world.node('n2').quartz.setSkew(AHEAD_MS);
  await cluster.start();
  network.isolate('n1');
  await cluster.untilAlive(2, ['n2', 'n3']);
  await cluster.put('n2', 'first');
  cluster.cutPower();
  cluster.world.node('n2').quartz.setSkew(0);
  network.healAll();
  await cluster.start();
  await cluster.put('n1', 'second');
  assert.deepEqual(await cluster.values(), ['second', 'second', 'second']);
});
