// A coordinator with more to do than it gets through: what it refuses first, what it goes on doing,
// and that it is itself again when the rush is over.

import { equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../src/base/errors.ts';
import type { Node } from '../src/node/node.ts';
import { LATEST, SimCluster } from './cluster.ts';
import { SimWorld } from './sim-host.ts';

const START = { slot: 0, hash: 0 } as Parameters<Node['listKeys']>[0]['from'];

async function started() {
  const world = new SimWorld(3);
  const cluster = new SimCluster(world, 3, { storage: {} });
  await world.settle(Promise.all(cluster.names.map((name) => cluster.start(name))));
  await world.runUntil(() => cluster.running().every((node) => node.metrics().membersAlive === 3));
  /** What n1 asks of the others takes so long. */
  const answerAfter = (delayMsMin: number) => {
    for (const from of ['n2', 'n3']) world.network.setLink(from, 'n1', { delayMsMin });
  };
  return { world, cluster, answerAfter, node: cluster.node('n1') as Node };
}

class Client {
  readonly #node: Node;
  #count = 0;
  readonly underWay: Promise<unknown>[] = [];

  constructor(node: Node) {
    this.#node = node;
  }

  async write(): Promise<unknown> {
    const value = Buffer.from('v');
    const key = Buffer.from(`k${this.#count++}`);
    const change = { kind: 'put', value, expiresAt: 0 } as const;
    return this.#node.write({ keyspace: LATEST, key, change });
  }

  async read(): Promise<unknown> {
    return this.#node.get({ keyspace: LATEST, key: Buffer.from('k0') });
  }

  async scan(): Promise<unknown> {
    return this.#node.listKeys({ keyspace: LATEST, from: START, count: 10 });
  }

  /** So many writes begin, and nobody waits for them yet. */
  begin(count: number): void {
    for (let i = 0; i < count; i++) this.underWay.push(outcomeOf(this.write()));
  }
}

/** What is refused says so at once; anything else is under way. */
async function outcomeOf(request: Promise<unknown>): Promise<string> {
  try {
    return ((await request) as { kind: string }).kind;
  } catch (error) {
    ok(hasCode(error, 'OVERLOADED'), String(error));
    return 'refused';
  }
}

async function isRefused(world: SimWorld, request: Promise<unknown>): Promise<boolean> {
  let outcome = '';
  outcomeOf(request).then((found) => {
    outcome = found;
  });
  await world.runFor(1);
  return outcome === 'refused';
}

test('scans are refused before reads, reads before writes, and gossip goes on', async () => {
  const { world, cluster, answerAfter, node } = await started();
  answerAfter(600);
  const client = new Client(node);
  const refused = async () => [
    await isRefused(world, client.scan()),
    await isRefused(world, client.read()),
    await isRefused(world, client.write()),
  ];
  const steps: readonly (readonly [writes: number, refused: readonly boolean[]])[] = [
    [500, [false, false, false]],
    [200, [true, false, false]],
    [200, [true, true, false]],
    [200, [true, true, true]],
  ];
  for (const [writes, expected] of steps) {
    client.begin(writes);
    equal(String(await refused()), String(expected), `${node.metrics().admission.underWay}`);
  }
  const outcomes = await world.settle(Promise.all(client.underWay), 10_000);
  const done = outcomes.filter((outcome) => outcome === 'ok').length;
  ok(done >= 1_000, `${done} of those that got in are done`);
  await world.runFor(2_000);
  equal(node.metrics().admission.underWay, 0, 'every place is given back');
  for (const each of cluster.running()) equal(each.metrics().memberDowns, 0);
  equal(await isRefused(world, client.scan()), false);
  await world.settle(cluster.closeAll());
});

test('where all requests take long more may be under way, but no more than needed', async () => {
  const { world, cluster, answerAfter, node } = await started();
  const client = new Client(node);
  /** So many every 50 ms. */
  const rush = async (writes: number, rounds: number) => {
    for (let i = 0; i < rounds; i++) {
      client.begin(writes);
      await world.runFor(50);
    }
    await world.settle(Promise.all(client.underWay), 10_000);
    return node.metrics().admission;
  };
  answerAfter(10);
  const { limit } = await rush(200, 30);
  equal(node.metrics().admission.refused.write, 0);
  answerAfter(300);
  const far = await rush(150, 300);
  ok(far.limit > 1.5 * limit, `${limit}, then ${far.limit} may be under way`);
  const refusedSince = async (writes: number, rounds: number) => {
    const before = node.metrics().admission.refused.write;
    return (await rush(writes, rounds)).refused.write - before;
  };
  equal(await refusedSince(150, 40), 0, 'they all have their place by now');
  const refused = await refusedSince(2_000, 10);
  ok(refused > 1_000, `${refused} writes were refused`);
  equal(await refusedSince(50, 20), 0, 'nobody is refused any more');
  await world.settle(cluster.closeAll());
});
