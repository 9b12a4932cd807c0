// Everything that is survivable, one after the other, on real processes under the load of clients:
// a lossy and slow network, a node that is not heard, one that freezes, one that is killed, a cut,
// a full disk. Clients may be refused meanwhile, and are never lied to; in the end every
// acknowledged write is read from every node.

import { deepEqual, ok } from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type NodeSite,
  type RunningCluster,
  type RunningNode,
  startCluster,
} from './cluster-fixture.ts';
import { FAIR } from './frame-relay.ts';
import { Ledger } from './ledger.ts';
import { Load, wrongThrough } from './load.ts';
import { labRefusal, type NetworkLab, networkLab } from './network-lab.ts';
import { metricsOf } from './node-metrics.ts';
import { fillDisk, smallDisk } from './small-disk.ts';
import { until } from './until.ts';

const ALL = [0, 1, 2];
const DISK_MIB = 160;
const RESERVE_MIB = 30;
/** Where the node takes no more writes, and the disk still does. */
const FULL_MIB = 25;
/** Acknowledged in each kind of weather before it is felt, and again afterwards. */
const WRITES = 300;
const FRAMES_LOST = 100;

const skip = await labRefusal();

test('whatever the weather, nothing that was acknowledged is lost', { skip }, async (t) => {
  const lab = await networkLab(t, 3);
  const disk = await smallDisk(t, DISK_MIB);
  if (disk === undefined) return t.skip('only root may mount a small disk');
  const flags = ['--memory', '6mb', '--disk-reserve', `${RESERVE_MIB}mb`];
  const [site, ...others] = lab.sites as [NodeSite, NodeSite, NodeSite];
  const sites = [{ ...site, directory: join(disk, 'n1') }, ...others];
  const cluster = await startCluster({ nodes: 3, sites, owner: t, flags });
  const ledger = new Ledger();
  const load = new Load({ cluster, ledger, writers: [[0], [1], [2], ALL, [2, 1]], readers: ALL });
  await load.more(WRITES);
  for (const { name, begin, isFelt, end } of weathers(lab, cluster, disk)) {
    await t.test(name, async () => {
      await begin();
      await load.more(WRITES);
      await until('it is felt', isFelt);
      await load.more(WRITES);
      await end();
      await allAlive(cluster);
    });
  }
  await load.stop();
  await t.test('when it is fair again every node answers with everything', async () => {
    await allHintsDelivered(cluster);
    for (const node of ALL) deepEqual(await wrongThrough(cluster, node, ledger), []);
    deepEqual(load.lies, []);
    ok(load.reads > 0);
  });
  t.diagnostic(
    `${JSON.stringify(ledger.counts)}, ${load.reads} reads, ${lab.framesLost} frames lost`,
  );
  t.diagnostic(`refused or unknown: ${load.complaints.length}`);
});

interface Weather {
  readonly name: string;
  begin(): Promise<void> | void;
  isFelt(): Promise<boolean> | boolean;
  end(): Promise<void> | void;
}

function weathers(lab: NetworkLab, cluster: RunningCluster, disk: string): Weather[] {
  const [n1, n2] = cluster.nodes as [RunningNode, RunningNode];
  const seesAlive = (node: RunningNode, count: number) => async () => {
    return (await metricsOf(node))('kvorum_members_alive') === count;
  };
  let makeRoom = async () => {};
  return [
    {
      name: 'one frame of twenty is lost, the others take 5 to 25 ms',
      begin: () => lab.setWeather({ lossRate: 0.05, delayMs: 5, jitterMs: 20 }),
      isFelt: () => lab.framesLost > FRAMES_LOST,
      end: () => lab.setWeather(FAIR),
    },
    {
      name: 'nothing gets from n1 to n2, though n1 hears n2',
      begin: () => lab.deafen(0, 1),
      isFelt: seesAlive(n2, 2),
      end: () => lab.hear(0, 1),
    },
    {
      name: 'n2 freezes',
      begin: () => void process.kill(n2.pid as number, 'SIGSTOP'),
      isFelt: seesAlive(n1, 2),
      end: () => void process.kill(n2.pid as number, 'SIGCONT'),
    },
    {
      name: 'n3 is killed and comes back',
      begin: () => cluster.kill(2),
      isFelt: seesAlive(n1, 2),
      end: () => cluster.restart(2),
    },
    {
      name: 'n1 is cut off',
      begin: () => lab.cut([[0], [1, 2]]),
      isFelt: seesAlive(n1, 1),
      end: () => lab.cut([ALL]),
    },
    {
      name: 'the disk of n1 is full',
      begin: async () => {
        makeRoom = await fillDisk(disk, FULL_MIB);
      },
      isFelt: async () => (await metricsOf(n1))('kvorum_engine_state{state="disk-full"}') === 1,
      end: () => makeRoom(),
    },
  ];
}

async function allAlive({ nodes }: RunningCluster): Promise<void> {
  await until('all are alive to all', async () => {
    const metrics = await Promise.all(nodes.map((node) => metricsOf(node)));
    return metrics.every((of) => of('kvorum_members_alive') === nodes.length);
  });
}

async function allHintsDelivered({ nodes }: RunningCluster): Promise<void> {
  await until('no hints are left', async () => {
    const metrics = await Promise.all(nodes.map((node) => metricsOf(node)));
    return metrics.every((of) => {
      return nodes.every(({ name }) => of(`kvorum_hints_pending{node="${name}"}`, 0) === 0);
    });
  });
}
