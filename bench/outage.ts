// What an outage costs, and how long it takes until nothing of it is left.
//
//   npm run bench -- outage                        3 and 5 nodes, N=3, a minute without one of them
//   npm run bench -- outage --outage 600           ten minutes
//   npm run bench -- outage --wiped 1000000        and a node of three that lost its disk
//
// One node is killed (SIGKILL) under a steady load through two others, stays away, comes back. Each
// second has a p99; it is steady again when that is within a third of the healthy one. Then: when
// are its hints delivered, and when do all replicas say that they are the same. The load is an open
// loop, and takes from the same cores as the nodes.

import { rm } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { BulkKeys } from '../test/bulk-keys.ts';
import { BulkLoad } from '../test/bulk-load.ts';
import { type RunningCluster, type RunningNode, startCluster } from '../test/cluster-fixture.ts';
import { metricsOf } from '../test/node-metrics.ts';
import { until } from '../test/until.ts';
import { FiguresPage } from './figures-page.ts';
import { fillKeys, type LoadResult, runLoad } from './load/open-loop.ts';
import { loadNow, machineLine } from './machine.ts';

const HELP = `npm run bench -- outage
  --rate 1500        requests a second, half of them reads
  --outage 60        seconds that the node is away
  --wiped 0          keys of a cluster of three of which one node loses its disk; 0: none
  --write            into docs/figures.md`;

type Print = (line: string) => void;

const CONNECTIONS = 4;
const DEADLINE_MS = 1_000;
const HEALTHY_SECONDS = 5;
const STEADY_RATIO = 1.3;
const PATIENCE = { msMax: 900_000 };
const VALUE_BYTES = 100;

export async function run(print: Print, args: readonly string[] = []): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rate: { type: 'string', default: '1500' },
      outage: { type: 'string', default: '60' },
      wiped: { type: 'string', default: '0' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return print(HELP);
  const page = new FiguresPage();
  const [rate, outage, wiped] = [values.rate, values.outage, values.wiped].map(Number) as [
    number,
    number,
    number,
  ];
  print(`${machineLine()}; ${loadNow()} processes wanted it when this began`);
  const lines: string[] = [];
  const say = (line: string) => {
    lines.push(line);
    print(line);
  };
  say(`${rate} requests a second, half of them reads; N=3 R=2 W=2, synced`);
  for (const nodes of [3, 5]) {
    await onCluster(nodes, (cluster) => new Outage(cluster, rate, say).run(outage));
  }
  if (wiped > 0) await onCluster(3, (cluster) => refill(cluster, wiped, say));
  if (!values.write) return;
  const title = 'A node is killed under load, stays away and comes back';
  const command = `bench -- outage --rate ${rate} --outage ${outage} --wiped ${wiped}`;
  page.write({ name: 'outage', title, command, lines });
}

async function onCluster(nodes: number, body: (cluster: RunningCluster) => Promise<void>) {
  const cluster = await startCluster({ nodes });
  try {
    await body(cluster);
  } finally {
    await cluster.stop();
  }
}

class Outage {
  readonly #cluster: RunningCluster;
  readonly #rate: number;
  readonly #say: Print;
  readonly #victim: number;
  #failed = 0;
  #due = 0;

  constructor(cluster: RunningCluster, rate: number, say: Print) {
    this.#cluster = cluster;
    this.#rate = rate;
    this.#say = say;
    this.#victim = cluster.nodes.length - 1;
  }

  async run(seconds: number): Promise<void> {
    const { nodes } = this.#cluster;
    await fillKeys((nodes[0] as RunningNode).port);
    await this.#load(2);
    const healthyMs = p99(await this.#load(HEALTHY_SECONDS));
    [this.#failed, this.#due] = [0, 0];
    this.#row(`${nodes.length} nodes: p99 while all are there`, `${healthyMs.toFixed(1)} ms`);
    await this.#cluster.kill(this.#victim);
    await this.#untilSteady(healthyMs, seconds);
    this.#row('  failed requests of those due', `${this.#failed} of ${this.#due}`);
    await this.#comesBack();
  }

  async #untilSteady(healthyMs: number, seconds: number): Promise<void> {
    let steadyAt: number | undefined;
    const firstMs: string[] = [];
    for (let second = 1; second <= seconds; second++) {
      const ms = p99(await this.#load(1));
      if (firstMs.length < 3) firstMs.push(ms.toFixed(1));
      if (steadyAt === undefined && ms <= STEADY_RATIO * healthyMs) steadyAt = second;
    }
    this.#row('  p99 of the first seconds without it', `${firstMs.join(', ')} ms`);
    this.#row(`  p99 within ${STEADY_RATIO} × again in second`, `${steadyAt ?? 'none'}`);
  }

  async #comesBack(): Promise<void> {
    const { nodes } = this.#cluster;
    const victim = nodes[this.#victim] as RunningNode;
    const others = nodes.filter((node) => node !== victim);
    const hints = await pendingFor(victim, others);
    const fromMs = Date.now();
    await this.#cluster.restart(this.#victim);
    this.#row('  ready again after', seconds(Date.now() - fromMs));
    const load = this.#load(HEALTHY_SECONDS);
    await until('hints delivered', async () => (await pendingFor(victim, others)) === 0, PATIENCE);
    const tookMs = Date.now() - fromMs;
    const perSecond = Math.round((1_000 * hints) / tookMs).toLocaleString('en');
    const delivered = `${seconds(tookMs)}, ${perSecond} a second`;
    this.#row(`  its ${hints.toLocaleString('en')} hints delivered after`, delivered);
    const backMs = p99(await load);
    this.#row('  p99 of the seconds after its return', `${backMs.toFixed(1)} ms`);
    const quietMs = Date.now();
    await until('all the same', () => isInSync(victim, others, quietMs), PATIENCE);
    this.#row('  all replicas found the same after', seconds(Date.now() - fromMs));
  }

  async #load(seconds: number): Promise<LoadResult> {
    const ports = this.#cluster.nodes.slice(0, 2).map(({ port }) => port);
    const plan = { ports, connectionsPerPort: CONNECTIONS, perSecond: this.#rate, seconds };
    const result = await runLoad({ ...plan, deadlineMs: DEADLINE_MS }, Math.random);
    for (const { due, done } of [result.get, result.set]) {
      this.#due += due;
      this.#failed += due - done;
    }
    return result;
  }

  #row(what: string, figure: string): void {
    this.#say(row(what, figure));
  }
}

/** A disk that is lost, and how long it takes until its node has everything again. */
async function refill(cluster: RunningCluster, count: number, say: Print): Promise<void> {
  const [one, other, victim] = cluster.nodes as [RunningNode, RunningNode, RunningNode];
  const ports = cluster.nodes.map(({ port }) => port);
  await new BulkLoad(new BulkKeys({ count, valueBytes: VALUE_BYTES, seed: 1 }), ports).write();
  await cluster.kill(2);
  await rm(victim.directory, { recursive: true });
  const fromMs = Date.now();
  await cluster.restart(2);
  say(row(`a node of three lost ${count.toLocaleString('en')} keys`, ''));
  say(row('  ready again after', seconds(Date.now() - fromMs)));
  await until('refilled', () => isInSync(victim, [one, other], fromMs), PATIENCE);
  const tookMs = Date.now() - fromMs;
  const perSecond = Math.round((1_000 * count) / tookMs).toLocaleString('en');
  say(row('  it has everything again after', `${seconds(tookMs)}, ${perSecond} keys a second`));
}

async function pendingFor({ name }: RunningNode, others: readonly RunningNode[]): Promise<number> {
  const sample = `kvorum_hints_pending{node="${name}"}`;
  const metrics = await Promise.all(others.map((node) => metricsOf(node)));
  return metrics.reduce((sum, of) => sum + of(sample, 0), 0);
}

/** Whether each pair of `node` and another has been compared since then, and was the same. */
async function isInSync(
  node: RunningNode,
  others: readonly RunningNode[],
  sinceMs: number,
): Promise<boolean> {
  const of = await metricsOf(node);
  return others.every(({ name }) => {
    const sample = `kvorum_antientropy_in_sync_timestamp_seconds{node="${name}"}`;
    return of(sample, 0) * 1_000 > sinceMs;
  });
}

function p99({ get, set }: LoadResult): number {
  return Math.max(get.quantileMs(0.99), set.quantileMs(0.99));
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function row(what: string, figure: string): string {
  return what.padEnd(44) + figure.padStart(32);
}
