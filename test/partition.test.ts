// What the store is for, with real processes: a network that is cut in two, a customer on each side
// who goes on shopping, and carts that are one again when it is healed. README shows this run.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { readIn, writtenIn } from '../src/client/kv-reply.ts';
import { connect } from '../src/client/kvorum-client.ts';
import { ReplyError } from '../src/client/reply-parser.ts';
import type { RespConnection } from '../src/client/resp-connection.ts';
import type { ClusterStatus, Explanation } from '../src/node/store.ts';
import {
  type RunningCluster,
  type RunningNode,
  runKvorum,
  startCluster,
} from './cluster-fixture.ts';
import { PATIENT } from './load.ts';
import { labRefusal, networkLab } from './network-lab.ts';
import { until } from './until.ts';

const skip = await labRefusal();
const APART = [[0], [1, 2]];
const TOGETHER = [[0, 1, 2]];

test('both sides of a partition take writes, and none is lost', { skip }, async (t) => {
  const lab = await networkLab(t, 3);
  const cluster = await startCluster({ nodes: 3, sites: lab.sites, owner: t });
  const [alone, together, third] = await customers(t, cluster);
  equal(await alone.send('SET', 'cart', JSON.stringify(['bread'])), 'OK');
  const before = readIn(await alone.send('KV.GET', 'cart', 'R', '3'));

  lab.cut(APART);
  await seen(cluster, 0, (alive) => alive === 1);
  await seen(cluster, 1, (alive) => alive === 2);

  await t.test('a quorum is refused where there is none, and says so', async () => {
    const reply = await alone.send('SET', 'cart', 'lost?');
    ok(reply instanceof ReplyError);
    match(reply.text, /^NOREPLICAS .*W=2, 1 reachable; nothing was written/);
  });

  await t.test('both customers are served', async () => {
    const put = async (at: RespConnection, items: readonly string[], w: string) => {
      const words = ['KV.PUT', 'cart', JSON.stringify(items), 'CONTEXT', before.context, 'W', w];
      const written = writtenIn(await at.send(...words));
      return written.isApplied && written.nodes.toSorted();
    };
    deepEqual(await put(alone, ['bread', 'milk'], '1'), ['n1']);
    deepEqual(await put(together, ['bread', 'eggs'], '2'), ['n2', 'n3']);
    deepEqual(cartsIn(await alone.send('KV.GET', 'cart', 'R', '1')), [['bread', 'milk']]);
    deepEqual(cartsIn(await together.send('KV.GET', 'cart')), [['bread', 'eggs']]);
    t.diagnostic('n1, alone, keeps ["bread","milk"]; n2 and n3 keep ["bread","eggs"]');
  });

  lab.cut(TOGETHER);
  for (const node of [0, 1, 2]) await seen(cluster, node, (alive) => alive === 3);

  await t.test('when it is healed a read shows both', async () => {
    const carts = cartsIn(await third.send('KV.GET', 'cart', 'R', '3'));
    deepEqual(carts.toSorted(), [
      ['bread', 'eggs'],
      ['bread', 'milk'],
    ]);
    t.diagnostic(`a read of all: ${JSON.stringify(carts)}`);
  });

  await t.test('the next change makes one of them, on every replica', async () => {
    const nodes = cluster.nodes.map(({ address }) => address);
    const kv = await connect({ nodes, keyspace: 'siblings' });
    await kv.update(
      'cart',
      (carts) => {
        const items = new Set(carts.flatMap((cart): string[] => JSON.parse(String(cart))));
        return JSON.stringify([...items.add('jam')].sort());
      },
      { w: 3 },
    );
    await kv.close();
    for (const each of [alone, together, third]) {
      const carts = cartsIn(await each.send('KV.GET', 'cart', 'R', '1'));
      deepEqual(carts, [['bread', 'eggs', 'jam', 'milk']]);
    }
    const explanation = await explained(cluster);
    ok(explanation.isAgreed, JSON.stringify(explanation));
    equal(explanation.writes.filter(({ fate }) => fate === 'answered').length, 1);
  });
});

/** A client at each node, in the keyspace that keeps siblings. */
async function customers(t: TestContext, cluster: RunningCluster) {
  const at = async (node: number) => {
    const connection = await cluster.connect(node, PATIENT);
    t.after(() => connection.close());
    await connection.send('HELLO', '3');
    equal(await connection.send('SELECT', 'siblings'), 'OK');
    return connection;
  };
  return [await at(0), await at(1), await at(2)] as const;
}

function cartsIn(reply: Parameters<typeof readIn>[0]): unknown[] {
  return readIn(reply).values.map((value) => JSON.parse(String(value)));
}

/** Resolves when `node` takes so many nodes to be alive, itself included. */
async function seen(cluster: RunningCluster, node: number, is: (alive: number) => boolean) {
  const { httpUrl } = cluster.nodes[node] as RunningNode;
  await until('as many nodes are seen as should be', async () => {
    const status = (await (await fetch(`${httpUrl}/v1/status`)).json()) as ClusterStatus;
    return is(status.members.filter(({ isAlive }) => isAlive).length);
  });
}

async function explained({ nodes }: RunningCluster): Promise<Explanation> {
  const url = (nodes[0] as RunningNode).httpUrl;
  const words = ['explain', 'cart', '--keyspace', 'siblings', '--json', '--url', url];
  return JSON.parse((await runKvorum(words)).stdout);
}
